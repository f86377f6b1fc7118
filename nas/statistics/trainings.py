"""The full trainings of a search as columns that grow, and any front of them without a look at all of them again.

Full trainings are the scored candidates of the top rung from the search's own seed: those that compare with one
another. A front is kept as an archive, into which only new trainings are merged: a point that one training dominates
can never come back.

Fronts over metrics of the reader's choice are all found in one archive, over every metric at once: whatever is
dominated there is dominated, or equalled, in any choice. A metric that a training does not have counts as the worst
there is, so that it never keeps another one out of a choice without that metric.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

from ..objectives import METRICS, Objective
from ..pareto import front
from ..records import CandidateState, LedgerRow
from .rows import feasible

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

EVERY = tuple(Objective.of(name) for name in METRICS)
"""Every metric in its natural sense."""


class FullTrainings:
    """What was found of each full training, in the order of the tells.

    Args:
        top_rung: Number of the longest training.
        objectives: What the search optimises.

    Attributes:
        feasible_count: How many violate nothing.
        nearest: (violation, ordinal) of the one that violates its constraints least, of equals the oldest; None before
            the first.
    """

    def __init__(self, top_rung: int, objectives: Sequence[Objective]) -> None:
        self._top_rung, self._objectives = top_rung, tuple(objectives)
        self._columns = {metric.column: array("d") for metric in METRICS.values()}
        self._ordinals, self._feasible = array("q"), array("b")
        self._digests: list[str] = []
        self._archives: dict[tuple[tuple[Objective, ...], bool], _Archive] = {}
        self.feasible_count = 0
        self.nearest: tuple[float, int] | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ordinals)

    def takes(self, row: LedgerRow) -> bool:
        """Whether a told row is a full training."""
        return row.state is CandidateState.SCORED and row.rung == self._top_rung and row.replicate == 0

    def add(self, row: LedgerRow) -> None:
        """Append a full training."""
        for name, column in self._columns.items():
            column.append(row.scores.get(name, math.nan))
        self._ordinals.append(row.ordinal)
        self._feasible.append(feasible(row))
        self._digests.append(row.genotype_digest)
        self.feasible_count += self._feasible[-1]
        distance = (math.inf if row.violation is None else row.violation), row.ordinal
        self.nearest = distance if self.nearest is None else min(self.nearest, distance)

    def ordinal(self, index: int) -> int:
        """Number of the candidate."""
        return self._ordinals[index]

    def digest(self, index: int) -> str:
        """Digest of its network."""
        return self._digests[index]

    def scores(self, index: int) -> dict[str, float]:
        """Its figures by column."""
        found = ((name, column[index]) for name, column in self._columns.items())
        return {name: value for name, value in found if not math.isnan(value)}

    def points(self, indices: Sequence[int] | Indices, objectives: Sequence[Objective]) -> Floats:
        """Objective values in natural units, shape (n, m), NaN where a figure is missing."""
        columns = [self._columns[objective.column] for objective in objectives]
        values = [[column[index] for column in columns] for index in indices]
        return np.asarray(values, dtype=np.float64).reshape(len(values), len(columns))

    def front(self, objectives: Sequence[Objective], *, feasible_only: bool) -> list[int]:
        """Which trainings no other one dominates, of equal ones the oldest; by ordinal.

        What was found before is merged with what is new. The first front over other metrics than the search's own
        looks at every training, later ones at those that count in some choice.
        """
        chosen = tuple(objectives)
        if chosen == self._objectives or not set(chosen) <= set(EVERY):
            found = self._archive(chosen, feasible_only).indices
        else:
            found = self._oldest(self._archive(EVERY, feasible_only), chosen, feasible_only)
        return [int(index) for index in found]

    def pool(self) -> list[int]:
        """The trainings that feasible fronts over other metrics are found among; the first look sees every training."""
        return [int(index) for index in self._archive(EVERY, feasible_only=True).indices]

    def _archive(self, objectives: tuple[Objective, ...], feasible_only: bool) -> _Archive:
        key = objectives, feasible_only
        archive = self._archives.setdefault(key, _Archive(objectives, lenient=objectives == EVERY))
        first, count = archive.seen, len(self)
        fresh = np.arange(first, count)
        if feasible_only:
            fresh = fresh[np.array(self._feasible[first:], dtype=bool)]
        columns = [np.array(self._columns[one.column][first:])[fresh - first] for one in objectives]
        ordinals = np.array(self._ordinals[first:], dtype=np.int64)[fresh - first]
        archive.merge(fresh, ordinals, np.stack(columns, axis=1), seen=count)
        return archive

    def _oldest(self, pool: _Archive, objectives: Sequence[Objective], feasible_only: bool) -> Indices:
        """The front of a pool that has at least one of each of its points, each point by its oldest training."""
        found = pool.indices[front(pool.points[:, [EVERY.index(one) for one in objectives]], objectives)]
        column = np.array(self._columns[objectives[0].column])
        values = np.unique(column[found])
        if not values.size:
            return found
        places = np.minimum(np.searchsorted(values, column), len(values) - 1)
        alike = np.flatnonzero(values[places] == column)
        if feasible_only:
            alike = alike[np.array(self._feasible, dtype=bool)[alike]]
        alike = alike[np.argsort(np.array(self._ordinals, dtype=np.int64)[alike])]
        return alike[front(self.points(alike, objectives), objectives)]


class _Archive:
    """The front of the first ``seen`` trainings.

    Args:
        objectives: What is compared.
        lenient: Whether a figure that is not finite counts as the worst there is; otherwise it keeps a training out.
    """

    def __init__(self, objectives: Sequence[Objective], *, lenient: bool) -> None:
        self._signs = np.array([objective.sign for objective in objectives], dtype=np.float64)
        self._lenient = lenient
        self._losses: Floats = np.empty((0, len(objectives)))
        self._ordinals: Indices = np.empty(0, dtype=np.int64)
        self.indices: Indices = np.empty(0, dtype=np.int64)
        self.seen = 0

    @property
    def points(self) -> Floats:
        """The front in natural units, shape (k, m)."""
        return self._losses * self._signs

    def merge(self, indices: Indices, ordinals: Indices, points: Floats, *, seen: int) -> None:
        """Take in new trainings."""
        self.seen = seen
        losses = points * self._signs
        if self._lenient:
            losses[~np.isfinite(losses)] = np.inf
        else:
            finite = np.isfinite(losses).all(axis=1)
            indices, ordinals, losses = indices[finite], ordinals[finite], losses[finite]
        if not len(indices):
            return
        indices, ordinals = np.concatenate([self.indices, indices]), np.concatenate([self._ordinals, ordinals])
        losses = np.concatenate([self._losses, losses])
        order = np.argsort(ordinals)
        kept = order[moocore.is_nondominated(losses[order])]
        self.indices, self._ordinals, self._losses = indices[kept], ordinals[kept], losses[kept]
