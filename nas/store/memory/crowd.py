"""What workers do now, in memory. Knows no search."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ...records import Worker
from .. import rules


class Crowd:
    """The workers of every controller."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def replace(self, owner: str, workers: Sequence[Worker], at: datetime, lease_s: float) -> None:
        """Put an owner's workers in place of those that it had; `ValueError`."""
        rules.check_workers(owner, workers)
        others = [worker for worker in self.seen(at, lease_s) if worker.owner != owner]
        self._workers = [*others, *map(rules.worker_without_nan, workers)]

    def seen(self, at: datetime, lease_s: float) -> list[Worker]:
        """Those that were written within a lease, by node and name."""
        since = at - timedelta(seconds=lease_s)
        return sorted((worker for worker in self._workers if worker.seen_at > since), key=rules.worker_order)
