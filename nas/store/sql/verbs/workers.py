"""What workers do now, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ....records import Worker
from ...base import TrainingReport
from .. import workers as watched
from ..transactions import Transactions


class Workers(Transactions):
    """See `nas.store.port.workers.Workers`."""

    def record_workers(
        self,
        owner: str,
        workers: Sequence[Worker],
        reports: Sequence[TrainingReport] = (),
        *,
        at: datetime,
        lease_s: float,
    ) -> None:
        """See `Store.record_workers`."""
        self._write(watched.record, owner, workers, reports, at, lease_s)

    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """See `Store.workers`."""
        return self._read(watched.seen, at, lease_s)
