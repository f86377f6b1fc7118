"""When a search has had enough: its budget against what it has spent. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .records import Progress
from .spec import BudgetSpec


@dataclass(frozen=True)
class Spent:
    """A budget that is used up.

    Attributes:
        reason: Which part of it, for a person.
        hard: Whether not even the final front may be confirmed any more: time is up, be it on the clock or of workers.
    """

    reason: str
    hard: bool


def spent(
    budget: BudgetSpec, progress: Progress, *, asked: int, planned_steps: int, unchanged: int, running_s: float
) -> Spent | None:
    """What part of a budget is used up; None while another candidate may be asked for.

    Args:
        budget: The limits.
        progress: What the search has reached.
        asked: Candidates that its engine asked for.
        planned_steps: Training steps of the candidates in flight.
        unchanged: Outcomes in a row that have not raised the hypervolume.
        running_s: Seconds for which the search has run: what it waited or stood still is not in it.
    """
    if budget.wall_time_s is not None and running_s >= budget.wall_time_s:
        return Spent(f"the budget of {budget.wall_time_s:g} s is spent", hard=True)
    hours = (progress.train_s + progress.validate_s) / 3600
    if budget.worker_hours is not None and hours >= budget.worker_hours:
        return Spent(f"the budget of {budget.worker_hours:g} worker-hours is spent", hard=True)
    if asked >= budget.evaluations:
        return Spent(f"the budget of {budget.evaluations} evaluations is spent", hard=False)
    if budget.steps is not None and progress.steps + planned_steps >= budget.steps:
        return Spent(f"the budget of {budget.steps} training steps is spent", hard=False)
    if budget.patience is not None and unchanged >= budget.patience:
        return Spent(f"the hypervolume has settled: {unchanged} outcomes in a row have not raised it", hard=False)
    return None


def nothing_left(*, any_asked: bool) -> Spent:
    """Why a search ends whose engine has nothing to propose any more."""
    if any_asked:
        return Spent("every network that the constraints allow was looked at", hard=False)
    return Spent("no network was found that keeps the constraints on costs: relax them", hard=False)
