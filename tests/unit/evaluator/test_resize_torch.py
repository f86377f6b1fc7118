"""The same resizing on tensors."""

import numpy as np
import pytest
import torch

from evaluator.data.degrade import imresize
from evaluator.data.resize_torch import downscale, upscale


def image(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (height, width, 3))


def tensor(pixels):
    return torch.from_numpy(np.moveaxis(pixels, 2, 0).copy())[None]


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("side", [1, 2, 7])
def test_both_directions_equal_matlab_up_to_the_border(factor, side):
    large, small = image(factor * side, factor * (side + 3)), image(side, side + 3, seed=1)
    down, up = downscale(tensor(large), factor), upscale(tensor(small), factor)
    assert torch.allclose(down, tensor(imresize(large, 1 / factor)), rtol=0, atol=1e-10)
    assert torch.allclose(up, tensor(imresize(small, factor)), rtol=0, atol=1e-10)


def test_every_image_of_a_batch_is_resized_alike():
    images = torch.cat([tensor(image(8, 12, seed)) for seed in range(3)])
    assert torch.equal(downscale(images, 2)[1:2], downscale(images[1:2], 2))


def test_resizing_is_differentiable():
    small = torch.rand(1, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    upscale(small, 2).sum().backward()
    assert torch.allclose(small.grad, torch.full_like(small, 4.0))


def test_sides_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="do not divide by 2"):
        downscale(torch.zeros(1, 1, 5, 4), 2)
