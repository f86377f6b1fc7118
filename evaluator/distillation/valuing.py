"""What each place of the training images is still worth, and drawing by it. Knows places, not pixels."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from .companion import on_host
from .places import LAST, cut, joined

GRID = (64, 4, 4)
"""Cells of the record: along the images in the order of their drawing, along the rows and the columns of each."""
PHASE = 100
"""Steps of drawing as drawn, and as many of drawing by value, in turn."""
MIXED = 0.5
"""Share of the patches that are drawn by value alike: the other half is uniform over what was not trimmed."""
TRIMMED = 0.2
"""Share of the places seen so far, those of least value, that are redundant while drawing goes by value."""
MEMORY = 0.7


class PatchValues:
    """An online record of the value of places, and a drawing of patches in proportion to it.

    The value of a place is the moving average of what its patches gave: error plus disagreement with the teacher, so
    what is still to be learnt there. It is looked up for a coarse grid over images (some share a cell when there are
    more than 64), rows and columns. A phase of distillation as usual, every place as likely as another, takes turns
    with a phase that draws by value and leaves out the least valued fifth. As the first kind goes everywhere, a place
    that was trimmed by mistake comes back. Unlike the sampling by importance of the literature this does not divide
    by the probability: the training set is meant to be re-weighed.

    Everything is a few operations on 1,024 numbers on the device; a step takes in its patches without waiting for it.

    Args:
        device: Of the drawn numbers.

    Attributes:
        values: (1024,) in float64, at least 0; NaN where no patch was seen yet.
    """

    def __init__(self, device: torch.device) -> None:
        self.values = torch.full((prod(GRID),), torch.nan, dtype=torch.float64, device=device)
        self._places = torch.empty(0, dtype=torch.int64, device=device)

    def choose(self, uniform: Tensor, step: int) -> Tensor:
        """Numbers for the patches of a step, 4 x N on [0, 1), whose places `learn` will be told of.

        Args:
            uniform: As drawn; the numbers returned depend on nothing but these and the record.
            step: Steps done; says which phase it is.
        """
        chosen = self._by_value(uniform) if step // PHASE % 2 else uniform
        image, row, column = (cut(axis, cells)[0] for axis, cells in zip(chosen[:3], GRID, strict=True))
        self._places = (image * GRID[1] + row) * GRID[2] + column
        return chosen

    def learn(self, values: Tensor) -> None:
        """Take in what the N patches that were chosen last gave, at least 0 each."""
        empty = torch.zeros_like(self.values)
        sums = empty.index_add(0, self._places, values.double())
        counts = empty.index_add(0, self._places, torch.ones_like(values, dtype=torch.float64))
        found = sums / counts.clamp(min=1)
        renewed = torch.where(self.values.isnan(), found, MEMORY * self.values + (1 - MEMORY) * found)
        self.values = torch.where(counts > 0, renewed, self.values)

    def shares(self) -> Tensor:
        """Probability of each place while drawing goes by value: (1024,), together 1. Unseen ones have the mean."""
        mean = self.values.nanmean().nan_to_num(1.0)
        value = torch.where(self.values.isnan(), mean, self.values)
        kept = (~(self.values < self.values.nanquantile(TRIMMED))).double()
        value = value * kept + torch.finfo(value.dtype).tiny * kept
        return MIXED * value / value.sum() + (1 - MIXED) * kept / kept.sum()

    def _by_value(self, uniform: Tensor) -> Tensor:
        """The first number picks the place, and what it leaves undecided picks the image within the cell."""
        shares = self.shares()
        ends = shares.cumsum(0)
        aim = uniform[0] * LAST * ends[-1]  # so that no rounding goes past the end
        place = torch.searchsorted(ends, aim, right=True).clamp(max=len(ends) - 1)
        rest = ((aim - ends[place]) / shares[place] + 1).clamp(0, LAST)
        column = place % GRID[2]
        row = place.div(GRID[2], rounding_mode="floor") % GRID[1]
        image = place.div(GRID[1] * GRID[2], rounding_mode="floor")
        within = (rest, *uniform[1:3].clamp(max=LAST))
        axes = [joined(*place) for place in zip((image, row, column), within, GRID, strict=True)]
        return torch.stack([*axes, uniform[3]])

    def state(self) -> dict[str, Tensor]:
        """The record."""
        return {"values": on_host(self.values)}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        self.values.copy_(tensors["values"])
