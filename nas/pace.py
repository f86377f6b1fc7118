"""How far a search is at a time, and how long it will take: estimates from its budget and its pace so far."""

from __future__ import annotations

from datetime import datetime

from .records import Search, SearchState


def fraction(search: Search, now: datetime) -> float:
    """Share of the budget that is used, in [0, 1]: of the candidates or of the time, whichever is more."""
    if search.state is SearchState.COMPLETED:
        return 1.0
    budget = search.spec.budget
    used = search.progress.evaluated / budget.evaluations
    if budget.wall_time_s is not None:
        used = max(used, elapsed_s(search, now) / budget.wall_time_s)
    return min(1.0, max(0.0, used))


def seconds_left(search: Search, now: datetime) -> float | None:
    """Estimate from the pace since the start, pauses included; None unless the search runs and has a pace."""
    if search.state is not SearchState.RUNNING or not search.progress.evaluated:
        return None
    budget, evaluated = search.spec.budget, search.progress.evaluated
    left_s = elapsed_s(search, now) / evaluated * (budget.evaluations - evaluated)
    if budget.wall_time_s is not None:
        left_s = min(left_s, budget.wall_time_s - elapsed_s(search, now))
    return max(0.0, left_s)


def elapsed_s(search: Search, now: datetime) -> float:
    """Seconds from the start to the end, or to now; 0 before the start."""
    if search.started_at is None:
        return 0.0
    return ((search.finished_at or now) - search.started_at).total_seconds()
