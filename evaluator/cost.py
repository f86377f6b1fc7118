"""What a candidate costs as it is deployed: its network, and what the recipe wraps around it. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from search_space import cost
from search_space.genotype import Genotype

from .recipe import Recipe

BICUBIC_TAPS = 5
"""Taps along each axis of the fixed convolution that `model.BicubicUpscale` makes."""


@dataclass(frozen=True)
class Costs:
    """Exact figures of one candidate.

    Attributes:
        params: Learned parameters, biases included. The bicubic kernels are fixed and not among them.
        mult_adds: Multiply-adds for 230,400 LR pixels, the recipe's overhead included.
    """

    params: int
    mult_adds: int


def overhead(recipe: Recipe, *, scale: int, channels: int) -> int:
    """Count the multiply-adds that a recipe adds to any network, for 230,400 LR pixels.

    The input mapping costs one for each LR sample. The bicubic image residual costs every tap of the
    convolution as it is built, zeros included: 5x5 taps for each of scale^2 output pixels and each channel.
    Additions are free.
    """
    mapping = channels if maps_input(recipe) else 0
    residual = BICUBIC_TAPS**2 * scale**2 * channels if recipe.image_residual else 0
    return cost.LR_PIXELS * (mapping + residual)


def maps_input(recipe: Recipe) -> bool:
    """Whether the recipe's input mapping changes anything."""
    return recipe.input_scale != 1.0 or recipe.input_offset != 0.0


def costs(genotype: Genotype, recipe: Recipe, *, scale: int, channels: int) -> Costs:
    """Count what a candidate costs, without building it.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    network = cost.mult_adds(genotype, scale=scale, channels=channels)
    return Costs(
        params=cost.params(genotype, scale=scale, channels=channels),
        mult_adds=network + overhead(recipe, scale=scale, channels=channels),
    )
