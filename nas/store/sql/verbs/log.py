"""The log of a search in SQL, as whoever holds its lease writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ....records import Candidate, CandidateId, Evaluation, Progress
from ...base import Lease
from .. import log
from ..transactions import Transactions


class LogWrites(Transactions):
    """See `nas.store.port.log.LogWrites`."""

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """See `Store.record_ask`."""
        self._write(log.record_ask, lease, candidate)

    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """See `Store.record_tell`."""
        self._write(log.record_tell, lease, candidate, evaluation, progress)

    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """See `Store.record_survival`."""
        self._write(log.record_survival, lease, survived)

    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """See `Store.record_event`."""
        self._write(log.record_event, lease, kind, detail, at)
