"""All that a search has asked about as columns of numbers: a cloud of points to look at, thinned where it is large.

What is left out of a large search is the same from one look to the next, a few points apart: the ones that are drawn
do not jump while the search goes on.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..objectives import METRICS
from ..records import CandidateState, LedgerRow
from .rows import feasible

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

STATES = tuple(CandidateState)

NUMBERS = ("ordinal", "state", "feasible", "rung", "replicate", "operator")

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, cut to their fractions, lie evenly in [0, 1), and so do the numbers of those below any bound: the
gaps between them have three lengths at most (V. T. Sós, 1958)."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Candidates of a search, by ordinal, as columns of one length n.

    Attributes:
        told: How many candidates of the search have an outcome, whether they are among these or not.
        untold: How many have none; all of them are among these.
        operators: Names that ``operator`` points at.
        ordinal: Number of each ask, int64, shape (n,), rising.
        state: Where each stands, as its place in `STATES`, int64, shape (n,).
        feasible: Whether it was scored and violates nothing, bool, shape (n,).
        front: Whether it is a member of the front over the search's objectives, bool, shape (n,).
        rung: Rung of its training, int64, shape (n,).
        replicate: Number of its seed, int64, shape (n,).
        operator: What bred it, as its place in ``operators``, int64, shape (n,).
        figures: By column, float64, shape (n,), natural units, NaN where a figure is not known.
    """

    told: int
    untold: int
    operators: tuple[str, ...]
    ordinal: Integers
    state: Integers
    feasible: Flags
    front: Flags
    rung: Integers
    replicate: Integers
    operator: Integers
    figures: Mapping[str, Floats]


class Points:
    """Candidates as columns that grow, in the order of the tells.

    Args:
        operators: Places of the operators' names; new ones are added.
    """

    def __init__(self, operators: dict[str, int] | None = None) -> None:
        self._operators = {} if operators is None else operators
        self._numbers = {name: array("q") for name in NUMBERS}
        self._figures = {metric.column: array("d") for metric in METRICS.values()}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._numbers["ordinal"])

    def add(self, row: LedgerRow) -> None:
        """Append a candidate."""
        operator = self._operators.setdefault(row.operator, len(self._operators))
        numbers = row.ordinal, STATES.index(row.state), feasible(row), row.rung, row.replicate, operator
        for name, number in zip(NUMBERS, numbers, strict=True):
            self._numbers[name].append(number)
        for name, column in self._figures.items():
            column.append(row.scores.get(name, math.nan))

    def cloud(self, untold: Sequence[LedgerRow], front: Collection[int], most: int) -> Cloud:
        """At most so many candidates: the front and what has no outcome always, the others evenly spread.

        Args:
            untold: Candidates without an outcome.
            front: Ordinals of the front's members.
            most: How many there may be; more come only where the front and ``untold`` alone are more.
        """
        flying = Points(self._operators)
        for row in untold:
            flying.add(row)
        members = np.fromiter(front, dtype=np.int64)
        shown = spread(np.isin(np.asarray(self._numbers["ordinal"]), members), most - len(flying))
        numbers = {name: np.append(np.asarray(self._numbers[name])[shown], flying._numbers[name]) for name in NUMBERS}
        order = np.argsort(numbers["ordinal"])
        ordinal, state, is_feasible, rung, replicate, operator = (numbers[name][order] for name in NUMBERS)
        return Cloud(
            told=len(self),
            untold=len(flying),
            operators=tuple(self._operators),
            ordinal=ordinal,
            state=state,
            feasible=is_feasible.astype(bool),
            front=np.isin(ordinal, members),
            rung=rung,
            replicate=replicate,
            operator=operator,
            figures={
                name: np.append(np.asarray(column)[shown], flying._figures[name])[order]
                for name, column in self._figures.items()
            },
        )


def spread(always: Flags, most: int) -> Integers:
    """Places of all that are always wanted and of as many others as there is room for, rising.

    Args:
        always: Which are, shape (n,).
        most: How many there may be, if those that are always wanted leave room.

    >>> spread(np.array([False, True, False, False, False]), 3).tolist()
    [0, 1, 2]
    """
    wanted, others = np.flatnonzero(always), np.flatnonzero(~always)
    room = max(0, most - len(wanted))
    if len(others) > room:
        others = others[np.argpartition(others * GOLDEN % 1.0, room)[:room]]
    return np.sort(np.concatenate([wanted, others]))
