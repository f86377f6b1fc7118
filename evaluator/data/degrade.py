"""Bicubic resizing as MATLAB's `imresize` does it, in numpy. It knows nothing of files or of torch.

The low-resolution images of the usual benchmarks were made with that function, and every published figure
depends on it. The kernel is that of Keys (1981) with a = -0.5, widened by 1/scale when an image shrinks.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_space.errors import InvalidInput, Problem

from ..metrics.protocol import Border

Image = NDArray[Any]
Table = tuple[NDArray[np.int64], NDArray[np.float64]]

KERNEL_WIDTH = 4


def imresize(image: Image, scale: float, *, border: Border = "symmetric", antialias: bool = True) -> Image:
    """Resize by one factor, rows first and then columns.

    Args:
        image: H x W or H x W x C. The type decides the arithmetic. uint8 is rounded half up and clipped to
            0..255 after *each* of the two passes, as MATLAB does; anything else is computed in float64 and
            not rounded.
        scale: Output size over input size, above 0; an output side is ceil(scale * side).
        border: What lies outside the image. "symmetric" repeats the edge mirrored (2 1 | 1 2 3), which is
            today's MATLAB; "replicate" repeats the last pixel, which reproduces the published images of Set5,
            Set14 and B100.
        antialias: Widen the kernel when the image shrinks.

    Returns:
        ceil(scale H) x ceil(scale W) [x C], uint8 for uint8 and float64 for anything else. NaN spreads to its
        neighbours.

    Raises:
        InvalidInput: The image is empty or has not two or three dimensions, or the scale is not above zero.
    """
    _check(image, scale)
    for axis in (0, 1):
        resized = _resize_axis(image, axis, _table(image.shape[axis], scale, border, antialias))
        image = round_half_up(resized) if image.dtype == np.uint8 else resized
    return image


def modcrop(image: Image, scale: int) -> Image:
    """The largest top-left part of H x W [x C] whose sides divide by the scale: a view, not a copy."""
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def round_half_up(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The nearest of 0..255, a half going up (numpy's own rounding sends it to the even neighbour)."""
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def weights(length: int, scale: float, *, antialias: bool = True) -> Table:
    """Which input pixels make each output pixel of one axis, and with what weights.

    Args:
        length: Pixels of the input, n.
        scale: Output over input.
        antialias: Widen the kernel when the image shrinks.

    Returns:
        `taps` (m x k, zero-based, may lie outside 0..n-1) and `weights` (m x k, each row sums to 1), m =
        ceil(scale n).
    """
    stretch = min(scale, 1.0) if antialias else 1.0
    width = KERNEL_WIDTH / stretch
    outputs = np.arange(1, ceil(scale * length) + 1, dtype=np.float64)
    centres = outputs / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(centres - width / 2)
    taps = left[:, None] + np.arange(ceil(width) + 2)
    raw = _cubic(stretch * (centres[:, None] - taps))
    table = raw / raw.sum(axis=1, keepdims=True)
    used = np.any(table != 0, axis=0)
    return taps[:, used].astype(np.int64) - 1, table[:, used]


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # Expanded and multiplied out on purpose: other orders round differently, and exact halves then fall the
    # other way.
    distance = np.abs(x)
    square = distance * distance
    cube = square * distance
    near = 1.5 * cube - 2.5 * square + 1
    far = -0.5 * cube + 2.5 * square - 4 * distance + 2
    return np.where(distance <= 1, near, np.where(distance <= 2, far, 0.0))


@lru_cache(maxsize=64)
def _table(length: int, scale: float, border: Border, antialias: bool) -> Table:
    taps, table = weights(length, scale, antialias=antialias)
    if border == "replicate":
        return taps.clip(0, length - 1), table
    phase = taps % (2 * length)
    return np.minimum(phase, 2 * length - 1 - phase), table


def _resize_axis(image: Image, axis: int, table: Table) -> NDArray[np.float64]:
    # One tap at a time: the gathered neighbourhoods of a large photograph would take several hundred
    # megabytes.
    taps, factors = table
    column = (-1,) + (1,) * (image.ndim - axis - 1)
    result = np.zeros((*image.shape[:axis], len(taps), *image.shape[axis + 1 :]))
    for k in range(taps.shape[1]):
        result += image.take(taps[:, k], axis=axis) * factors[:, k].reshape(column)
    return result


def _check(image: Image, scale: float) -> None:
    problems = []
    if image.ndim not in (2, 3) or image.size == 0:
        problems.append(Problem("image.shape", image.shape, "H x W or H x W x C, none of them zero"))
    if not scale > 0:
        problems.append(Problem("scale", scale, "a number above 0"))
    if problems:
        raise InvalidInput(problems)
