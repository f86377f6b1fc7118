"""Where a large picture is cut so that no seam can be seen, and how large a part fits into memory. Knows no pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, isqrt

from evaluator.cost import BICUBIC_TAPS
from search_space.cost import convolutions
from search_space.receptive import receptive_radius

from ..onnx_models import Upscaler

FOREIGN_REACH_PX = 32
"""Pixels of overlap for a network that does not say how far it looks."""

FOREIGN_FLOATS = 1024
"""Floats that such a network is taken to hold for each pixel of the picture."""

MEMORY_BYTES = 2**30
"""What the network may hold of one tile, about."""

SMALLEST_PX = 32
"""A tile is never planned narrower, overlap apart: below, the network would compute little but overlap."""

WORKSPACE = 1.5
"""How much more than its tensors a runtime holds while it runs a convolution."""


@dataclass(frozen=True)
class Span:
    """A part of one axis.

    Attributes:
        start: First pixel that is computed on.
        stop: End of what is computed on.
        first: First pixel that is kept.
        last: End of what is kept.
    """

    start: int
    stop: int
    first: int
    last: int


Tile = tuple[Span, Span]
"""Rows and columns of one part of a picture."""


def spans(length: int, core: int, reach: int) -> Iterator[Span]:
    """Cut an axis: what is kept covers it once, and lies `reach` pixels inside what is computed, but at its two ends.

    Every part is of one length, of ``core + 2 reach`` at most and as short as their number allows.

    Args:
        length: Pixels of the axis.
        core: Pixels that a part adds at most, above 0.
        reach: Overlap at each side.
    """
    inner = max(1, length - 2 * reach)
    part = min(ceil(inner / ceil(inner / core)) + 2 * reach, length)
    first = 0
    while first < length:
        start = min(max(0, first - reach), length - part)
        stop = start + part
        last = length if stop == length else stop - reach
        yield Span(start, stop, first, last)
        first = last


def tiles(height: int, width: int, core: int, reach: int) -> list[Tile]:
    """The parts of a picture, row by row."""
    columns = list(spans(width, core, reach))
    return [(row, column) for row in spans(height, core, reach) for column in columns]


def reach_px(upscaler: Upscaler) -> int:
    """Pixels around an output pixel that anything in it depends on: the network's, and bicubic's."""
    if upscaler.genotype is None:
        return FOREIGN_REACH_PX
    return max(receptive_radius(upscaler.genotype), BICUBIC_TAPS // 2)


def core_px(upscaler: Upscaler, memory_bytes: int = MEMORY_BYTES) -> int:
    """The side of a tile, overlap apart, that keeps the network within a memory."""
    side = isqrt(int(memory_bytes / (4 * WORKSPACE * _floats_per_px(upscaler))))
    return max(SMALLEST_PX, side - 2 * reach_px(upscaler))


def _floats_per_px(upscaler: Upscaler) -> int:
    """What a network holds at most for each pixel of the picture: every block's output, and a layer's ends."""
    genotype, squared = upscaler.genotype, upscaler.scale**2
    if genotype is None:
        return FOREIGN_FLOATS
    layers = convolutions(genotype, scale=upscaler.scale, channels=upscaler.channels)
    largest = max((layer.in_channels + layer.out_channels) * (squared if layer.upscaled else 1) for layer in layers)
    return sum(genotype.widths) + 2 * largest
