"""Frequency-band correspondence and the log-ratio beside it."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.metrics.bands import BandTarget, band_correspondence, band_log_ratio

BOTH = pytest.mark.parametrize("metric", [band_correspondence, band_log_ratio])


def random_image(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_published_form_reproduces_the_published_code(reference_dir):
    arrays = np.load(reference_dir / "spectral" / "spectral_bias_golden.npz")
    expected = json.loads((reference_dir / "spectral" / "spectral_bias_golden.json").read_text())
    names = [name for name in expected if name.startswith("fbc_")]
    assert names
    for name in names:
        images = (np.atleast_3d(arrays[f"{name}/{which}"]) for which in ("out", "target"))
        prediction, target = (torch.from_numpy(np.moveaxis(image, 2, 0).copy()) for image in images)
        np.testing.assert_allclose(
            band_correspondence(prediction, target), expected[name]["fbc"], rtol=0, atol=1e-12, err_msg=name
        )


@BOTH
@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(0, 19), st.integers(0, 22))
def test_phases_do_not_count(metric, seed, down, right):
    image = random_image(seed, 1, 20, 23)
    shifted = image.roll((down, right), (1, 2))
    perfect = 1.0 if metric is band_correspondence else 0.0
    assert metric(shifted, image).tolist() == pytest.approx([perfect] * 5, abs=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(0.1, 10))
def test_a_gain_is_clipped_by_the_one_and_measured_by_the_other(seed, gain):
    image = random_image(seed, 1, 24, 24)
    assert band_correspondence(gain * image, image).tolist() == pytest.approx([min(gain, 1)] * 5, abs=1e-5)
    assert band_log_ratio(gain * image, image).tolist() == pytest.approx([20 * math.log10(gain)] * 5, abs=1e-4)


@BOTH
def test_a_blur_is_seen_in_the_high_bands_first(metric):
    image = random_image(0, 1, 48, 64)
    curve = metric(image.roll(1, 2) / 4 + image / 2 + image.roll(-1, 2) / 4, image).tolist()
    assert curve == sorted(curve, reverse=True)
    assert curve[0] > curve[-1]


@BOTH
def test_a_batch_scores_like_its_images_and_gray_like_a_plane(metric):
    prediction, target = random_image(0, 3, 1, 16, 18), random_image(1, 3, 1, 16, 18)
    single = torch.stack([metric(*pair) for pair in zip(prediction, target, strict=True)])
    assert torch.equal(metric(prediction, target), single)
    assert torch.equal(metric(prediction[0, 0], target[0, 0]), single[0])
    assert single.dtype == torch.float64


@BOTH
def test_colours_become_gray(metric):
    prediction, target = random_image(0, 1, 1, 16, 16), random_image(1, 1, 1, 16, 16)
    colours = metric(prediction.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1))
    assert colours.flatten().tolist() == pytest.approx(metric(prediction, target).flatten().tolist(), abs=1e-3)


def test_the_radius_is_half_the_width_or_half_the_shorter_side():
    prediction, target = random_image(0, 16, 40), random_image(1, 16, 40)
    wide, short = (band_correspondence(prediction, target, bands=1, radius=radius) for radius in ("width", "shorter"))
    assert wide != short
    turned = band_correspondence(prediction.mT, target.mT, bands=1, radius="width")
    assert turned.item() == pytest.approx(short.item(), abs=1e-12)


@BOTH
def test_rings_without_a_frequency_and_images_with_nan_give_nan(metric):
    image = random_image(0, 1, 4, 4)
    assert metric(image, image).isnan().tolist() == [False, True, False, False, False]
    image = random_image(0, 2, 1, 16, 16)
    broken = image.clone()
    broken[1, 0, 3, 3] = math.nan
    assert metric(broken, image).isnan().all(1).tolist() == [False, True]


@BOTH
def test_what_cannot_be_compared_is_refused(metric):
    with pytest.raises(ValueError, match="shapes differ"):
        metric(torch.rand(1, 8, 8), torch.rand(1, 8, 9))
    with pytest.raises(ValueError, match="channels"):
        metric(torch.rand(2, 8, 8), torch.rand(2, 8, 8))
    with pytest.raises(ValueError, match="at least one"):
        metric(torch.rand(8, 8), torch.rand(8, 8), bands=0)


@pytest.mark.parametrize("shape", [(3, 1, 16, 18), (2, 3, 17, 23), (1, 1, 5, 4)])
def test_a_kept_target_gives_both_measures_of_each_prediction(shape):
    target = random_image(0, *shape)
    kept = BandTarget(target)
    for seed in (1, 2):
        prediction = random_image(seed, *shape)
        expected = band_correspondence(prediction, target), band_log_ratio(prediction, target)
        assert all(
            torch.allclose(*pair, equal_nan=True) for pair in zip(kept.compare(prediction), expected, strict=True)
        )
    with pytest.raises(ValueError, match="shapes differ"):
        kept.compare(target[:, :, 1:])


def test_half_a_spectrum_says_what_the_whole_does():
    prediction, target = random_image(0, 14, 9), random_image(1, 14, 9)
    magnitudes = [torch.fft.fftshift(torch.fft.fft2(image)).abs() for image in (prediction, target)]
    distance = torch.hypot(torch.arange(14)[:, None] - 7.0, torch.arange(9) - 4.0)
    inside = (magnitudes[0] / magnitudes[1]).clamp(0, 1)[distance <= 4].mean()
    assert band_correspondence(prediction, target, bands=1).item() == pytest.approx(inside.item(), abs=1e-7)
