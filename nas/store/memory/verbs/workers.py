"""What workers do now, in memory, and what they report to the logs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from ....records import Worker
from ... import rules
from ...base import LeaseLost, NotFound, TrainingReport
from ..state import State
from ..verb import verb


class Workers(State):
    """See `nas.store.port.workers.Workers`."""

    @verb
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
        self._crowd.replace(owner, workers, at, lease_s)
        for report in sorted(reports, key=rules.report_order):
            with suppress(LeaseLost, NotFound):
                self._held(report.lease, rules.TELLING)
                self._logs[report.lease.search_id].report(report, at)

    @verb
    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """See `Store.workers`."""
        return self._crowd.seen(at, lease_s, self._logs_of, self._roster)
