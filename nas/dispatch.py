"""Jobs on their way: which searches wait for each, and what came back. What two searches wait for is trained once.

What came back is kept until it was recorded, so that no outcome is lost while a store is away. Knows no store: what an
outcome means is its run's business. Stretches of full trainings go the same way, each for one training alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, Executor, Ticket

from .records import SearchId, TrainingId
from .run import SearchRun, Work

logger = structlog.get_logger(__name__)


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
    """Hands jobs to an executor, and outcomes to the searches and full trainings that wait for them."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._waiting: dict[Ticket, list[tuple[SearchRun, Work]]] = {}
        self._tickets: dict[tuple[str, float], Ticket] = {}  # by job and its time limit
        self._returned: deque[Returned] = deque()
        self._counts: Counter[SearchId] = Counter()  # of jobs in flight
        self._stretches: dict[Ticket, tuple[TrainingId, Work]] = {}
        self._ended: dict[Ticket, Completion] = {}  # of stretches
        self._stretch_last = False
        self._images: dict[str, str] = {}  # their digests, by who needs them

    @property
    def capacity(self) -> int:
        """How many jobs run at once."""
        return self._executor.capacity

    @property
    def devices(self) -> set[str]:
        """The names of the devices that the workers have which are up."""
        return {info.device for info in self._executor.workers()}

    @property
    def full(self) -> bool:
        """Whether every worker has a job."""
        return len(self._waiting) + len(self._stretches) >= self.capacity

    @property
    def searches_first(self) -> bool:
        """Whether searches are asked first: a single worker, which has no half, goes to both in turn."""
        return self._stretch_last and self.capacity == 1

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight."""
        return not self._waiting and not self._stretches

    @property
    def oldest(self) -> Returned | None:
        """The outcome that came back first of those that are not settled, and whose search can take it."""
        return next((returned for returned in self._returned if not returned.run.torn), None)

    def holds_for(self, run: SearchRun) -> bool:
        """Whether an outcome that a search waited for is not settled."""
        return any(returned.run is run for returned in self._returned)

    def count_of(self, run: SearchRun) -> int:
        """Jobs in flight that a search waits for."""
        return self._counts[run.search.id]

    def waiting(self, ticket: Ticket | None) -> Sequence[tuple[SearchRun, Work]]:
        """Who waits for a job and for what, the search that asked first before the others; nobody for None."""
        return [] if ticket is None else self._waiting.get(ticket, [])

    def work_of(self, ticket: Ticket | None) -> Work | None:
        """What a job in flight is for: what the search that asked first waits for, or a full training; else None."""
        if ticket in self._stretches:
            return self._stretches[ticket][1]
        waiting = self.waiting(ticket)
        return waiting[0][1] if waiting else None

    def training_of(self, ticket: Ticket | None) -> TrainingId | None:
        """Of which full training a job in flight is a stretch; None where it is of none."""
        return self._stretches[ticket][0] if ticket in self._stretches else None

    # -- images ----------------------------------------------------------------------------------------------------

    def load(self, who: str, data: EvaluationData) -> None:
        """Have the workers read images for as long as a search or a full training, by its id, needs them."""
        self._executor.load(data)
        self._images[who] = data.digest

    def unload(self, who: str) -> None:
        """Let the images of a search or a full training go, unless others need the same."""
        digest = self._images.pop(who, None)
        if digest is not None and digest not in self._images.values():
            self._executor.unload(digest)

    # -- jobs ------------------------------------------------------------------------------------------------------

    def submit(self, run: SearchRun, work: Work) -> None:
        """Have a job run, or wait with another search that has the same one running."""
        shared = (work.job.key, work.job.timeout_s)
        ticket = self._tickets.get(shared)
        if ticket is None:
            ticket = self._tickets[shared] = self._executor.submit(work.job)
            self._stretch_last = False
            who = {"search": work.candidate.search_id, "candidate": work.candidate.id}
            logger.info("candidate submitted", **who, ticket=ticket)  # by which the pool speaks of it
        self._waiting.setdefault(ticket, []).append((run, work))
        self._counts[work.candidate.search_id] += 1

    def collect(self, timeout_s: float) -> None:
        """Take in the outcomes since the last call, one for each search that waits; waits up to ``timeout_s`` seconds.

        They are `oldest` one after another, until they are settled or their search is dropped.
        """
        for completion in self._executor.completed(timeout_s):
            if self._stretches.pop(completion.ticket, None) is not None:
                self._ended[completion.ticket] = completion
            self._forget(completion.ticket)
            for number, (run, work) in enumerate(self._waiting.pop(completion.ticket, [])):
                self._counts[work.candidate.search_id] -= 1
                self._returned.append(Returned(run=run, work=work, completion=completion, cached=number > 0))

    def settle(self, returned: Returned) -> None:
        """Forget an outcome, now that it was recorded; its search may have been dropped meanwhile."""
        self._returned = deque(kept for kept in self._returned if kept is not returned)

    def drop(self, run: SearchRun) -> None:
        """Let a search wait no more, and cancel the jobs that nobody else waits for."""
        self._returned = deque(returned for returned in self._returned if returned.run is not run)
        for ticket, waiting in list(self._waiting.items()):
            self._counts.subtract(work.candidate.search_id for other, work in waiting if other is run)
            waiting[:] = [(other, work) for other, work in waiting if other is not run]
            if not waiting:
                del self._waiting[ticket]
                self._forget(ticket)
                self._executor.cancel(ticket)

    def hand_over(self, run: SearchRun, successor: SearchRun) -> None:
        """Let a rebuilt search wait for what it waited for before, and have it know that this is under way."""
        for waiting in self._waiting.values():
            waiting[:] = [(successor if other is run else other, work) for other, work in waiting]
        self._returned = deque(
            replace(returned, run=successor) if returned.run is run else returned for returned in self._returned
        )
        in_flight = [work for waiting in self._waiting.values() for other, work in waiting if other is successor]
        back = [returned.work for returned in self._returned if returned.run is successor]
        successor.attach({work.candidate.ordinal for work in in_flight + back})

    # -- stretches of full trainings -------------------------------------------------------------------------------

    def submit_stretch(self, training_id: TrainingId, work: Work) -> Ticket:
        """Have a stretch of a full training run, for which nobody else waits."""
        ticket = self._executor.submit(work.job)
        self._stretches[ticket] = (training_id, work)
        self._stretch_last = True
        return ticket

    def take_stretch(self, ticket: Ticket) -> Completion | None:
        """How a stretch ended, once; None while it is in flight."""
        return self._ended.pop(ticket, None)

    def drop_stretch(self, ticket: Ticket) -> None:
        """Cancel a stretch, or forget how it ended."""
        self._ended.pop(ticket, None)
        if self._stretches.pop(ticket, None) is not None:
            self._executor.cancel(ticket)

    def _forget(self, ticket: Ticket) -> None:
        self._tickets = {shared: kept for shared, kept in self._tickets.items() if kept != ticket}
