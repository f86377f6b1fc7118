"""How much of a candidate's time goes into scoring it: estimated before a search, from image headers and arithmetic."""

from __future__ import annotations

from evaluator.data.decoding import size
from evaluator.data.folders import ImageFiles

from .catalogue import FolderOf
from .checks import MIN_VALIDATION_SIDE, dataset_folder
from .spec import DatasetSpec, SearchSpec

HOLDOUT_SHARE = 5
"""Without validation images, one image of so many is held out."""

LARGEST_SHARE = 0.1
"""Share of a candidate's time above which a submitter is told."""

PASSES = 3
"""What a pixel costs in training, against one that is only predicted: forward once, and backward twice as long."""

SPEEDUP = 2
"""How much faster a training may be in less than float32, in which every score is predicted; as measured on CPUs."""


def held_out(dataset: DatasetSpec, total: int) -> int:
    """How many of so many training images are held out for validation."""
    count = max(1, total // HOLDOUT_SHARE)
    return count if dataset.validation_limit is None else min(count, dataset.validation_limit)


def validation_warnings(spec: SearchSpec, pixels: int) -> tuple[str, ...]:
    """What a submitter should know of scoring: whether it takes more than a tenth of a candidate's time.

    Args:
        spec: A checked spec.
        pixels: LR pixels of its validation images; see `validation_pixels`.
    """
    recipe = spec.recipe
    steps = recipe.rung_steps[0]
    share = predicted_share(pixels, steps * recipe.batch * recipe.patch**2, passes_of(spec))
    if share <= LARGEST_SHARE:
        return ()
    return (
        f"scoring takes up to {share:.0%} of the time of a candidate that is trained for {steps:,} steps: "
        f"{pixels:,} LR pixels are predicted for it; lower dataset.validation_limit or dataset.validation_crop, or "
        f"raise {'recipe.steps' if recipe.rungs == 1 else 'the steps of the first rung'}",
    )


def passes_of(spec: SearchSpec) -> float:
    """What a pixel costs in a search's trainings, against one that is predicted."""
    return PASSES if spec.recipe.precision == "float32" else PASSES / SPEEDUP


def predicted_share(validated: int, trained: int, passes: float = PASSES) -> float:
    """Share of a candidate's time that predicting takes.

    Args:
        validated: LR pixels that are predicted once.
        trained: LR pixels of all patches of all steps.
        passes: How many times as much a pixel costs in training.

    >>> predicted_share(3, 9)
    0.1
    """
    return validated / (validated + passes * trained)


def validation_pixels(spec: SearchSpec, folder_of: FolderOf) -> int:
    """LR pixels of all validation images; of those that will be held out, by the average over their folder."""
    dataset, recipe = spec.dataset, spec.recipe
    if dataset.validation is not None:
        found = dataset_folder(spec, "validation", folder_of, min_lr_side=MIN_VALIDATION_SIDE).pairs
        return sum(_lr_pixels(files, spec) for files in found[: dataset.validation_limit])
    found = dataset_folder(spec, "train", folder_of, min_lr_side=recipe.patch).pairs[: dataset.train_limit]
    return sum(_lr_pixels(files, spec) for files in found) * held_out(dataset, len(found)) // len(found)


def _lr_pixels(files: ImageFiles, spec: SearchSpec) -> int:
    """What is left of an image by the crop."""
    height, width = (side // spec.scale for side in size(files.hr))
    crop = spec.dataset.validation_crop
    return height * width if crop is None else min(height, crop) * min(width, crop)
