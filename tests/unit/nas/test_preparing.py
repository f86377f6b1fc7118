from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluator.data.images import ImageSet
from evaluator.metrics.protocol import Protocol
from nas.checks import InvalidSpec
from nas.preparing import images, prepare, reference_point, spec_of
from nas.reach import reach
from nas.spec import SearchSpec
from nas.testing.builders import make_training
from nas.testing.profiles import make_profile

BICUBIC = {"psnr_db": 28.0, "ssim": 0.8, "fsds_db": 20.0}


def bicubic(validation: ImageSet, channels: int, protocol: Protocol) -> Mapping[Any, float]:
    assert validation.pairs
    return BICUBIC


def spec(**changes: Any) -> SearchSpec:
    return SearchSpec.model_validate({"dataset": {"train": "photos"}} | changes)


def test_images_are_held_out_for_validation_and_never_trained_on(sample_dir: Path) -> None:
    prepared = prepare(spec(), sample_dir.parent.joinpath, bicubic)
    trained = {pair.name for pair in prepared.data.train}
    held_out = {pair.name for pair in prepared.data.validation}
    assert len(trained) == 7
    assert len(held_out) == 1
    assert not trained & held_out
    assert any("held out" in note for note in prepared.notes)


def test_what_it_is_run_with_stands_with_it(sample_dir: Path) -> None:
    prepared = prepare(spec(), sample_dir.parent.joinpath, bicubic, environment={"torch": "2.13.0"})
    assert prepared.environment == {"torch": "2.13.0"}


def test_luma_searches_train_on_luma_and_score_on_the_whole_image(sample_dir: Path) -> None:
    prepared = prepare(spec(), sample_dir.parent.joinpath, bicubic)
    assert {pair.hr.shape[2] for pair in prepared.data.train} == {1}
    assert {pair.hr.shape[2] for pair in prepared.data.validation} == {3}
    rgb = prepare(spec(channels=3), sample_dir.parent.joinpath, bicubic)
    assert {pair.hr.shape[2] for pair in rgb.data.train} == {3}


def test_validation_crops_and_limits_are_applied(sample_dir: Path) -> None:
    dataset = {
        "train": "photos",
        "validation": "photos",
        "validation_limit": 3,
        "validation_crop": 48,
        "train_limit": 2,
    }
    data = prepare(spec(dataset=dataset), sample_dir.parent.joinpath, bicubic).data
    assert len(data.train) == 2
    assert [pair.lr.shape[:2] for pair in data.validation] == [(48, 48)] * 3


def test_the_digest_of_the_data_changes_with_what_is_scored(sample_dir: Path) -> None:
    digests = {
        prepare(
            spec(dataset={"train": "photos", "validation_crop": crop}), sample_dir.parent.joinpath, bicubic
        ).data.digest
        for crop in (48, 64, None)
    }
    assert len(digests) == 3


def test_a_full_training_has_its_own_images_and_patches_and_the_rest_of_its_search(sample_dir: Path) -> None:
    dataset = {"train": "photos", "validation": "photos", "validation_limit": 2, "validation_crop": 32}
    training = make_training(dataset=dataset)
    asked = spec_of(spec(channels=3, dataset={"train": "gone"}), training)
    assert (asked.recipe, asked.channels) == (training.recipe.training, 3)
    data = images(asked, sample_dir.parent.joinpath)
    assert [pair.lr.shape[:2] for pair in data.validation] == [(32, 32)] * 2
    assert data.digest == prepare(asked, sample_dir.parent.joinpath, bicubic).data.digest


def test_quality_is_measured_from_bicubic_and_cost_from_the_tightest_bound() -> None:
    chosen = spec(
        objectives=["psnr", "params", "mult_adds"],
        constraints=[{"metric": "params", "max": 200_000}, {"metric": "params", "max": 300_000}],
    )
    reference = reference_point(chosen, BICUBIC)
    assert reference == {
        "psnr": 28.0,
        "params": 200_000,
        "mult_adds": reach(chosen, "mult_adds").high,
    }


def test_a_latency_is_measured_from_its_bound_or_from_the_slowest_that_it_may_be() -> None:
    predicted = {"space": "tiny", "objectives": ["psnr", "latency_ms"], "latency": {"profile": make_profile()}}
    bounded = {"constraints": [{"metric": "latency_ms", "max": 12.5}]}
    for latency in (predicted["latency"], {"mode": "measured"}):
        changes = predicted | {"latency": latency}
        assert reference_point(spec(**changes), BICUBIC)["latency_ms"] == reach(spec(**changes), "latency_ms").high
        assert reference_point(spec(**changes, **bounded), BICUBIC)["latency_ms"] == 12.5


def test_the_notes_say_which_latency_it_is(sample_dir: Path) -> None:
    asked = spec(space="tiny", objectives=["psnr", "latency_ms"], latency={"mode": "measured"})
    assert prepare(asked, sample_dir.parent.joinpath, bicubic).notes[-1].startswith("latency_ms: measured at 640x360")


def test_folders_that_changed_since_submission_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match=r"dataset\.train"):
        prepare(spec(), tmp_path.joinpath, bicubic)


def test_a_file_that_was_skipped_is_named_with_its_reason(tmp_path: Path, sample_dir: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for picture in sorted(sample_dir.glob("*.png"))[:2]:
        (photos / picture.name).write_bytes(picture.read_bytes())
    (photos / "broken.png").write_text("not an image")
    Image.new("RGB", (8, 8)).save(photos / "small.png")
    notes = prepare(spec(), tmp_path.joinpath, bicubic).notes
    assert "skipped dataset.train[broken.png]: no image of a known format" in notes
    assert any(note.startswith("skipped dataset.train[small.png]: 8x8 (wanted: sides of at least") for note in notes)
