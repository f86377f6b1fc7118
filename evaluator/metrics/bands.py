"""Which frequencies a prediction has learnt: its spectrum over the target's, averaged in rings from low to high.

Frequency-band correspondence is that of Shi et al., "On Measuring and Controlling the Spectral Bias of the Deep
Image Prior" (IJCV 130:885, arXiv 2107.01125), as their code computes it. Both forms here compare magnitudes alone:
phases do not count, so an image and its circular shift correspond perfectly. The rings lie inside the largest
circle of the stated radius; the corners of the spectrum belong to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor
from torch.fft import rfft2

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
    predicted, wanted = _both(prediction, target)
    return _as_given(_Rings.of(prediction, bands, radius).means(_ratio(predicted, wanted)), prediction)


def band_log_ratio(prediction: Tensor, target: Tensor, *, bands: int = BANDS, radius: Radius = "shorter") -> Tensor:
    """The mean in each ring of 20 log10(|prediction| / |target|), in dB and not clipped. Ours, not published.

    0 is a perfect fit; below it the prediction has too little of these frequencies, above it too much. Arguments and
    errors are those of `band_correspondence`, and so is the result but for the unit.
    """
    predicted, wanted = _both(prediction, target)
    return _as_given(_Rings.of(prediction, bands, radius).means(_ratio_db(predicted, _log(wanted))), prediction)


class BandTarget:
    """Targets of one size with their spectra: each prediction for them then takes one transform for both measures.

    Args:
        target: N x C x H x W on [0, 1], C = 1 or 3 (which becomes gray).
    """

    def __init__(self, target: Tensor) -> None:
        self._shape = target.shape
        self._wanted = _magnitudes(target)
        self._wanted_log = _log(self._wanted)
        self._width, self._shorter = (_Rings.of(target, BANDS, radius) for radius in ("width", "shorter"))

    def compare(self, prediction: Tensor) -> tuple[Tensor, Tensor]:
        """Return `band_correspondence` and `band_log_ratio`, both N x 5, of predictions of the targets' shape.

        Raises:
            ValueError: The shapes differ.
        """
        _check(prediction.shape, self._shape)
        predicted = _magnitudes(prediction)
        correspondence = self._width.means(_ratio(predicted, self._wanted))
        return correspondence, self._shorter.means(_ratio_db(predicted, self._wanted_log))


def _both(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    _check(prediction.shape, target.shape)
    return _magnitudes(prediction), _magnitudes(target)


def _check(predicted: torch.Size, wanted: torch.Size) -> None:
    if predicted != wanted:
        raise ValueError(f"shapes differ: {tuple(predicted)} and {tuple(wanted)}")


def _magnitudes(image: Tensor) -> Tensor:
    """N x H x (W // 2 + 1): what a spectrum has to the right of zero frequency, the rest being its mirror image."""
    magnitudes: Tensor = rfft2(gray_planes(image)).abs()
    return magnitudes


def _ratio(predicted: Tensor, wanted: Tensor) -> Tensor:
    return (predicted / (wanted + EPSILON)).clamp(0, 1)


def _ratio_db(predicted: Tensor, wanted_log: Tensor) -> Tensor:
    return 20 * (_log(predicted) - wanted_log)


def _log(magnitudes: Tensor) -> Tensor:
    return (magnitudes + EPSILON).log10()


@dataclass(frozen=True, kw_only=True)
class _Rings:
    """Which coefficients of half a spectrum lie in each ring.

    Attributes:
        order: K, int64: the coefficients' places in the flat half spectrum, ring after ring.
        weights: K, float64: 2 for those that stand for their mirror image as well.
        counts: How many of K belong to each ring.
    """

    order: Tensor
    weights: Tensor
    counts: tuple[int, ...]

    @classmethod
    def of(cls, image: Tensor, bands: int, radius: Radius) -> _Rings:
        """Return the rings of spectra of this image's size, on its device."""
        if bands < 1:
            raise ValueError(f"{bands} bands: at least one is needed")
        height, width = image.shape[-2:]
        reach = (width if radius == "width" else min(height, width)) // 2
        rows = (torch.arange(height, dtype=torch.float64) + height // 2) % height - height // 2
        columns = torch.arange(width // 2 + 1, dtype=torch.float64)
        distance = torch.hypot(rows[:, None], columns).flatten()
        edges = [reach * band / bands for band in range(bands + 1)]
        edges[0] = -1.0  # so that the first ring holds zero frequency
        rings = [((distance > low) & (distance <= high)).nonzero()[:, 0] for low, high in pairwise(edges)]
        order = torch.cat(rings)
        column = order % len(columns)
        alone = (column == 0) | (2 * column == width)
        return cls(
            order=order.to(image.device),
            weights=torch.where(alone, 1.0, 2.0).double().to(image.device),
            counts=tuple(len(ring) for ring in rings),
        )

    def means(self, values: Tensor) -> Tensor:
        """N x bands of N x H x (W // 2 + 1); the mean of nothing is NaN."""
        picked = values.flatten(1).index_select(1, self.order) * self.weights
        sums = [ring.sum(-1) for ring in torch.split(picked, list(self.counts), dim=1)]
        totals = [ring.sum() for ring in torch.split(self.weights, list(self.counts))]
        return torch.stack(sums, dim=-1) / torch.stack(totals)


def _as_given(means: Tensor, image: Tensor) -> Tensor:
    return means if image.dim() == 4 else means[0]
