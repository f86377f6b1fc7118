"""Searches in memory, as the service sees them. Knows no lease but to take it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ....records import Action, Pulse, Request, Search, SearchId, SearchState, Totals, check_action
from ....spec import BudgetSpec
from ... import entries, rules, trail
from ...base import AlreadyStored
from ..state import State, age
from ..verb import verb


class Searches(State):
    """See `nas.store.port.searches.Searches`."""

    @verb
    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """See `Store.add_search`."""
        known = None if request is None else self._book.answered(request, search.created_at)
        if known is not None:
            return self._searches[known]
        if search.id in self._searches:
            raise AlreadyStored("search", search.id)
        if request is not None:
            self._book.remember(request, search.id, search.created_at)
        self._book.note(trail.submitted(search))
        return self._change(search, entries.submitted(search))

    @verb
    def answered(self, request: Request, *, at: datetime) -> Search | None:
        """See `Store.answered`."""
        known = self._book.answered(request, at)
        return None if known is None else self._searches[known]

    @verb
    def search(self, search_id: SearchId) -> Search:
        """See `Store.search`."""
        return self._search(search_id)

    @verb
    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """See `Store.searches`."""
        newest = sorted(self._searches.values(), key=age, reverse=True)
        if before is not None:
            last = age(self._search(before))
            newest = [search for search in newest if age(search) < last]
        return [search for search in newest if not states or search.state in states][:limit]

    @verb
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
        moved = self._move(self._search(search_id), state, at, reason, action)
        if state is SearchState.RUNNING:
            self._logs[search_id].lease = None
        if action is not None:
            self._book.note(trail.acted(search_id, action, at, by))
        return moved

    @verb
    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_parallelism`."""
        search = self._search(search_id)
        rules.check_parallelism(search.id, search.state, parallelism)
        self._book.note(trail.acted(search.id, Action.CHANGE, at, by, parallelism=parallelism))
        changed = replace(search, parallelism=parallelism)
        return self._change(changed, entries.parallelism(search.parallelism, parallelism, at))

    @verb
    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_priority`."""
        search = self._search(search_id)
        check_action(search.id, search.state, Action.CHANGE)
        self._book.note(trail.acted(search.id, Action.CHANGE, at, by, priority=priority))
        return self._change(replace(search, priority=priority), entries.priority(search.priority, priority, at))

    @verb
    def extend_search(
        self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """See `Store.extend_search`."""
        search = self._search(search_id)
        check_action(search.id, search.state, Action.EXTEND)
        rules.check_budget(search, present)
        self._book.note(trail.acted(search.id, Action.EXTEND, at, by, budget=budget.model_dump(mode="json")))
        entry = entries.extended(search.state, search.spec.budget, budget, at)
        changed = replace(search, spec=search.spec.model_copy(update={"budget": budget}))
        if search.state is SearchState.COMPLETED:
            changed = replace(self._revive(changed, at), state=SearchState.QUEUED, reason="", finished_at=None)
        return self._change(changed, entry)

    @verb
    def pulse(self, search_id: SearchId) -> Pulse:
        """See `Store.pulse`."""
        search = self._search(search_id)
        return Pulse(event_count=self._logs[search.id].event_count, told=search.progress.evaluated)

    @verb
    def totals(self) -> Totals:
        """See `Store.totals`."""
        found = self._searches.values()
        standing = (rules.Standing(s.id, s.state, s.created_at, s.started_at, s.progress) for s in found)
        return rules.summed(standing, self._roster.counted())
