"""What is spent of a search's budget, and when it will have ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..pace import seconds_left
from ..records import LedgerRow, Search
from ..tally import SETTLED
from .documents import BudgetPart, BudgetStatistics


class Spending:
    """What told rows have cost.

    Args:
        top_rung: Number of the longest training.

    Attributes:
        unchanged: Outcomes of the top rung in a row, the latest ones, that have not raised a hypervolume above 0.
    """

    def __init__(self, top_rung: int) -> None:
        self._top_rung = top_rung
        self._own = self._steps = self.unchanged = 0
        self._train_s = self._validate_s = self._settled_at = 0.0

    def add(self, row: LedgerRow) -> None:
        """Count a told row; rows come in the order of their tells."""
        self._own += row.replicate == 0
        self._steps += row.steps
        self._train_s += row.train_s
        self._validate_s += row.validate_s
        if row.replicate or row.rung != self._top_rung:
            return
        self.unchanged += self._settled_at > 0
        if row.hypervolume is not None and row.hypervolume > self._settled_at * (1 + SETTLED):
            self.unchanged, self._settled_at = 0, row.hypervolume

    def document(self, search: Search, untold: Iterable[LedgerRow], now: datetime) -> BudgetStatistics:
        """What is spent of each part at a time; confirmations of the front count as work but not as evaluations."""
        busy_s = self._validate_s + self._train_s
        spent = {
            "evaluations": self._own + sum(row.replicate == 0 for row in untold),
            "steps": self._steps,
            "wall_time_s": search.running_s(now),
            "worker_hours": busy_s / 3600,
            "patience": self.unchanged,
        }
        left_s = seconds_left(search, now)
        return BudgetStatistics(
            parts=tuple(_part(name, value, getattr(search.spec.budget, name)) for name, value in spent.items()),
            validation_share=self._validate_s / busy_s if busy_s else None,
            seconds_left=left_s,
            ends_at=None if left_s is None else now + timedelta(seconds=left_s),
        )


def _part(name: str, spent: float, limit: float | None) -> BudgetPart:
    return BudgetPart(part=name, spent=spent, limit=limit, share=None if limit is None else spent / limit)
