"""Verbs about what workers do now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ...records import Worker
from ..lease import TrainingReport


class Workers(Protocol):
    """Workers, for a moment."""

    def record_workers(
        self,
        owner: str,
        workers: Sequence[Worker],
        reports: Sequence[TrainingReport] = (),
        *,
        at: datetime,
        lease_s: float,
    ) -> None:
        """Replace what an owner's workers do now, and append the reports of their trainings to their searches' logs.

        A report becomes an event "training_progress", until its candidate is told or given up. One whose lease is void,
        or whose candidate is not in flight, is left out, and the rest is written: whoever lost a lease learns it
        elsewhere. Workers that no owner wrote for ``lease_s`` seconds are forgotten. `ValueError` unless every worker
        is the owner's, and named once.
        """
        ...

    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """What was written less than ``lease_s`` seconds before ``at``, by node, name and owner.

        The workers of a controller that died vanish so, as its leases do. One whose candidate was told or given up
        since it was written is idle, and one at a full training once that has ended.
        """
        ...
