"""Checks of a search before it is accepted: shape, costs and images, every problem reported at once.

Reads image headers and does arithmetic; trains nothing, decodes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evaluator.data.folders import Folder, scan
from search_space.errors import InvalidInput, Problem, present
from search_space.genotype import Genotype
from search_space.spaces import get_space

from .catalogue import FolderOf, UnknownDataset
from .devices import with_profile
from .figures import in_full
from .known import known_figures
from .objectives import METRICS
from .reach import reach
from .spec import PARTS, LatencySpec, SearchSpec
from .wording import wanted

SHOWN = 5
"""How many of a folder's problems are shown when none of its images can be used."""

MIN_VALIDATION_SIDE = 16
"""LR pixels that an image needs to be scored."""


class InvalidSpec(InvalidInput):
    """A search cannot be accepted as it is."""


def checked_spec(document: Mapping[str, Any], folder_of: FolderOf, home: Path) -> SearchSpec:
    """The spec in a document, with the whole profile that it predicts latencies with.

    Args:
        document: A JSON object.
        folder_of: Finds the folder of a dataset.
        home: Folder that holds the profiles of devices.

    Raises:
        InvalidSpec: with every problem of every field.
    """
    problems: list[Problem] = []
    spec: SearchSpec | None = None
    wrong: set[str] = set()
    try:
        spec = SearchSpec.model_validate(document)
    except ValidationError as error:
        problems = spec_problems(error)
        wrong = {str(entry["loc"][0]) for entry in error.errors() if entry["loc"]}
        spec = _rest(document, wrong)
    if spec is not None:
        spec, more = _timed(spec, wrong, home)
        problems += more
        problems += [*_problems_of_constraints(spec, wrong), *_problems_of_initial(spec, wrong)]
        if "dataset" not in wrong:
            problems += problems_of_images(spec, wrong, folder_of)
    if problems or spec is None:
        raise InvalidSpec(problems)
    return spec


def spec_problems(
    error: ValidationError, model: type[BaseModel] = SearchSpec, parts: Mapping[str, type[BaseModel]] = PARTS
) -> list[Problem]:
    """Problems in the house's form out of pydantic's, recipes' and genotypes' own problems kept apart.

    Args:
        error: What pydantic found.
        model: Model of the document that was read.
        parts: Models of the document's fields, or of their entries, by name.
    """
    problems: list[Problem] = []
    for entry in error.errors():
        field = ".".join(str(part) for part in entry["loc"]) or "spec"
        cause = entry.get("ctx", {}).get("error")
        if isinstance(cause, InvalidInput):
            problems += (_placed(problem, field) for problem in cause.problems)
            continue
        problems.append(Problem(field, _value(entry), wanted(entry, model, parts)))
    return problems


def _value(entry: ErrorDetails) -> object:
    """What stands where one of pydantic's errors lies; None where nothing does."""
    return None if entry["type"] == "missing" else present(entry["input"])


def _placed(problem: Problem, field: str) -> Problem:
    """A problem of a part, under the field of the spec that holds the part."""
    if problem.field.startswith(field):
        return problem
    return Problem(f"{field}: {problem.field}", problem.value, problem.allowed)


def _rest(document: Mapping[str, Any], wrong: set[str]) -> SearchSpec | None:
    """The spec without the fields that are wrong, so that the others are still looked at."""
    kept = {name: value for name, value in document.items() if name not in wrong}
    if "dataset" in wrong or "dataset" not in kept:
        kept["dataset"] = {"train": "unknown"}
    try:
        return SearchSpec.model_validate(kept)
    except ValidationError:
        return None


def _timed(spec: SearchSpec, wrong: set[str], home: Path) -> tuple[SearchSpec, list[Problem]]:
    """The spec with its latency's profile, or without its latency and why."""
    if wrong & {"latency", "space", "scale", "channels", "recipe"}:
        return _untimed(spec), []
    try:
        return with_profile(spec, home), []
    except InvalidInput as error:
        return _untimed(spec), list(error.problems)


def _untimed(spec: SearchSpec) -> SearchSpec:
    """The spec as if workers measured its latency: then nothing is asked of a profile that is not there."""
    return spec.model_copy(update={"latency": LatencySpec.model_validate({"mode": "measured"})})


def _problems_of_constraints(spec: SearchSpec, wrong: set[str]) -> list[Problem]:
    """Constraints that no network of the space can satisfy."""
    if wrong & {"space", "constraints", "recipe", "scale", "channels"}:
        return []
    problems = []
    for number, constraint in enumerate(spec.constraints):
        if not (found := reach(spec, constraint.metric)).certain:
            continue
        low, high = in_full(found.low), in_full(found.high)
        what = (
            "any image reaches" if METRICS[constraint.metric].trained else f"networks of the space {spec.space} reach"
        )
        field, reaches = f"constraints.{number}", f"{what} from {low} to {high}"
        if constraint.max is not None and constraint.max < found.low:
            problems.append(Problem(f"{field}.max", constraint.max, f"at least {low}: {reaches}"))
        if constraint.min is not None and constraint.min > found.high:
            problems.append(Problem(f"{field}.min", constraint.min, f"at most {high}: {reaches}"))
    return problems


