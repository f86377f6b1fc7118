"""Upscalers as the analysis runs them: any function of tensors, whatever computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..score import NonFiniteOutput

Network = Callable[[Tensor], Tensor]
"""float64 N x C x H x W in [0, 1] on the CPU to any floating N x C x sH x sW."""


def of_module(module: nn.Module) -> Network:
    """Run a module on the device and in the type of its weights; in float64 on the CPU if it has none."""
    weight = next(module.parameters(), torch.empty(0, dtype=torch.float64))

    def network(images: Tensor) -> Tensor:
        output: Tensor = module(images.to(weight.device, weight.dtype))
        return output

    return network


def of_arrays(function: Callable[[NDArray[np.float32]], NDArray[Any]]) -> Network:
    """Run a function of float32 arrays, such as a session of onnxruntime."""
    return lambda images: torch.from_numpy(function(images.float().numpy()))


@torch.no_grad()
def respond(network: Network, image: Tensor, *, scale: int, name: str) -> Tensor:
    """Upscale one image, C x H x W to C x sH x sW, both in float64 on the CPU.

    Raises:
        NonFiniteOutput: The output of the image, under its name, has a NaN or an infinity.
        ValueError: The output is not s times as large, or has other channels.
    """
    output = network(image[None]).detach().double().cpu()
    channels, height, width = image.shape
    if output.shape != (1, channels, scale * height, scale * width):
        raise ValueError(f"{name}: {tuple(image.shape)} became {tuple(output.shape[1:])}, which is not x{scale}")
    bad = int((~output.isfinite()).sum())
    if bad:
        raise NonFiniteOutput(name, bad)
    return output[0]
