"""Verbs that write the log of a search; each takes a lease."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from ...records import Candidate, CandidateId, Evaluation, Progress
from ..lease import Lease


class LogWrites(Protocol):
    """The log of a search, as whoever holds its lease writes it."""

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """Append a candidate in flight and its "asked" event, counting it in the search's progress.

        `LeaseLost`; `AlreadyStored` when its id or ordinal is taken in the search, or the search has asked about this
        genotype at this rung and replicate before; `ValueError` unless the candidate is in flight.
        """
        ...

    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """Record a candidate's outcome, the search's progress and the "told" event, all or nothing.

        ``candidate`` is the told form of a candidate in flight (state, told_ordinal, told_at, violation, cached,
        survived, hypervolume); what was asked, such as its ordinal, genotype and rung, is never changed. Its outcome
        is the evaluation first stored under ``evaluation.key``; the events of its training's progress go, and the
        claims of the search are counted from 0 again. `LeaseLost`;
        `NotFound` unless the candidate is in flight; `AlreadyStored` when the told ordinal is taken; `ValueError`
        unless the candidate was told.
        """
        ...

    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """Mark which told candidates entered the population; a later mark replaces an earlier one.

        It appends no event, but takes a number. `LeaseLost`; `NotFound` unless every candidate was told in this search.
        """
        ...

    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """Append an event about what no other verb records; ``detail`` holds JSON values. `LeaseLost`."""
        ...
