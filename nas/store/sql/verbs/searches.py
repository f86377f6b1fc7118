"""Searches in SQL, as the service sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ....records import Action, Pulse, Request, Search, SearchId, SearchState, Totals
from ....spec import BudgetSpec
from .. import searches
from ..transactions import Transactions


class Searches(Transactions):
    """See `nas.store.port.searches.Searches`."""

    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """See `Store.add_search`."""
        return self._write(searches.add, search, request)

    def answered(self, request: Request, *, at: datetime) -> Search | None:
        """See `Store.answered`."""
        return self._read(searches.answered, request, at)

    def search(self, search_id: SearchId) -> Search:
        """See `Store.search`."""
        return self._read(searches.with_id, search_id)

    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """See `Store.searches`."""
        return self._read(searches.newest, states=states, before=before, limit=limit)

    def move_search(
        self,
        search_id: SearchId,
        state: SearchState,
        *,
        at: datetime,
        reason: str = "",
        action: Action | None = None,
        by: str = "",
    ) -> Search:
        """See `Store.move_search`."""
        return self._write(searches.move, search_id, state, at, reason, action, by)

    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_parallelism`."""
        return self._write(searches.set_parallelism, search_id, parallelism, at, by)

    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_priority`."""
        return self._write(searches.set_priority, search_id, priority, at, by)

    def extend_search(
        self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """See `Store.extend_search`."""
        return self._write(searches.extend, search_id, budget, at, by, present)

    def pulse(self, search_id: SearchId) -> Pulse:
        """See `Store.pulse`."""
        return self._read(searches.pulse, search_id)

    def totals(self) -> Totals:
        """See `Store.totals`."""
        return self._read(searches.totals)
