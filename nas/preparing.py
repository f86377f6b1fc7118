"""From a spec to decoded images, bicubic's scores on them and the hypervolume's reference point.

Runs in the controller process, once per search; once per full training, for its images alone. It decodes; how bicubic
is scored is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluator.data.images import ImageSet, as_luma, load, split
from evaluator.data.sets import EvaluationData
from evaluator.metrics.protocol import Protocol, get_protocol
from search_space.errors import Problem

from .catalogue import FolderOf
from .checks import dataset_folder
from .latency import latency_note
from .objectives import METRICS, Constraint, Objective, Sense
from .reach import reach
from .records import Training
from .spec import DatasetSpec, SearchSpec
from .validation import held_out

Baseline = Callable[[ImageSet, int, Protocol], Mapping[Any, float]]
"""``baseline(validation, channels, protocol)``: bicubic's mean scores by column, as `evaluator.score.baseline`."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a search needs before its first training.

    Attributes:
        data: Training and validation images.
        notes: What was found in the datasets, and what a latency is, for people.
        baseline: Bicubic's mean scores on the validation images, by column.
        reference_point: Reference of the hypervolume, by metric.
        environment: What it is run with here, by name, e.g. the version of torch.
    """

    data: EvaluationData
    notes: tuple[str, ...]
    baseline: Mapping[str, float]
    reference_point: Mapping[str, float]
    environment: Mapping[str, str] = field(default_factory=dict)


Prepare = Callable[[SearchSpec], Prepared]

PrepareImages = Callable[[SearchSpec], EvaluationData]


def prepare(
    spec: SearchSpec, folder_of: FolderOf, baseline: Baseline, environment: Mapping[str, str] | None = None
) -> Prepared:
    """Decode a search's images; `InvalidInput` when the datasets are no longer what they were at submission."""
    data, notes = _data(spec, folder_of)
    scores = baseline(data.validation, spec.channels, get_protocol(spec.recipe.protocol))
    bicubic = {str(column): float(value) for column, value in scores.items()}
    return Prepared(
        data=data,
        notes=(*notes, *filter(None, [latency_note(spec)])),
        baseline=bicubic,
        reference_point=reference_point(spec, bicubic),
        environment=environment or {},
    )


def images(spec: SearchSpec, folder_of: FolderOf) -> EvaluationData:
    """Decode the images of a spec and nothing more; `InvalidInput` as for `prepare`."""
    return _data(spec, folder_of)[0]


def spec_of(spec: SearchSpec, training: Training) -> SearchSpec:
    """A search's spec with the images and the recipe of a full training in it.

    Raises:
        ValidationError: What the training says of its images is not what a spec says of them.
    """
    dataset = DatasetSpec.model_validate(dict(training.dataset))
    return spec.model_copy(update={"dataset": dataset, "recipe": training.recipe.training})


def reference_point(spec: SearchSpec, bicubic: Mapping[str, float]) -> dict[str, float]:
    """The point that a network must beat on every objective to count towards the hypervolume.

    Quality is measured from bicubic's score; cost from the constraint's bound where there is one, else from the
    dearest network of the space. So is a latency that is predicted. Of one that is measured nothing is known before the
    first training: without a bound it counts from what the dearest network takes at a nominal rate (see `reach`).
    """
    return {o.metric: _reference(spec, o, bicubic) for o in spec.objective_values}


def _reference(spec: SearchSpec, objective: Objective, bicubic: Mapping[str, float]) -> float:
    if METRICS[objective.metric].trained:
        return bicubic[objective.column]
    found = reach(spec, objective.metric)
    bounds = [c for c in spec.constraint_values if c.metric == objective.metric]
    if objective.sense is Sense.MINIMISE:
        return min([float(found.high), *_bounds(bounds, "maximum")])
    return max([float(found.low), *_bounds(bounds, "minimum")])


def _bounds(constraints: list[Constraint], side: str) -> list[float]:
    return [value for c in constraints if (value := getattr(c, side)) is not None]


def _data(spec: SearchSpec, folder_of: FolderOf) -> tuple[EvaluationData, tuple[str, ...]]:
    """What to train and to score on, and what to tell about it."""
    train, validation, notes = _images(spec, folder_of)
    if spec.dataset.validation_crop is not None:
        validation = validation.crop(spec.dataset.validation_crop)
    return EvaluationData(as_luma(train) if spec.channels == 1 else train, validation), notes


def _images(spec: SearchSpec, folder_of: FolderOf) -> tuple[ImageSet, ImageSet, tuple[str, ...]]:
    """Training and validation images in RGB, and what to tell about them."""
    dataset = spec.dataset
    train, notes = _folder(spec, "train", folder_of, spec.recipe.patch, dataset.train_limit)
    if dataset.validation is not None:
        validation, more = _folder(spec, "validation", folder_of, 16, dataset.validation_limit)
        return train, validation, (*notes, *more)
    rest, held = split(train, held_out(dataset, len(train)))
    names = ", ".join(pair.name for pair in held)
    return rest, held, (*notes, f"dataset.validation: {len(held)} training images held out: {names}")


def _folder(
    spec: SearchSpec, role: str, folder_of: FolderOf, min_lr_side: int, limit: int | None
) -> tuple[ImageSet, tuple[str, ...]]:
    folder = dataset_folder(spec, role, folder_of, min_lr_side=min_lr_side)
    images = load(folder, scale=spec.scale, channels=3, limit=limit, field=f"dataset.{role}")
    found = f"dataset.{role}: {len(images)} images, layout {folder.layout}"
    return images, (found, *map(_skipped, images.problems))


def _skipped(problem: Problem) -> str:
    """Which file was left out and why; what was wanted is told where the reason alone does not say it."""
    wanted = "" if problem.allowed.startswith("an image that can be") else f" (wanted: {problem.allowed})"
    return f"skipped {problem.field}: {problem.value}{wanted}"
