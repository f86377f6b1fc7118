"""Many genotypes at once, as rows of indexes (see `search_space.encoding`): their predicted latencies.

The figures of `DeviceProfile.predict` to rounding, at some microseconds each. What a cell costs, and in which layouts
it reads and writes, is looked up once for each combination of its genes and each number of channels that it may read;
what is left to follow through a network are the concatenations and the changes of layout between its blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from search_space.cell import Cell
from search_space.errors import InvalidInput, Problem
from search_space.space import SearchSpace

from ..recipe import Recipe
from .operators import Operator, Run, change_of, layouts, move, moved, reads_blocked, runs
from .plan import Plan, plan_cell, plan_ends
from .profile import DeviceProfile
from .table import HINT

Vectors = NDArray[np.int64]
Times = NDArray[np.float64]
Flags = NDArray[np.bool_]
Place = tuple[Vectors, Vectors]

_PER_CELL = 5
_WIDTH = 1


@dataclass(frozen=True)
class _Part:
    """What can stand at one place of a network, by its number and by the channels that it reads.

    Attributes:
        ms: Time of its operators, float64; NaN for channels that no genotype reads, and where a price is missing.
        reads: Whether it reads blocks.
        writes: Whether it writes blocks; of the tail: whether it adds the features in blocks.
    """

    ms: Times
    reads: Flags
    writes: Flags


class BatchLatency:
    """Predicts the latency of many candidates of a space on one device.

    Args:
        profile: The device.
        space: Where the genotypes are from.
        scale: Upscaling factor, which must be the profile's.
        channels: Channels of the image, likewise.
        recipe: What the networks are wrapped in.

    Raises:
        InvalidInput: The profile is for another task.
    """

    def __init__(
        self, profile: DeviceProfile, space: SearchSpace, *, scale: int, channels: int, recipe: Recipe
    ) -> None:
        profile.require_task(scale, channels)
        self._profile, self._space = profile, space
        widths = reachable_widths(space)
        cells = [Cell(*values) for values in product(*space.cell_choices)]  # type: ignore[arg-type] # one value a field
        ends = {width: plan_ends(space.features, width, recipe, scale=scale, channels=channels) for width in widths}
        self._cells = self._part([{width: plan_cell(cell, width) for width in widths} for cell in cells], 0, -1)
        feat = next(i for i, step in enumerate(ends[widths[0]].steps, start=1) if step.name == "feat")
        self._tail = self._part([ends], feat, feat + 2)
        self._features_blocked = layouts(ends[widths[0]], profile.block)[feat]

    def __call__(self, vectors: Vectors) -> Times:
        """Predict milliseconds.

        Args:
            vectors: Shape (n, genes), each index within its bounds.

        Returns:
            Shape (n,).

        Raises:
            InvalidInput: The profile holds no price of an operator of one of them.
        """
        kinds, widths, sources = self._genes(vectors)
        channels = (sources * widths[:, None, :]).sum(axis=-1)
        cells = kinds, channels[:, :-1]
        tail = np.zeros(len(vectors), dtype=np.int64), channels[:, -1]
        reads, written, adds = self._layouts(cells, tail)
        operators: Times = self._cells.ms[cells].sum(axis=1) + self._tail.ms[tail]
        operators += self._joins(sources, widths, channels, reads, written, adds)
        if np.isnan(operators).any():
            raise InvalidInput([Problem("operator", "one of these genotypes'", "one that the profile holds")], HINT)
        calibration = self._profile.calibration
        return np.asarray(calibration.gain * operators + calibration.offset_ms, dtype=np.float64)

    def _genes(self, vectors: Vectors) -> tuple[Vectors, Vectors, Flags]:
        """Number of each cell's kind (n, cells), widths (n, blocks), and who reads whom (n, readers, blocks).

        Blocks begin with block 0; the last reader is the tail.
        """
        space, n = self._space, len(vectors)
        micro, skips = np.split(vectors, [_PER_CELL * space.n_cells], axis=1)
        micro = micro.reshape(n, space.n_cells, _PER_CELL)
        choices = [len(values) for values in space.cell_choices]
        kinds = np.asarray(np.ravel_multi_index(tuple(np.moveaxis(micro, 2, 0)), choices), dtype=np.int64)
        widths = np.full((n, space.n_cells + 1), space.features, dtype=np.int64)
        widths[:, 1:] = np.array(space.channels, dtype=np.int64)[micro[..., _WIDTH]]
        sources = np.tile(np.eye(space.n_cells + 1, dtype=np.bool_), (n, 1, 1))
        for column, (source, reader) in enumerate(space.possible_skips):
            sources[:, reader - 1, source] = skips[:, column]
        return kinds, widths, sources

    def _layouts(self, cells: Place, tail: Place) -> tuple[Flags, Flags, Flags]:
        """Whether each reader reads blocks (n, readers), each block is written so (n, blocks), and the tail adds so."""
        reads = np.concatenate([self._cells.reads[cells], self._tail.reads[tail][:, None]], axis=1)
        first = np.full((len(reads), 1), self._features_blocked)
        written = np.concatenate([first, self._cells.writes[cells]], axis=1)
        return reads, written, self._tail.writes[tail]

    def _joins(
        self, sources: Flags, widths: Vectors, channels: Vectors, reads: Flags, written: Flags, adds: Flags
    ) -> Times:
        """Time of all concatenations, and of the changes of layout before and after them; shape (n,)."""
        block = self._profile.block
        whole = written & (widths % block == 0) if block else np.zeros_like(written)
        several = sources.sum(axis=-1) > 1
        joined = np.all(~sources | whole[:, None, :], axis=-1)
        needed = np.where(several, joined, reads)
        moves = np.any(sources & (written[:, None, :] != needed[:, :, None]), axis=1)
        moves[:, 0] |= written[:, 0] != adds
        ms: Times = np.where(moves, self._move(widths, ~written), 0.0).sum(axis=1)
        plain, blocks = (self._lookup(Operator(kind="concatenate", blocked=flag), channels) for flag in (False, True))
        concatenation = np.where(joined, blocks, plain)
        ms += np.where(several, concatenation, 0.0).sum(axis=1)
        ms += np.where(several & (joined != reads), self._move(channels, reads), 0.0).sum(axis=1)
        return ms

    def _move(self, widths: Vectors, to_blocked: Flags) -> Times:
        """Time of changing the layout of images so wide."""
        size = max(1, self._profile.block)
        block = self._lookup(move(to_blocked=True), widths)
        unblock = self._lookup(move(to_blocked=False), -(-widths // size) * size)
        ms: Times = np.where(to_blocked, block, unblock)
        return ms

    def _lookup(self, operator: Operator, channels: Vectors) -> Times:
        price = self._profile.table.prices.get(operator)
        if price is None:
            return np.full(channels.shape, np.nan)
        return np.asarray(price.fixed_ms + price.channel_ms * channels, dtype=np.float64)

    def _part(self, plans: Sequence[Mapping[int, Plan]], source: int, end: int) -> _Part:
        """Look up what may stand at one place.

        Args:
            plans: For each choice the plan for each number of channels.
            source: The value that stands for what is read; changes of its layout are not the part's.
            end: The value whose layout counts as what the part writes.
        """
        shape = len(plans), 1 + max(plans[0])
        part = _Part(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_))
        block = self._profile.block
        for i, by_channels in enumerate(plans):
            for channels, plan in by_channels.items():
                blocked = layouts(plan, block)
                place = i, channels
                part.ms[place] = sum(self._ms(run) for run in _own_runs(plan, blocked, source, block))
                part.reads[place] = reads_blocked(plan.steps[source], blocked[source + 1], block)
                part.writes[place] = blocked[end]
        return part

    def _ms(self, run: Run) -> float:
        price = self._profile.table.prices.get(run.operator)
        return np.nan if price is None else price.ms(run.channels)


def _own_runs(plan: Plan, blocked: Sequence[bool], source: int, block: int) -> list[Run]:
    """All runs of a plan but the change of its source's layout; the rest only where the image is made."""
    *found, rest = runs(plan, block)
    if source in moved(plan, blocked, block):
        found.remove(change_of(plan, source, to_blocked=not blocked[source], block=block))
    return [*found, rest] if plan.steps[-1].upscaled else found


def reachable_widths(space: SearchSpace) -> list[int]:
    """Every number of channels that a cell or the tail may read."""
    sums = {0}
    for _ in range(space.n_cells):
        sums |= {total + width for total in sums for width in space.channels}
    return sorted({total for total in sums if total} | {total + space.features for total in sums})
