"""What is tried again, and when a job has failed for good. Pure; knows no worker and no queue."""

from __future__ import annotations

from collections.abc import Callable

from ..executor import Setback
from ..outcome import RETRIED, Failure, Outcome
from .tasks import Task

NODE_LOSSES = 10
"""Starts of one job for each attempt that it has, before even the loss of whole nodes is its own fault."""


def passes(outcome: Outcome) -> bool:
    """Whether another start may come to something else."""
    return isinstance(outcome, Failure) and outcome.kind in RETRIED


def given_up(task: Task, faults: int, most: int) -> Failure | None:
    """The outcome of a task that has lost a worker again, if it was one too many.

    Args:
        task: Its latest start has come to nothing.
        faults: How many of its starts that are held against it.
        most: How many may be.
    """
    if faults < most and task.attempts < NODE_LOSSES * most:
        return None
    losses = sum(setback.cause in ("worker_lost", "node_left") for setback in task.setbacks)
    return Failure(kind="worker_lost", message=f"lost its worker {losses} times; last: {task.setbacks[-1].message}")


def tried(start: Callable[[], Outcome], worker: str, most: int) -> tuple[Outcome, tuple[Setback, ...]]:
    """Start a job in this process until its outcome stands, so many times at most.

    Args:
        start: Runs it from its beginning.
        worker: What setbacks call this process.
        most: How often, at least 1.

    Returns:
        The last outcome, and what became of the starts before.
    """
    setbacks: list[Setback] = []
    while True:
        outcome = start()
        if not isinstance(outcome, Failure) or not passes(outcome) or len(setbacks) + 1 >= most:
            return outcome, tuple(setbacks)
        setbacks.append(Setback(cause=outcome.kind, worker=worker, message=outcome.message))
