"""What workers do now, in memory. Writes to no log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ...records import CandidateId, CandidateState, Worker
from .. import rules
from .log import Log
from .roster import Roster


class Crowd:
    """The workers of every controller."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def replace(self, owner: str, workers: Sequence[Worker], at: datetime, lease_s: float) -> None:
        """Put an owner's workers in place of those that it had; `ValueError`."""
        rules.check_workers(owner, workers)
        others = [worker for worker in self._believed(at, lease_s) if worker.owner != owner]
        self._workers = [*others, *map(rules.worker_without_nan, workers)]

    def seen(self, at: datetime, lease_s: float, logs: Mapping[CandidateId, Log], roster: Roster) -> list[Worker]:
        """Those that were written within a lease, by node and name; idle where what they train has an end."""
        found = [_at_present(worker, logs, roster) for worker in self._believed(at, lease_s)]
        return sorted(found, key=rules.worker_order)

    def _believed(self, at: datetime, lease_s: float) -> list[Worker]:
        return [worker for worker in self._workers if worker.seen_at > at - timedelta(seconds=lease_s)]


def _at_present(worker: Worker, logs: Mapping[CandidateId, Log], roster: Roster) -> Worker:
    if worker.training_id is not None:
        over = worker.training_id in roster and roster.with_id(worker.training_id).status.ended
        return rules.idle(worker) if over else worker
    name = worker.candidate_id
    if name is None or name not in logs or logs[name].with_id(name).state is CandidateState.EVALUATING:
        return worker
    return rules.idle(worker)
