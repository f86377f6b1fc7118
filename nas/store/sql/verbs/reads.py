"""The log of a search in SQL, as anybody reads it."""

from __future__ import annotations

from collections.abc import Collection

from ....records import Candidate, CandidateId, Evaluation, Event, LedgerRow, SearchId
from .. import log
from ..transactions import Transactions


class LogReads(Transactions):
    """See `nas.store.port.reads.LogReads`."""

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """See `Store.candidate`."""
        return self._read(log.candidate_with_id, candidate_id)

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
        """See `Store.candidates`."""
        return self._read(
            log.candidates_after,
            search_id,
            after=after,
            limit=limit,
            rung=rung,
            operator=operator,
            ordinals=ordinals,
        )

    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.ledger`."""
        return self._read(log.ledger_of, search_id)

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """See `Store.told_rows`."""
        return self._read(log.told_after, search_id, after=after, limit=limit)

    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.untold_rows`."""
        return self._read(log.untold, search_id)

    def evaluation(self, key: str) -> Evaluation | None:
        """See `Store.evaluation`."""
        return self._read(log.evaluation_at, key)

    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """See `Store.events`."""
        return self._read(log.events_after, search_id, after=after, limit=limit, progress=progress)
