"""The log of a search in memory, as whoever holds its lease writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ....records import Candidate, CandidateId, Evaluation, Progress
from ... import entries, rules
from ...base import AlreadyStored, Lease
from ...entries import Entry
from ..state import State
from ..verb import verb


class LogWrites(State):
    """See `nas.store.port.log.LogWrites`."""

    @verb
    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """See `Store.record_ask`."""
        rules.check_asked(candidate)
        search = self._held(lease, rules.ASKING)
        if candidate.id in self._logs_of:
            raise AlreadyStored("candidate", candidate.id)
        log = self._logs[search.id]
        log.ask(candidate)
        self._logs_of[candidate.id] = log
        progress = replace(search.progress, in_flight=search.progress.in_flight + 1)
        self._change(replace(search, progress=progress), entries.asked(candidate))

    @verb
    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """See `Store.record_tell`."""
        at, candidate = rules.told_at(candidate), rules.told_without_nan(candidate)
        search = self._held(lease, rules.TELLING)
        log = self._logs[search.id]
        asked = log.check_tell(candidate)
        kept = self._evaluations.setdefault(evaluation.key, rules.without_nan(evaluation))
        told = log.tell(asked, candidate, kept)
        self._change(replace(search, progress=progress, claims=0), entries.told(told, kept, at))

    @verb
    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """See `Store.record_survival`."""
        self._logs[self._held(lease, rules.TELLING).id].mark(survived)

    @verb
    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """See `Store.record_event`."""
        self._change(self._held(lease, rules.TELLING), Entry(at, kind, dict(detail)))
