"""Which frequencies a prediction has learnt: its spectrum over the target's, averaged in rings from low to high.

Frequency-band correspondence is that of Shi et al., "On Measuring and Controlling the Spectral Bias of the Deep
Image Prior" (IJCV 130:885, arXiv 2107.01125), as their code computes it. Both forms here compare magnitudes alone:
phases do not count, so an image and its circular shift correspond perfectly. The rings lie inside the largest
circle of the stated radius; the corners of the spectrum belong to none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor
from torch.fft import fft2, fftshift

from .gray import gray_planes

Radius = Literal["width", "shorter"]

BANDS = 5
EPSILON = 1e-8


def band_correspondence(prediction: Tensor, target: Tensor, *, bands: int = BANDS, radius: Radius = "width") -> Tensor:
    """Frequency-band correspondence as published: the mean of |prediction| / |target|, clipped to [0, 1], in each ring.

    The clip hides overshoot: a prediction with too much of a frequency scores as one with just enough.

    Args:
        prediction: N x C x H x W, C x H x W or H x W on [0, 1], C = 1 or 3 (which becomes gray).
        target: Of the same shape; what the prediction is to become.
        bands: Number of rings, equally wide.
        radius: What the outermost ring reaches to: half the "width", as published, whatever the height (in a wide
            image the outer rings leave the spectrum, in a tall one high vertical frequencies count nowhere), or half
            of the "shorter" side.

    Returns:
        N x bands (or bands) in float64, lowest frequencies first, zero frequency among them; 1 is a perfect fit. A
        ring without a single frequency, as very small images have them, gives NaN; so does NaN in an image.

    Raises:
        ValueError: The shapes differ or are not those above, or there is not a single band.
    """
    predicted, wanted = _magnitudes(prediction, target)
    ratio = (predicted / (wanted + EPSILON)).clamp(0, 1)
    return _as_given(_ring_means(ratio, bands, radius), prediction)


def band_log_ratio(prediction: Tensor, target: Tensor, *, bands: int = BANDS, radius: Radius = "shorter") -> Tensor:
    """The mean in each ring of 20 log10(|prediction| / |target|), in dB and not clipped. Ours, not published.

    0 is a perfect fit; below it the prediction has too little of these frequencies, above it too much. Arguments and
    errors are those of `band_correspondence`, and so is the result but for the unit.
    """
    predicted, wanted = _magnitudes(prediction, target)
    ratio_db = 20 * ((predicted + EPSILON).log10() - (wanted + EPSILON).log10())
    return _as_given(_ring_means(ratio_db, bands, radius), prediction)


def _magnitudes(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if prediction.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(prediction.shape)} and {tuple(target.shape)}")
    predicted, wanted = (fftshift(fft2(gray_planes(image)), dim=(-2, -1)).abs() for image in (prediction, target))
    return predicted, wanted


def _ring_means(values: Tensor, bands: int, radius: Radius) -> Tensor:
    """N x bands of N x H x W; the mean of nothing is NaN."""
    if bands < 1:
        raise ValueError(f"{bands} bands: at least one is needed")
    height, width = values.shape[-2:]
    reach = (width if radius == "width" else min(height, width)) // 2
    rows = torch.arange(height, device=values.device, dtype=torch.float64) - height // 2
    columns = torch.arange(width, device=values.device, dtype=torch.float64) - width // 2
    distance = torch.hypot(rows[:, None], columns)
    edges = [reach * band / bands for band in range(bands + 1)]
    edges[0] = -1.0  # so that the first ring holds zero frequency
    rings = [(distance > low) & (distance <= high) for low, high in pairwise(edges)]
    return torch.stack([values[:, ring].mean(-1) for ring in rings], dim=-1)


def _as_given(means: Tensor, image: Tensor) -> Tensor:
    return means if image.dim() == 4 else means[0]