def _problems_of_initial(spec: SearchSpec, wrong: set[str]) -> list[Problem]:
    """Initial networks that do not belong to the space, or that cost what the constraints do not allow."""
    if wrong & {"space", "initial"}:
        return []
    space, problems = get_space(spec.space), []
    costed = not wrong & {"constraints", "recipe", "scale", "channels"}
    for number, (text, genotype) in enumerate(zip(spec.initial, spec.initial_genotypes, strict=True)):
        outside = [f"a network of the space {spec.space}: {why}" for why in space.explain(genotype)]
        reasons = outside or (_broken_bounds(spec, genotype) if costed else [])
        problems += [Problem(f"initial.{number}", text, reason) for reason in reasons]
    return problems


def _broken_bounds(spec: SearchSpec, genotype: Genotype) -> list[str]:
    """What the constraints ask of a network's cost and it does not keep; the search would never train it."""
    figures, broken = known_figures(spec, genotype), []
    for constraint in spec.constraints:
        if constraint.constraint.column not in figures:
            continue
        value = figures[constraint.constraint.column]
        if constraint.max is not None and value > constraint.max:
            allowed = f"networks with {constraint.metric} of at most {constraint.max:,.10g}"
            broken.append(f"{allowed}; this one has {in_full(value)}")
        if constraint.min is not None and value < constraint.min:
            allowed = f"networks with {constraint.metric} of at least {constraint.min:,.10g}"
            broken.append(f"{allowed}; this one has {in_full(value)}")
    return broken


def problems_of_images(spec: SearchSpec, wrong: set[str], folder_of: FolderOf) -> list[Problem]:
    """Datasets that are not known, empty, of another scale, too small for a patch, or too few images."""
    problems: list[Problem] = []
    folders: dict[str, Folder] = {}
    wanted = {"train": 1 if "recipe" in wrong else spec.recipe.patch, "validation": MIN_VALIDATION_SIDE}
    for role, min_lr_side in wanted.items():
        if getattr(spec.dataset, role) is None:
            continue
        try:
            if "scale" in wrong:  # what lies in a folder cannot be judged
                _folder_path(spec, role, folder_of)
            else:
                folders[role] = dataset_folder(spec, role, folder_of, min_lr_side=min_lr_side)
        except InvalidInput as error:
            problems += error.problems
    return problems + _problems_of_validation(spec, folders)


def _problems_of_validation(spec: SearchSpec, folders: Mapping[str, Folder]) -> list[Problem]:
    """Too few images to hold one out, or validation images that are trained on."""
    dataset, problems = spec.dataset, []
    if dataset.validation is None:
        other = "held out for validation; or name dataset.validation"
        if dataset.train_limit == 1:
            problems.append(Problem("dataset.train_limit", 1, f"at least 2: one image is {other}"))
        if "train" in folders and len(folders["train"].pairs) < 2:
            allowed = f"at least two usable images, since one is {other}"
            problems.append(Problem("dataset.train", dataset.train, allowed))
    elif _files(folders.get("train")) & _files(folders.get("validation")):
        allowed = "a dataset of images that are not used for training; without it, some of them are held out"
        problems.append(Problem("dataset.validation", dataset.validation, allowed))
    return problems


def _files(folder: Folder | None) -> set[Path]:
    return {files.hr.resolve() for files in folder.pairs} if folder else set()


def dataset_folder(spec: SearchSpec, role: str, folder_of: FolderOf, *, min_lr_side: int) -> Folder:
    """Scan one of a spec's datasets; `InvalidInput` names the field and what is allowed."""
    field, name = f"dataset.{role}", getattr(spec.dataset, role)
    path = _folder_path(spec, role, folder_of)
    try:
        return scan(path, scale=spec.scale, field=field, min_lr_side=min_lr_side)
    except InvalidInput as error:
        shown, more = error.problems[:SHOWN], len(error.problems) - SHOWN
        needed = "images that can be used"
        if small := _has_usable(path, spec.scale):
            needed = f"images of at least {min_lr_side * spec.scale} pixels a side for x{spec.scale}"
            if role == "train" and min_lr_side == spec.recipe.patch:
                needed += f" and recipe.patch {spec.recipe.patch}"
        if more > 0:
            needed += f"; {more} more files have problems"
        summary = [Problem(field, name, needed)] if small or more > 0 else []
        raise InvalidSpec([*summary, *shown]) from error
    except OSError as error:  # the folder may not be read
        raise InvalidSpec([Problem(field, name, f"a folder that can be read: {error.strerror}")]) from error


def _has_usable(path: Path, scale: int) -> bool:
    """Whether a folder holds images that could be used if they were large enough."""
    try:
        return bool(scan(path, scale=scale).pairs)
    except InvalidInput:
        return False


def _folder_path(spec: SearchSpec, role: str, folder_of: FolderOf) -> Path:
    """Where the images of one of a spec's datasets lie; `InvalidSpec` when it is not known."""
    name: str = getattr(spec.dataset, role)
    try:
        return folder_of(name)
    except UnknownDataset as error:
        raise InvalidSpec([Problem(f"dataset.{role}", name, error.allowed)], error.hint) from error
