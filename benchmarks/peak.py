"""What a device can do at most: the arithmetic of its best dense convolution, forwards and backwards, measured here.

A step of training is held against it. Work is counted as is usual: a multiply-add is two operations, and the backward
pass takes twice those of the forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from evaluator.precision import Computed, matrix_units
from evaluator.recipe import Recipe
from search_space.cost import mult_adds
from search_space.genotype import Genotype

PASSES = 3
"""Forward, gradients of the inputs, gradients of the weights."""

SHAPES = {"cpu": ((16, 64, 24), (16, 128, 24), (8, 128, 48)), "cuda": ((16, 128, 96), (64, 256, 64), (64, 512, 64))}
"""Batch, channels in and out, and side of the images that are tried, by kind of device."""

LAPS = 5


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The best that was seen.

    Attributes:
        precision: What was computed in.
        flops_per_s: Operations a second.
        shape: Batch, channels and side that it was reached with.
    """

    precision: Computed
    flops_per_s: float
    shape: tuple[int, int, int]

    def __str__(self) -> str:
        """For a report's head."""
        batch, channels, side = self.shape
        best = f"3x3, {channels} channels, {side}x{side}, batch {batch}"
        return f"{self.precision} {self.flops_per_s / 1e9:,.0f} GFLOP/s ({best})"


def step_flops(genotype: Genotype, recipe: Recipe, *, scale: int, channels: int) -> int:
    """Operations of one step of training, of the network's convolutions alone.

    Left out are biases, what the recipe wraps around the network, the optimiser and the loss. Counted in is the
    gradient for the image itself, which nobody computes: 1 % of a small network.
    """
    pixels = recipe.batch * recipe.patch**2
    return 2 * PASSES * mult_adds(genotype, scale=scale, channels=channels, lr_pixels=pixels)


def convolution_flops(shape: tuple[int, int, int]) -> int:
    """Operations of a 3x3 convolution of so many images, channels in and out, and pixels a side, both passes."""
    batch, channels, side = shape
    return 2 * PASSES * batch * side**2 * channels**2 * 9


def measure_peak(
    device: torch.device, precision: Computed, *, clock: Callable[[], float] = time.perf_counter, laps: int = LAPS
) -> Peak:
    """Time the shapes of the device's kind in channels-last format; the best lap of all counts."""
    speeds = {shape: _speed(shape, device, precision, clock, laps) for shape in SHAPES[device.type]}
    best = max(speeds, key=speeds.__getitem__)
    return Peak(precision=precision, flops_per_s=speeds[best], shape=best)


def _speed(
    shape: tuple[int, int, int], device: torch.device, precision: Computed, clock: Callable[[], float], laps: int
) -> float:
    batch, channels, side = shape
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False, device=device, dtype=dtype)
    layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from its stubs
    images = torch.randn(batch, channels, side, side, device=device, dtype=dtype)
    images = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    gradient = torch.ones_like(images)
    best_s = min(_seconds(layer, images, gradient, precision, clock) for _ in range(1 + laps))
    return convolution_flops(shape) / best_s


def _seconds(
    layer: nn.Module, images: torch.Tensor, gradient: torch.Tensor, precision: Computed, clock: Callable[[], float]
) -> float:
    with matrix_units("tf32" if precision == "tf32" else "ieee"):
        wait(images.device)
        began_s = clock()
        torch.autograd.grad(layer(images), (images, *layer.parameters()), gradient)
        wait(images.device)
    return clock() - began_s


def wait(device: torch.device) -> None:
    """Return once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
