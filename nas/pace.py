"""How far a search is at a time, and how long it will take: estimates from its budget and its pace so far."""

from __future__ import annotations

from datetime import datetime

from .records import Search, SearchState


def fraction(search: Search, now: datetime) -> float:
    """Share of the budget that is used, in [0, 1]: of the part of which most is used."""
    if search.state is SearchState.COMPLETED:
        return 1.0
    used = [spent / limit for spent, limit in _work(search)]
    if search.spec.budget.wall_time_s is not None:
        used.append(elapsed_s(search, now) / search.spec.budget.wall_time_s)
    return min(1.0, max(0.0, *used))


def seconds_left(search: Search, now: datetime) -> float | None:
    """Estimate from the pace while it ran; None unless the search runs and has a pace.

    The part of the budget that runs out first counts; patience cannot be foreseen, nor what confirming the front takes.
    """
    if search.state is not SearchState.RUNNING or not search.progress.evaluated:
        return None
    ran_s = elapsed_s(search, now)
    left_s = [ran_s / spent * (limit - spent) for spent, limit in _work(search) if spent]
    if search.spec.budget.wall_time_s is not None:
        left_s.append(search.spec.budget.wall_time_s - ran_s)
    return max(0.0, min(left_s))


def _work(search: Search) -> list[tuple[float, float]]:
    """What is spent of each limit on work, and the limit."""
    budget, progress = search.spec.budget, search.progress
    hours = (progress.train_s + progress.validate_s) / 3600
    parts = (progress.evaluated, budget.evaluations), (progress.steps, budget.steps), (hours, budget.worker_hours)
    return [(spent, limit) for spent, limit in parts if limit is not None]


def elapsed_s(search: Search, now: datetime) -> float:
    """Seconds for which a search has run: what it waited or stood still is not in it."""
    return search.running_s(now)
