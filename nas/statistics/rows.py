"""What every statistic asks of a ledger: its order, its feasible rows and its front."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..objectives import Objective
from ..pareto import front
from ..records import CandidateState, LedgerRow


def in_told_order(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """The rows whose outcome is known, as it came."""
    return sorted((row for row in rows if row.told_ordinal is not None), key=lambda row: row.told_ordinal or 0)


def feasible(row: LedgerRow) -> bool:
    """Whether it was scored and violates nothing."""
    return row.state is CandidateState.SCORED and row.violation == 0.0


def full_trainings(rows: Iterable[LedgerRow], top_rung: int) -> list[LedgerRow]:
    """The scored rows of the top rung from the search's own seed: those that compare with one another."""
    return [row for row in rows if row.state is CandidateState.SCORED and row.rung == top_rung and row.replicate == 0]


def front_of(rows: Sequence[LedgerRow], objectives: Sequence[Objective]) -> list[LedgerRow]:
    """Those rows that no other one dominates."""
    return [rows[index] for index in front(points_of_rows(rows, objectives), objectives)]


def points_of_rows(rows: Sequence[LedgerRow], objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """Objective values in natural units, shape (n, m), NaN where a figure is missing."""
    values = [[row.scores.get(objective.column, math.nan) for objective in objectives] for row in rows]
    return np.asarray(values, dtype=np.float64).reshape(len(rows), len(objectives))


def first_asks(rows: Iterable[LedgerRow]) -> Mapping[str, LedgerRow]:
    """The row by which each network came into the search, by digest."""
    first: dict[str, LedgerRow] = {}
    for row in sorted(rows, key=lambda row: row.ordinal):
        if row.replicate == 0:
            first.setdefault(row.genotype_digest, row)
    return first
