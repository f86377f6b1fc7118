"""Hybrid response: an upscaled image as the part that the impulse response explains, and the rest.

N(I) = H(I) + G(I), after Deng et al. (ICML 2024, arXiv 2405.07919): H is linear and the same everywhere, G gives no
response to the impulse. The published program resamples and never subtracts N(0), which leaves a good part of any
linear upscaler in G; this form is exact: G of nearest, bilinear and bicubic upscaling is zero to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv_transpose2d, pad

from .network import Network, respond

Border = Literal["replicate", "reflect"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """An upscaled image and its two parts, C x sH x sW in float64; the first is the sum of the others.

    Attributes:
        output: N(I).
        linear: H(I).
        nonlinear: G(I).
    """

    output: Tensor
    linear: Tensor
    nonlinear: Tensor


def split(
    network: Network,
    image: Tensor,
    kernel: Tensor,
    *,
    scale: int,
    background: float = 0.0,
    border: Border = "replicate",
) -> Split:
    """Split what a network makes of an image: H(I) = N(b) + (I - b) * h, and G(I) = N(I) - H(I).

    Args:
        network: The upscaler.
        image: C x H x W in float64.
        kernel: h, its `impulse_response` with this background.
        scale: Its factor.
        background: b.
        border: How the image goes on beyond its border: "replicate", what most upscalers do, or "reflect", as
            published, which needs sides longer than half the impulse image.

    Raises:
        NonFiniteOutput: The network gives a NaN or an infinity.
        ValueError: The network is not of this scale.
    """
    output = respond(network, image, scale=scale, name="the image")
    unlit = respond(network, torch.full_like(image, background), scale=scale, name="the background")
    linear = unlit + convolve(image - background, kernel, scale=scale, border=border)
    return Split(output=output, linear=linear, nonlinear=output - linear)


def convolve(image: Tensor, kernel: Tensor, *, scale: int, border: Border = "replicate") -> Tensor:
    """Set an image's pixels s apart, with zeros between, and convolve each channel with its own kernel.

    Args:
        image: C x H x W.
        kernel: C x s*n x s*n, n odd, the response to the pixel in the middle of n x n; of the image's type.
        scale: s.
        border: How the image goes on beyond its border.

    Returns:
        C x sH x sW.
    """
    reach = kernel.shape[-1] // scale // 2
    padded = pad(image[None], (reach,) * 4, mode=border)
    spread = conv_transpose2d(padded, kernel[:, None], stride=scale, groups=len(kernel))[0]
    _, height, width = image.shape
    start = 2 * reach * scale
    return spread[:, start : start + scale * height, start : start + scale * width]
