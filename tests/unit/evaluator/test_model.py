"""The model around a network: bicubic upscaling, the input mapping, and how weights start."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.data.degrade import imresize
from evaluator.model import BicubicUpscale, build_model
from evaluator.recipe import RECIPES, Recipe
from evaluator.testing import TINY_GENOTYPE
from search_space.genotype import Genotype


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None)
@given(
    scale=st.sampled_from([2, 3, 4]),
    channels=st.sampled_from([1, 3]),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    seed=st.integers(0, 99),
)
def test_bicubic_upscaling_is_that_of_matlab(scale: int, channels: int, height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width, channels))
    upscale = BicubicUpscale(scale, channels, dtype=torch.float64)
    ours = upscale(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, imresize(image, scale), rtol=0, atol=1e-12)


def test_bicubic_upscaling_in_single_precision_is_exact_to_rounding() -> None:
    image = np.random.default_rng(1).random((17, 23, 1))
    ours = BicubicUpscale(3)(torch.from_numpy(image).float().permute(2, 0, 1)[None])
    np.testing.assert_allclose(ours[0].permute(1, 2, 0).numpy(), imresize(image, 3), rtol=0, atol=1e-6)


def test_bicubic_kernels_are_not_part_of_the_weights() -> None:
    assert not BicubicUpscale(2).state_dict()
    assert not list(BicubicUpscale(2).parameters())


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_model_is_its_network_between_mapping_and_residual(scale: int, channels: int) -> None:
    model = build_model(TINY_GENOTYPE, Recipe(), scale=scale, channels=channels, generator=generator())
    images = torch.rand(2, channels, 6, 5, generator=generator(1))
    expected = model.network(4 * (images - 0.45)) + BicubicUpscale(scale, channels)(images)
    assert model(images).shape == (2, channels, 6 * scale, 5 * scale)
    torch.testing.assert_close(model(images), expected)


def test_the_paper_recipe_is_the_plain_network() -> None:
    model = build_model(TINY_GENOTYPE, RECIPES["paper"], scale=2, channels=1, generator=generator())
    images = torch.rand(1, 1, 6, 5, generator=generator(1))
    assert torch.equal(model(images), model.network(images))


def test_weights_depend_on_the_generator_alone() -> None:
    def weights(seed: int) -> torch.Tensor:
        model = build_model(TINY_GENOTYPE, Recipe(), scale=2, channels=1, generator=generator(seed))
        return torch.cat([weight.flatten() for weight in model.parameters()])

    torch.manual_seed(1)
    first = weights(3)
    torch.manual_seed(2)
    assert torch.equal(first, weights(3))
    assert not torch.equal(first, weights(4))


def test_damped_weights_are_kaiming_normal_but_for_projections_and_the_output() -> None:
    genotype = Genotype.parse("f64|ib-k3-f64-n1:0|g4-k3-f64-n1:1|tail:0,2")
    network = build_model(genotype, Recipe(), scale=2, channels=1, generator=generator()).network
    state = network.state_dict()
    fan_in_and_gain = {
        "cells.1.supple": (64, 1.0),
        "cells.1.blocks.0.expand": (64 * 9, 1.0),
        "cells.1.blocks.0.project": (128 * 9, 0.2),
        "cells.2.blocks.0": (16 * 9, 1.0),
        "tail.fuse": (128 * 9, 1.0),
        "tail.out": (16 * 9, 0.05),
    }
    for name, (fan_in, gain) in fan_in_and_gain.items():
        assert state[f"{name}.weight"].std().item() == pytest.approx(gain * (2 / fan_in) ** 0.5, rel=0.2)
    assert all(not value.any() for name, value in state.items() if name.endswith("bias"))


def test_the_paper_recipe_starts_from_small_normal_weights() -> None:
    genotype = Genotype.parse("f64|conv-k3-f64-n1:0|tail:0,1")
    network = build_model(genotype, RECIPES["paper"], scale=2, channels=1, generator=generator()).network
    assert network.state_dict()["tail.fuse.weight"].std().item() == pytest.approx(0.02, rel=0.05)


def test_an_untrained_model_starts_near_the_bicubic_upscaling() -> None:
    model = build_model(TINY_GENOTYPE, Recipe(), scale=2, channels=1, generator=generator())
    images = torch.rand(1, 1, 16, 16, generator=generator(1))
    assert (model(images) - BicubicUpscale(2)(images)).abs().mean() < 0.2
