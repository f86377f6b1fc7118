"""Verbs that read the log of a search. Knows no lease."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from ...records import Candidate, CandidateId, Evaluation, Event, LedgerRow, SearchId


class LogReads(Protocol):
    """The log of a search, as anybody reads it."""

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """One candidate with its evaluation; `NotFound`."""
        ...

    def candidates(
        self,
        search_id: SearchId,
        *,
        after: int = -1,
        limit: int | None = 100,
        rung: int | None = None,
        operator: str | None = None,
        ordinals: Collection[int] | None = None,
    ) -> list[Candidate]:
        """Candidates with their evaluations, by ordinal, those after ``after``; ``limit=None`` for all.

        Of one rung, of one operator, or of those numbers only, where they are given.
        """
        ...

    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """Every candidate's narrow row, by ordinal, whatever its state: quick enough to be read as a whole."""
        ...

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """Narrow rows of told candidates by the number of their tell, those after ``after``; ``limit=None`` for all.

        Of a row that was read, nothing but ``survived`` changes any more.
        """
        ...

    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """Narrow rows of candidates without an outcome, in flight or given up, by ordinal: few at any time."""
        ...

    def evaluation(self, key: str) -> Evaluation | None:
        """What is known under an address; failures are returned too."""
        ...

    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """Events in order, those after ``after``; those that tell of trainings in flight only with ``progress``."""
        ...
