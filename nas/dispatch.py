"""Jobs on their way: which searches wait for each, and what came back. What two searches wait for is trained once.

Knows no store: what an outcome means is its run's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluator.executor import Completion, Executor, Ticket

from .run import SearchRun, Work


@dataclass(frozen=True, kw_only=True)
class Returned:
    """The outcome of a job, for one search that waited for it.

    Attributes:
        run: The search.
        work: What it waited for.
        completion: What came back.
        cached: Whether another search waits for the same outcome and is charged for it.
    """

    run: SearchRun
    work: Work
    completion: Completion
    cached: bool


class Dispatch:
    """Hands jobs to an executor, and outcomes to the searches that wait for them."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._waiting: dict[Ticket, list[tuple[SearchRun, Work]]] = {}
        self._tickets: dict[tuple[str, float], Ticket] = {}  # by job and its time limit

    @property
    def full(self) -> bool:
        """Whether every worker has a job."""
        return len(self._waiting) >= self._executor.capacity

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight."""
        return not self._waiting

    def count_of(self, run: SearchRun) -> int:
        """Jobs in flight that a search waits for."""
        return sum(other is run for waiting in self._waiting.values() for other, _ in waiting)

    def waiting(self, ticket: Ticket | None) -> Sequence[tuple[SearchRun, Work]]:
        """Who waits for a job and for what, the search that asked first before the others; nobody for None."""
        return [] if ticket is None else self._waiting.get(ticket, [])

    def submit(self, run: SearchRun, work: Work) -> None:
        """Have a job run, or wait with another search that has the same one running."""
        shared = (work.job.key, work.job.timeout_s)
        ticket = self._tickets.get(shared)
        if ticket is None:
            ticket = self._tickets[shared] = self._executor.submit(work.job)
        self._waiting.setdefault(ticket, []).append((run, work))

    def completed(self, timeout_s: float) -> Iterator[Returned]:
        """Outcomes since the last call, one for each search that still waits; waits up to ``timeout_s`` seconds.

        A search may be dropped between two of them.
        """
        for completion in self._executor.completed(timeout_s):
            self._forget(completion.ticket)
            for number, (run, work) in enumerate(self._waiting.pop(completion.ticket, [])):
                yield Returned(run=run, work=work, completion=completion, cached=number > 0)

    def drop(self, run: SearchRun) -> None:
        """Let a search wait no more, and cancel the jobs that nobody else waits for."""
        for ticket, waiting in list(self._waiting.items()):
            waiting[:] = [(other, work) for other, work in waiting if other is not run]
            if not waiting:
                del self._waiting[ticket]
                self._forget(ticket)
                self._executor.cancel(ticket)

    def _forget(self, ticket: Ticket) -> None:
        self._tickets = {shared: kept for shared, kept in self._tickets.items() if kept != ticket}
