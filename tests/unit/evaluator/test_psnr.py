"""Peak signal-to-noise ratio and averages of decibels."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluator.metrics.luma import studio_luma
from evaluator.metrics.psnr import mean_db, psnr
from evaluator.metrics.ssim import ssim


def golden_pairs(reference_dir):
    folder = reference_dir / "spectral"
    arrays = np.load(folder / "sr_protocol_golden.npz")
    expected = json.loads((folder / "sr_protocol_golden.json").read_text())["expected"]
    for name, by_border in expected.items():
        if f"{name}/pred" in arrays:
            pair = [torch.from_numpy(arrays[f"{name}/{side}"]).permute(2, 0, 1) for side in ("pred", "gt")]
            yield from ((pair, int(border.removeprefix("shave")), figures) for border, figures in by_border.items())


def test_psnr_and_ssim_reproduce_the_golden_figures(reference_dir):
    compared = 0
    for pair, border, figures in golden_pairs(reference_dir):
        rgb = [image[:, border : image.shape[1] - border, border : image.shape[2] - border] for image in pair]
        luma = [studio_luma(*image.double())[None] for image in rgb]
        rounded = [(image + 0.5).floor() for image in luma]
        for form, images in (("rgb", rgb), ("y", luma), ("y_rounded", rounded)):
            assert float(psnr(*images)) == pytest.approx(figures[f"psnr_{form}"], abs=1e-9)
            if f"ssim_{form}" in figures:
                assert float(ssim(*images)) == pytest.approx(figures[f"ssim_{form}"], abs=1e-12)
                compared += 1
    assert compared > 20


@given(st.floats(0.5, 100), st.integers(1, 3))
def test_psnr_of_a_constant_error_is_known(error, batch):
    target = torch.rand(batch, 3, 4, 5, dtype=torch.float64)
    figures = psnr(target + error, target)
    assert figures.shape == (batch,)
    assert figures.tolist() == pytest.approx([20 * math.log10(255 / error)] * batch)


def test_psnr_of_equal_images_is_infinite_and_of_nan_is_nan():
    image = torch.zeros(1, 4, 4)
    assert psnr(image, image) == math.inf
    assert psnr(image / 0, image).isnan()


def test_psnr_refuses_shapes_that_differ():
    with pytest.raises(ValueError, match="shapes differ"):
        psnr(torch.zeros(1, 4, 4), torch.zeros(1, 4, 5))


@given(st.lists(st.floats(0, 60), min_size=1))
def test_mean_of_ordinary_decibels_is_the_arithmetic_mean(values):
    assert mean_db(values) == (pytest.approx(sum(values) / len(values)), 0)


def test_mean_says_how_many_values_it_capped():
    assert mean_db([math.inf, 120.0, 40.0]) == (80.0, 2)


def test_mean_of_nan_or_of_nothing_is_nan():
    assert math.isnan(mean_db([math.nan, 30.0]).value)
    assert math.isnan(mean_db([]).value)
