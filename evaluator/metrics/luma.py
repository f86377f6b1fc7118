"""Luma and chroma by ITU-R BT.601, in the two ranges that super-resolution mixes.

Every function is plain arithmetic on planes of one shape, so numpy arrays and torch tensors are both welcome;
the result has the type of the input. Studio range (16..235) is what MATLAB's `rgb2ycbcr` gives and what
scores are taken on; full range (0..255 or 0..1) is what the networks see. Libraries disagree here by more
than a decibel: OpenCV, Pillow and kornia give full range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Plane = TypeVar("Plane", NDArray[np.float64], "Tensor")

RED, GREEN, BLUE = 0.299, 0.587, 0.114

# The sums below are of whole numbers where the planes are: a luma of exactly one half then stays so, and
# rounds as it should.


def studio_luma(red: Plane, green: Plane, blue: Plane) -> Plane:
    """Luma on [16, 235] of planes on [0, 255]: 16 + (65.481 R + 128.553 G + 24.966 B) / 255."""
    return (65481 * red + 128553 * green + 24966 * blue) / 255000 + 16


def full_luma(red: Plane, green: Plane, blue: Plane) -> Plane:
    """Luma on the range of the planes themselves: 0.299 R + 0.587 G + 0.114 B."""
    return (299 * red + 587 * green + 114 * blue) / 1000


def studio_from_full(luma: Plane) -> Plane:
    """Studio luma on [16, 235] of full-range luma on [0, 1]: 16 + 219 Y."""
    return 219 * luma + 16


def chroma(red: Plane, green: Plane, blue: Plane) -> tuple[Plane, Plane]:
    """Full-range colour differences (Cb, Cr) without offset: [-1/2, 1/2] times the range of the planes."""
    luma = full_luma(red, green, blue)
    return (blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))


def rgb_from_full(luma: Plane, cb: Plane, cr: Plane) -> tuple[Plane, Plane, Plane]:
    """Red, green and blue of full-range luma and colour differences without offset; not clipped."""
    red = luma + 2 * (1 - RED) * cr
    blue = luma + 2 * (1 - BLUE) * cb
    green = (luma - RED * red - BLUE * blue) / GREEN
    return red, green, blue
