"""What scoring takes of a candidate's time, estimated before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nas.catalogue import FolderOf
from nas.preparing import prepare
from nas.spec import DatasetSpec, SearchSpec
from nas.validation import LARGEST_SHARE, held_out, predicted_share, validation_pixels, validation_warnings


def spec(recipe: dict[str, Any] | None = None, **dataset: Any) -> SearchSpec:
    document = {"dataset": {"train": "train", "validation": "val"} | dataset, "recipe": recipe or {}}
    return SearchSpec.model_validate(document)


def warnings_of(asked: SearchSpec, folder_of: FolderOf) -> tuple[str, ...]:
    return validation_warnings(asked, validation_pixels(asked, folder_of))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images to score on, as large as Kodak's; 12 to train on."""
    root = tmp_path_factory.mktemp("images")
    for name, count, size in (("train", 12, (320, 480)), ("val", 24, (512, 768))):
        (root / name).mkdir()
        for number in range(count):
            Image.fromarray(np.full((*size, 3), number, np.uint8)).save(root / name / f"{number}.png")
    return root


def test_the_default_takes_far_less_than_a_tenth(images: Path) -> None:
    assert warnings_of(spec(), images.joinpath) == ()
    assert predicted_share(8 * 96**2, 300 * 8 * 24**2) < LARGEST_SHARE / 2


def test_whole_images_and_few_steps_are_warned_of_with_their_share(images: Path) -> None:
    (whole,) = warnings_of(spec(validation_crop=None, validation_limit=None), images.joinpath)
    assert "up to 53% of the time" in whole
    assert f"{24 * 256 * 384:,} LR pixels" in whole
    assert "recipe.steps" in whole
    (slower,) = warnings_of(
        spec({"precision": "float32"}, validation_crop=None, validation_limit=None), images.joinpath
    )
    assert "up to 36% of the time" in slower
    (short,) = warnings_of(spec({"steps": 30, "warmup_steps": 5}), images.joinpath)
    assert "up to 26% of the time of a candidate that is trained for 30 steps" in short


def test_the_shortest_rung_is_judged(images: Path) -> None:
    assert warnings_of(spec({"steps": 240}), images.joinpath) == ()
    (warning,) = warnings_of(spec({"steps": 240, "rungs": 4}), images.joinpath)
    assert "30 steps" in warning
    assert "the first rung" in warning


@pytest.mark.parametrize("dataset", [{}, {"validation_limit": 1}, {"train_limit": 6, "validation_crop": None}])
def test_images_that_will_be_held_out_are_counted_as_they_are_held_out(images: Path, dataset: dict[str, Any]) -> None:
    held = spec({"steps": 1, "warmup_steps": 0}, validation=None, **dataset)
    prepared = prepare(held, images.joinpath, lambda *_: {"psnr_db": 1.0, "fsds_db": 1.0})
    pixels = sum(pair.lr.shape[0] * pair.lr.shape[1] for pair in prepared.data.validation)
    (warning,) = warnings_of(held, images.joinpath)
    assert f"{pixels:,} LR pixels" in warning


def test_at_least_one_image_is_held_out_and_no_more_than_the_limit() -> None:
    dataset = DatasetSpec(train="photos", validation_limit=3)
    assert [held_out(dataset, total) for total in (2, 9, 10, 100)] == [1, 1, 2, 3]
    assert held_out(dataset.model_copy(update={"validation_limit": None}), 100) == 20
