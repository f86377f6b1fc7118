"""Blurriness, sharpness, and the rule that says when a training has settled."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.metrics.settling import Settling, blur_ratio, blurriness, first_settled, sharpness

MEASURES = pytest.mark.parametrize("measure", [blurriness, sharpness, blur_ratio])


@pytest.fixture
def golden(reference_dir):
    folder = reference_dir / "spectral"
    expected = json.loads((folder / "spectral_bias_golden.json").read_text())
    return np.load(folder / "spectral_bias_golden.npz"), expected


def photograph(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def by_definition(ratios, window, tolerance):
    r, n = np.asarray(ratios), window
    for i in range(2 * n + 1, len(r)):
        if abs(r[i - 2 * n : i - n].mean() - r[i - n + 1 : i].mean()) < tolerance:
            return i
    return None


def test_measures_reproduce_the_published_code(golden):
    arrays, expected = golden
    names = [name for name in expected if name.startswith("bs_")]
    assert names
    for name in names:
        image = torch.from_numpy(np.moveaxis(np.atleast_3d(arrays[f"{name}/img"]), 2, 0).copy())
        measured = {"blur": blurriness(image), "sharp": sharpness(image), "ratio": blur_ratio(image)}
        assert {key: float(value) for key, value in measured.items()} == pytest.approx(expected[name], rel=1e-10), name


@pytest.mark.parametrize(
    ("window", "tolerance", "key", "stop"),
    [(100, 0.01, "n100_eps001", 1195), (50, 0.01, "n50_eps001", 759), (100, 0.1, "n100_eps01", 887)],
)
def test_the_rule_stops_where_the_published_code_stops(golden, window, tolerance, key, stop):
    arrays, expected = golden
    assert first_settled(arrays["stop/r"], window=window, tolerance=tolerance) == expected["stop"][key] == stop


@settings(max_examples=50)
@given(st.lists(st.floats(0, 4), max_size=40), st.integers(2, 6), st.floats(0.01, 1))
def test_the_rule_fed_one_by_one_is_the_rule_on_the_whole_series(ratios, window, tolerance):
    assert first_settled(ratios, window=window, tolerance=tolerance) == by_definition(ratios, window, tolerance)


def test_the_rule_needs_more_than_two_windows_and_no_nan():
    assert first_settled([1.0] * 21, window=10) is None
    assert first_settled([1.0] * 22, window=10) == 21
    assert first_settled([1.0, math.nan, *[1.0] * 4], window=2) is None
    assert first_settled([1.0, math.nan, *[1.0] * 5], window=2) == 6


def test_a_window_of_one_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        Settling(window=1)


@MEASURES
def test_a_batch_measures_like_its_images_and_gray_like_a_plane(measure):
    images = photograph(3, 1, 20, 24)
    single = torch.stack([measure(image) for image in images])
    torch.testing.assert_close(measure(images), single, rtol=0, atol=1e-12)
    torch.testing.assert_close(measure(images[0, 0]), single[0], rtol=0, atol=1e-12)


@given(st.floats(0.1, 1))
def test_contrast_changes_sharpness_and_not_blurriness(gain):
    image = photograph(16, 17)
    assert float(blurriness(gain * image)) == pytest.approx(float(blurriness(image)))
    assert float(sharpness(gain * image)) == pytest.approx(gain * float(sharpness(image)))


def test_a_transposed_image_is_as_blurred():
    image = photograph(16, 21)
    assert float(blurriness(image.mT)) == pytest.approx(float(blurriness(image)))


def test_a_constant_image_is_neither_sharp_nor_blurred():
    assert blurriness(torch.full((16, 16), 0.5)).isnan()
    assert blur_ratio(torch.full((16, 16), 0.5)).isnan()


def test_an_image_too_small_for_the_box_is_refused():
    with pytest.raises(ValueError, match="at least 12"):
        blurriness(torch.rand(11, 30))
    assert blurriness(photograph(12, 12)).isfinite()
