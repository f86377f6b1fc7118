"""Peak signal-to-noise ratio, and how decibels are averaged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

CAP_DB = 100.0
"""What an infinite score counts as in an average."""


class MeanDb(NamedTuple):
    """An average of decibels.

    Attributes:
        value: The mean in dB; NaN if a value is NaN or if there is none.
        capped: How many values were above the cap and counted as the cap.
    """

    value: float
    capped: int


def psnr(prediction: Tensor, target: Tensor, *, peak: float = 255.0) -> Tensor:
    """10 log10(peak^2 / MSE), one figure per image, computed in float64.

    Args:
        prediction: N x C x H x W (or C x H x W), any real type.
        target: Of the same shape.
        peak: The largest value there can be, in the units of the images.

    Returns:
        N values in dB (or one, without dimension). Identical images give +inf, NaN gives NaN.

    Raises:
        ValueError: The shapes differ.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(prediction.shape)} and {tuple(target.shape)}")
    error = (prediction.double() - target.double()).square().mean(dim=(-3, -2, -1))
    return 10 * torch.log10(peak**2 / error)


def mean_db(values: Iterable[float], cap_db: float = CAP_DB) -> MeanDb:
    """Arithmetic mean of decibels, everything above the cap counting as the cap, +inf above all.

    >>> mean_db([30.0, 40.0, float("inf")], cap_db=50.0)
    MeanDb(value=40.0, capped=1)
    """
    listed = list(values)
    capped = sum(value > cap_db for value in listed)
    if not listed:
        return MeanDb(math.nan, 0)
    return MeanDb(
        math.fsum(value if value <= cap_db or math.isnan(value) else cap_db for value in listed) / len(listed),
        capped,
    )
