"""How a search has come to where it is: a point for each outcome."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import LedgerRow
from .documents import Point
from .rows import feasible, in_told_order

MOST = 2000
"""Points that a course has at most: more than a screen has columns."""


def course(rows: Sequence[LedgerRow], top_rung: int = 0, *, most: int = MOST) -> list[Point]:
    """A point for each outcome in the order of the tells, evenly thinned to ``most`` with the first and the last kept.

    Args:
        rows: The ledger.
        top_rung: Whose PSNR counts as the best.
        most: At least 2.
    """
    told = in_told_order(rows)
    wanted = set(range(len(told)))
    if len(told) > most:
        wanted = {number * (len(told) - 1) // (most - 1) for number in range(most)}
    points, steps, best, hypervolume = [], 0, None, 0.0
    for number, row in enumerate(told):
        steps += row.steps
        hypervolume = hypervolume if row.hypervolume is None else row.hypervolume
        psnr_db = row.scores.get("psnr_db")
        if psnr_db is not None and feasible(row) and row.rung == top_rung and row.replicate == 0:
            best = psnr_db if best is None else max(best, psnr_db)
        if number in wanted:
            points.append(_point(row, number + 1, steps, hypervolume, best))
    return points


def _point(row: LedgerRow, evaluations: int, steps: int, hypervolume: float, best: float | None) -> Point:
    assert row.told_ordinal is not None, "a course is made of told rows"
    assert row.told_at is not None, "a tell has its time"
    return Point(
        told_ordinal=row.told_ordinal,
        told_at=row.told_at,
        evaluations=evaluations,
        steps=steps,
        hypervolume=hypervolume,
        best_psnr_db=best,
    )
