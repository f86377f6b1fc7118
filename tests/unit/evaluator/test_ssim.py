"""Structural similarity; the golden figures are compared beside those of PSNR."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from evaluator.metrics.ssim import ssim


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(11, 30), st.integers(11, 30), st.sampled_from([1.0, 255.0]))
def test_ssim_equals_an_independent_implementation(seed, height, width, peak):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, peak, (height, width))
    prediction = np.clip(target + rng.normal(0, 0.1 * peak, target.shape), 0, peak)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    _, whole = structural_similarity(target, prediction, data_range=peak, **options)
    inside = whole[5 : height - 5, 5 : width - 5].mean()
    figure = ssim(torch.from_numpy(prediction)[None], torch.from_numpy(target)[None], peak=peak)
    assert float(figure) == pytest.approx(inside, abs=1e-12)


def test_ssim_of_equal_images_is_one_for_every_image_of_a_batch():
    images = torch.rand(4, 3, 12, 15)
    assert ssim(images, images, peak=1.0).tolist() == pytest.approx([1.0] * 4, abs=1e-12)


def test_ssim_is_symmetric_and_counts_channels_alike():
    x, y = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    both = ssim(x, y, peak=1.0)
    assert ssim(y, x, peak=1.0) == pytest.approx(both)
    assert sum(ssim(x[c : c + 1], y[c : c + 1], peak=1.0) for c in range(3)) / 3 == pytest.approx(both)


def test_ssim_is_differentiable():
    x, y = torch.rand(2, 1, 12, 13, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda image: ssim(image, y, peak=1.0), x.requires_grad_())


def test_images_smaller_than_the_window_are_refused():
    with pytest.raises(ValueError, match="at least 11"):
        ssim(torch.zeros(1, 10, 20), torch.zeros(1, 10, 20))


def test_ssim_refuses_shapes_that_differ():
    with pytest.raises(ValueError, match="shapes differ"):
        ssim(torch.zeros(1, 12, 12), torch.zeros(1, 12, 13))
