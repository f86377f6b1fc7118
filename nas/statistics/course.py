"""How a search has come to where it is: a point for each outcome."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta

from ..records import LedgerRow
from .documents import Point
from .rows import feasible

MOST = 2000
"""Points that a course has at most: more than a screen has columns."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Course:
    """Where a search stood after each of its outcomes, five numbers each.

    Args:
        top_rung: Whose PSNR counts as the best.
    """

    def __init__(self, top_rung: int) -> None:
        self._top_rung = top_rung
        self._told, self._at_us, self._steps = array("q"), array("q"), array("q")
        self._hypervolume, self._best = array("d"), array("d")

    def add(self, row: LedgerRow) -> None:
        """Go on by a told row; rows come in the order of their tells."""
        assert row.told_ordinal is not None, "a course is made of told rows"
        assert row.told_at is not None, "a tell has its time"
        first = not self._told
        before = 0.0 if first else self._hypervolume[-1]
        self._told.append(row.told_ordinal)
        self._at_us.append((row.told_at - _EPOCH) // _MICROSECOND)
        self._steps.append(row.steps + (0 if first else self._steps[-1]))
        self._hypervolume.append(before if row.hypervolume is None else row.hypervolume)
        self._best.append(max(-float("inf") if first else self._best[-1], self._psnr_db(row)))

    def _psnr_db(self, row: LedgerRow) -> float:
        counts = feasible(row) and row.rung == self._top_rung and row.replicate == 0
        return row.scores.get("psnr_db", -float("inf")) if counts else -float("inf")

    def points(self, most: int = MOST) -> list[Point]:
        """A point for each outcome, evenly thinned to ``most``, at least 2, with the first and the last kept."""
        count = len(self._told)
        if count <= most:
            return [self._point(number) for number in range(count)]
        return [self._point(number * (count - 1) // (most - 1)) for number in range(most)]

    def _point(self, number: int) -> Point:
        best = self._best[number]
        return Point(
            told_ordinal=self._told[number],
            told_at=_EPOCH + self._at_us[number] * _MICROSECOND,
            evaluations=number + 1,
            steps=self._steps[number],
            hypervolume=self._hypervolume[number],
            best_psnr_db=None if best == -float("inf") else best,
        )
