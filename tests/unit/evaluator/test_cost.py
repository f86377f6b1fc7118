"""Costs by arithmetic agree with the model as it is built."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluator.cost import costs, overhead
from evaluator.model import BicubicUpscale, build_model
from evaluator.recipe import RECIPES, Recipe
from evaluator.testing import TINY_GENOTYPE
from search_space import cost


@given(scale=st.sampled_from([2, 3, 4]), channels=st.sampled_from([1, 3]), residual=st.booleans())
def test_params_are_the_learned_ones_of_the_built_model(scale: int, channels: int, residual: bool) -> None:
    recipe = Recipe(image_residual=residual)
    model = build_model(
        TINY_GENOTYPE, recipe, scale=scale, channels=channels, generator=torch.Generator().manual_seed(0)
    )
    learned = sum(weight.numel() for weight in model.parameters())
    assert costs(TINY_GENOTYPE, recipe, scale=scale, channels=channels).params == learned


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_overhead_counts_every_tap_that_was_built(scale: int, channels: int) -> None:
    taps = BicubicUpscale(scale, channels).kernels.numel()
    assert overhead(Recipe(), scale=scale, channels=channels) == cost.LR_PIXELS * (channels + taps)


def test_the_paper_recipe_costs_nothing_beyond_the_network() -> None:
    paper = RECIPES["paper"]
    assert overhead(paper, scale=2, channels=1) == 0
    expected = cost.mult_adds(TINY_GENOTYPE, scale=2, channels=1)
    assert costs(TINY_GENOTYPE, paper, scale=2, channels=1).mult_adds == expected
