"""Verbs about searches for whoever submits, steers and watches them. Knows no lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ...records import Action, Pulse, Request, Search, SearchId, SearchState, Totals
from ...spec import BudgetSpec

REMEMBERED = timedelta(days=7)
"""For how long a request is remembered, so that its repetition does nothing."""


class Searches(Protocol):
    """Searches, as the service sees them."""

    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """Store a new search and its "submitted" event; its owner asked for it.

        A request that was carried out before gives the search that came of it, as it is now; `KeyReused` when it asks
        for something else under the same key. What its sender has forgotten is forgotten here too: a request is
        remembered for `REMEMBERED`. `AlreadyStored` when the id is taken.
        """
        ...

    def answered(self, request: Request, *, at: datetime) -> Search | None:
        """The search that came of a request, as it is now; None where none did, or it is forgotten; `KeyReused`."""
        ...

    def search(self, search_id: SearchId) -> Search:
        """One search; `NotFound`."""
        ...

    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """Newest first (by creation, then id); ``before`` continues after that search; no states means all.

        `NotFound` when there is no search ``before``.
        """
        ...

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
        """Make a legal transition without a lease, and its event; `NotFound`, `IllegalTransition`.

        A move out of the running state makes the current lease void for `record_ask`; outcomes of candidates in
        flight may still be recorded while the search is paused. A move out of an ended state takes the candidates back
        into flight that were given up at that end, and says so in an event "revived".

        ``action`` is what somebody wished: `IllegalAction` unless it makes sense in the search's state.
        """
        ...

    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """Let a search have at most so many candidates in flight, None for every worker, and its event "parallelism".

        Whoever runs the search reads it anew; nothing that is in flight is given up. `NotFound`; `ValueError` for
        less than 1; `IllegalAction` when nothing is left to run.
        """
        ...

    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """Give a search another priority, and its event "priority"; `NotFound`, `IllegalAction`."""
        ...

    def extend_search(
        self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """Put a budget in place of a search's, and its event "extended"; a completed search is queued again.

        What was given up when it was completed is in flight again then. `NotFound`; `IllegalAction` when it was
        cancelled or failed; `BudgetChanged` when the budget is not ``present`` any more, where that is given.
        """
        ...

    def pulse(self, search_id: SearchId) -> Pulse:
        """How far the record of a search is; `NotFound`."""
        ...

    def totals(self) -> Totals:
        """What all searches together have come to."""
        ...
