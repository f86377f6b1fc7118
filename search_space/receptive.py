"""How far a network looks, by arithmetic: no weights, no torch. So an image can be cut where nobody will see it."""

from __future__ import annotations

from .cell import Cell
from .genotype import Genotype
from .ops import OPERATORS

FEAT, FUSE, OUT = 1, 1, 1
"""Pixels that the 3x3 convolutions around the cells reach; the last works on the finer grid, and reaches one here."""

DEPTHWISE = 1


def receptive_radius(genotype: Genotype) -> int:
    """Low-resolution pixels along each axis beyond which an input pixel cannot change an output pixel.

    The output pixels over the low-resolution pixel at ``i`` depend on those at ``i - radius .. i + radius`` alone, for
    every scale and any weights; some weights use all of them. What a recipe wraps around a network is not counted.

    Example:
        >>> receptive_radius(Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1"))
        4
    """
    reached = [FEAT]
    for cell, sources in zip(genotype.cells, genotype.inputs, strict=False):
        reached.append(max(reached[source] for source in sources) + _cell_radius(cell))
    return max(reached[source] for source in genotype.inputs[-1]) + FUSE + OUT


def _cell_radius(cell: Cell) -> int:
    around = cell.kernel // 2
    bottleneck = OPERATORS[cell.operator].bottleneck
    return cell.repeats * (2 * around + DEPTHWISE if bottleneck else around)
