"""What the workers do, told to the store at most once a second: who trains what, and where each training stands.

One small transaction, and none where nothing has changed. Decides nothing: a search goes the same way unwatched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from evaluator.executor import Executor, Ticket, WorkerInfo
from evaluator.progress import TrainingProgress

from .dispatch import Dispatch
from .records import Worker
from .store.base import Store, TrainingReport

EVERY_S = 1.0
"""Shortest time between two looks at the workers."""


class Watch:
    """Looks at the workers of one controller, and writes what it saw.

    Args:
        store: Where it is written.
        executor: Who trains.
        dispatch: Knows whose candidates they train.
        owner: Name of the controller.
        lease_s: How long what was written is believed; it is written anew after a third of that.
        clock: UTC now.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        dispatch: Dispatch,
        *,
        owner: str,
        lease_s: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._store, self._executor, self._dispatch = store, executor, dispatch
        self._owner, self._lease_s, self._clock = owner, lease_s, clock
        self._looked_at: datetime | None = None
        self._written: dict[str, Worker] = {}
        self._reported: dict[Ticket, TrainingProgress] = {}

    def look(self) -> None:
        """Write what the workers do, unless that was written less than a second ago or is known already."""
        at = self._clock()
        if self._looked_at is not None and 0 <= (at - self._looked_at).total_seconds() < EVERY_S:
            return
        self._looked_at = at
        infos = self._executor.workers()
        workers = {info.name: self._worker(info, at) for info in infos}
        if self._is_known(workers, at):
            return
        reports = [report for info in infos for report in self._reports(info)]
        self._store.record_workers(self._owner, list(workers.values()), reports, at=at, lease_s=self._lease_s)
        self._written = workers
        told = ((info.busy_ticket, info.progress) for info in infos)
        self._reported = {ticket: progress for ticket, progress in told if ticket is not None and progress is not None}

    def close(self) -> None:
        """Write that this controller has no workers any more."""
        if self._written:
            self._store.record_workers(self._owner, [], at=self._clock(), lease_s=self._lease_s)
            self._written = {}

    def _worker(self, info: WorkerInfo, at: datetime) -> Worker:
        worker = Worker(owner=self._owner, name=info.name, node=info.node, pid=info.pid, device=info.device, seen_at=at)
        work = self._dispatch.work_of(info.busy_ticket)
        if work is None:
            return worker
        candidate, job = work.candidate, work.job
        before = self._written.get(info.name)
        return replace(
            worker,
            search_id=candidate.search_id,
            candidate_id=candidate.id,
            ordinal=candidate.ordinal,
            training_id=self._dispatch.training_of(info.busy_ticket),
            evaluation_key=job.key,
            progress=info.progress,
            busy_since=before.busy_since if before is not None and before.evaluation_key == job.key else at,
        )

    def _is_known(self, workers: dict[str, Worker], at: datetime) -> bool:
        """Whether the same was written, and will be believed for a while."""
        if workers.keys() != self._written.keys():
            return False
        pairs = [(worker, self._written[name]) for name, worker in workers.items()]
        return all(
            worker == replace(before, seen_at=at) and (at - before.seen_at).total_seconds() < self._lease_s / 3
            for worker, before in pairs
        )

    def _reports(self, info: WorkerInfo) -> Sequence[TrainingReport]:
        """What a worker's training tells that it had not told, for each search that waits for it."""
        ticket, progress = info.busy_ticket, info.progress
        if ticket is None or progress is None or self._reported.get(ticket) == progress:
            return []
        return [
            TrainingReport(
                lease=run.lease,
                candidate_id=work.candidate.id,
                ordinal=work.candidate.ordinal,
                worker=info.name,
                progress=progress,
            )
            for run, work in self._dispatch.waiting(ticket)
        ]
