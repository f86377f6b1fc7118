"""What is spent of a search's budget, and when it will have ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ..pace import elapsed_s, seconds_left
from ..records import LedgerRow, Search
from ..tally import SETTLED
from .documents import BudgetPart, BudgetStatistics
from .rows import in_told_order


def spending(search: Search, rows: Sequence[LedgerRow], now: datetime) -> BudgetStatistics:
    """What is spent of each part at a time; confirmations of the front count as work but not as evaluations."""
    told = in_told_order(rows)
    validate_s = sum(row.validate_s for row in told)
    busy_s = validate_s + sum(row.train_s for row in told)
    spent = {
        "evaluations": sum(row.replicate == 0 for row in rows),
        "steps": sum(row.steps for row in told),
        "wall_time_s": elapsed_s(search, now),
        "worker_hours": busy_s / 3600,
        "patience": unchanged(told, search.spec.recipe.rungs - 1),
    }
    left_s = seconds_left(search, now)
    return BudgetStatistics(
        parts=tuple(_part(name, value, getattr(search.spec.budget, name)) for name, value in spent.items()),
        validation_share=validate_s / busy_s if busy_s else None,
        seconds_left=left_s,
        ends_at=None if left_s is None else now + timedelta(seconds=left_s),
    )


def _part(name: str, spent: float, limit: float | None) -> BudgetPart:
    return BudgetPart(part=name, spent=spent, limit=limit, share=None if limit is None else spent / limit)


def unchanged(told: Sequence[LedgerRow], top_rung: int) -> int:
    """Outcomes of the top rung in a row, the latest ones, that have not raised a hypervolume above 0."""
    count, settled_at = 0, 0.0
    for row in told:
        if row.replicate or row.rung != top_rung:
            continue
        count += settled_at > 0
        if row.hypervolume is not None and row.hypervolume > settled_at * (1 + SETTLED):
            count, settled_at = 0, row.hypervolume
    return count
