"""The log of a search in memory, as anybody reads it. Knows no lease."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from ....records import Candidate, CandidateId, Evaluation, Event, LedgerRow, SearchId
from ..state import State
from ..verb import verb


class LogReads(State):
    """See `nas.store.port.reads.LogReads`."""

    @verb
    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """See `Store.candidate`."""
        return self._candidate(candidate_id)

    @verb
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
        log = self._logs[search_id].candidates
        numbers = sorted(log if ordinals is None else log.keys() & set(ordinals))
        found = (log[number] for number in numbers if number > after)
        wanted = (one for one in found if rung in (None, one.rung) and operator in (None, one.operator))
        return list(islice(wanted, limit))

    @verb
    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.ledger`."""
        return self._logs[search_id].ledger()

    @verb
    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """See `Store.told_rows`."""
        return self._logs[search_id].told_after(after, limit)

    @verb
    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.untold_rows`."""
        return [row for row in self._logs[search_id].ledger() if row.told_ordinal is None]

    @verb
    def evaluation(self, key: str) -> Evaluation | None:
        """See `Store.evaluation`."""
        return self._evaluations.get(key)

    @verb
    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """See `Store.events`."""
        return self._logs[search_id].events_after(after, limit, progress=progress)
