"""An impulse response in figures: how good a low-pass filter it is. It knows nothing of networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GRID = 256
"""Frequencies along each axis of a low-pass response."""

FRAME_PX = 2


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Figures of the mean over channels of an impulse response h, s being the scale.

    Attributes:
        dc: What a constant image is multiplied by: the sum of h over s^2. 1 keeps brightness.
        phase_gains: The same for each of the s x s positions of an output pixel within its input pixel; all 1
            ideally, and a grid over flat areas where they differ.
        stopband_ratio: Share of the energy of h beyond half the input's sampling rate along either axis, on a grid
            of 256 x 256 frequencies of which those on the edge count as within; 0 is ideal.
        sinc_cosine: Cosine of the angle between h and the ideal interpolator's response in the same window; 1 is
            ideal. It depends on the window.
        truncated_energy: Share of the energy of h in the outermost two pixels: near zero, unless the window
            is too small for the response.
        peak: Largest value of h.
        lowest: Smallest value of h.
    """

    dc: float
    phase_gains: tuple[tuple[float, ...], ...]
    stopband_ratio: float
    sinc_cosine: float
    truncated_energy: float
    peak: float
    lowest: float

    @property
    def phase_gain_range(self) -> tuple[float, float]:
        """The smallest and the largest of the phases' gains."""
        gains = [gain for row in self.phase_gains for gain in row]
        return min(gains), max(gains)

    def to_json(self) -> dict[str, Any]:
        """The figures as a JSON document; those that do not exist are null."""
        return {name: _or_null(value) for name, value in asdict(self).items()}


def statistics(kernel: Array, scale: int) -> Statistics:
    """Measure an impulse response.

    Args:
        kernel: C x s*n x s*n, n odd, s*n at most 256.
        scale: s.

    Returns:
        The figures; a response of nothing but zeros has neither shares nor a cosine: they are NaN.

    Raises:
        ValueError: The response has another shape.
    """
    mean = _mean(kernel, scale)
    energy = np.square(mean).sum()
    ideal = sinc_kernel(len(mean) // scale, scale)
    phases = [[float(mean[row::scale, column::scale].sum()) for column in range(scale)] for row in range(scale)]
    with np.errstate(invalid="ignore"):
        cosine = (ideal * mean).sum() / np.sqrt(np.square(ideal).sum() * energy)
        inner = np.square(mean[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX]).sum() / energy
        passed = _passed(low_pass(kernel, scale), scale)
    return Statistics(
        dc=float(mean.sum() / scale**2),
        phase_gains=tuple(map(tuple, phases)),
        stopband_ratio=float(1 - passed),
        sinc_cosine=float(cosine),
        truncated_energy=float(1 - inner),
        peak=float(mean.max()),
        lowest=float(mean.min()),
    )


def low_pass(kernel: Array, scale: int) -> Array:
    """|FFT(h)| / s^2 of the mean over channels, 256 x 256, zero frequency at [128, 128]; `dc` is its size there.

    Frequencies go from -1/2 to 1/2 cycles per output pixel. The ideal is 1 up to 1 / 2s along each axis and 0
    beyond. Arguments and errors are those of `statistics`.
    """
    spectrum = np.fft.fft2(_mean(kernel, scale), (GRID, GRID))
    return np.abs(np.fft.fftshift(spectrum)) / scale**2


def frequencies() -> Array:
    """Those of each axis of a low-pass response, in cycles per output pixel."""
    return np.fft.fftshift(np.fft.fftfreq(GRID))


def sinc_kernel(size: int, scale: int) -> Array:
    """What the ideal interpolator makes of the impulse, s*size x s*size; pixels are squares that share their corners.

    The middle of the response is therefore that of the output pixels that cover the middle input pixel.
    """
    centre = scale * (size // 2) + (scale - 1) / 2
    row = np.sinc((np.arange(scale * size) - centre) / scale)
    return np.outer(row, row)


def _mean(kernel: Array, scale: int) -> Array:
    _, height, width = kernel.shape
    if height != width or height % scale or height // scale % 2 == 0 or height > GRID:
        allowed = f"C x {scale}n x {scale}n with n odd and at most {GRID // scale}"
        raise ValueError(f"an impulse response of shape {kernel.shape}: {allowed} is needed")
    mean: Array = kernel.mean(axis=0)
    return mean


def _passed(magnitude: Array, scale: int) -> np.float64:
    """Share of the energy at frequencies that the input can have."""
    within = np.abs(frequencies()) <= 0.5 / scale
    power = np.square(magnitude)
    passed: np.float64 = power[np.ix_(within, within)].sum() / power.sum()
    return passed


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value
