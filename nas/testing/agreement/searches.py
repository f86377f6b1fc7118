"""Calls about searches, as the service makes them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ...records import Action, Request, SearchId, SearchState
from ...spec import BudgetSpec
from ...store.base import REMEMBERED, Lease
from ..builders import make_search
from .draws import leases, limits, priorities, requests, search_ids, states
from .pair import Pair


class SearchCalls(Pair):
    """Submitting, steering and listing."""

    @rule(
        search_id=search_ids,
        minute=st.integers(0, 1),
        priority=priorities,
        request=st.none() | requests,
        late=st.booleans(),
        cloned_from=st.none() | search_ids,
    )
    def add_search(
        self,
        search_id: SearchId,
        minute: int,
        priority: int,
        request: Request | None,
        late: bool,
        cloned_from: SearchId | None,
    ) -> None:
        """With or without a key; late is when keys are forgotten."""
        search = make_search(search_id, minute=minute, priority=priority, cloned_from=cloned_from, owner="anna")
        if late:
            search = replace(search, created_at=search.created_at + REMEMBERED)
        self.both(lambda store: store.add_search(search, request=request))

    @rule(search_id=search_ids, state=states, action=st.none() | st.sampled_from(Action))
    def move_search(self, search_id: SearchId, state: SearchState, action: Action | None) -> None:
        """Legal or not."""
        at = self.now()
        self.both(lambda store: store.move_search(search_id, state, at=at, reason="moved", action=action, by="anna"))

    @rule(lease=leases)
    def fail_and_resume(self, lease: Lease) -> None:
        """What a machine that draws single verbs would seldom do."""
        at = self.now()
        self.both(lambda store: store.end_search(lease, SearchState.FAILED, at=at, reason="it failed"))
        self.both(lambda store: store.move_search(lease.search_id, SearchState.QUEUED, at=at, action=Action.RESUME))

    @rule(search_id=search_ids, priority=priorities)
    def set_priority(self, search_id: SearchId, priority: int) -> None:
        """Of any search, or none."""
        at = self.now()
        self.both(lambda store: store.set_priority(search_id, priority, at=at, by="ben"))

    @rule(search_id=search_ids, evaluations=st.integers(1, 9))
    def extend_search(self, search_id: SearchId, evaluations: int) -> None:
        """In any state."""
        at, budget = self.now(), BudgetSpec.model_validate({"evaluations": evaluations})
        self.both(lambda store: store.extend_search(search_id, budget, at=at, by="ben"))

    @rule(search_id=search_ids, parallelism=st.sampled_from([None, 0, 1, 7]))
    def set_parallelism(self, search_id: SearchId, parallelism: int | None) -> None:
        """Zero is refused."""
        at = self.now()
        self.both(lambda store: store.set_parallelism(search_id, parallelism, at=at))

    @rule(chosen=st.sets(states), before=st.none() | search_ids, limit=limits)
    def searches(self, chosen: set[SearchState], before: SearchId | None, limit: int) -> None:
        """Pages of any states."""
        self.both(lambda store: store.searches(states=sorted(chosen), before=before, limit=limit))
