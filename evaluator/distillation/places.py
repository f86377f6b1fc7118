"""Numbers of [0, 1) as places in equal cells, and back: how a drawing is steered without drawing anew."""

from __future__ import annotations

from torch import Tensor

LAST = 1 - 2**-40
"""The last place in a cell: nearer to 1, a sum would round to the next cell."""


def cut(uniform: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Which of equal cells numbers of [0, 1) lie in, as int64, and where in it, on [0, `LAST`]."""
    scaled = uniform * cells
    cell = scaled.floor()
    return cell.long(), (scaled - cell).clamp(max=LAST)


def joined(cell: Tensor, within: Tensor, cells: int) -> Tensor:
    """The numbers of [0, 1) at places on [0, `LAST`] in these cells."""
    return (cell + within) / cells
