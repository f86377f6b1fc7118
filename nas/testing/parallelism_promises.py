"""What every store promises about a search's parallelism; a part of `StoreContract`."""

from __future__ import annotations

import pytest

from ..records import IllegalAction, IllegalTransition, SearchState
from ..store.base import Store
from .builders import make_search
from .search_promises import ID, LATER, bring_to


class ParallelismPromises:
    """How many candidates of a search may be in flight."""

    @pytest.mark.parametrize("state", [state for state in SearchState if not state.ended])
    def test_a_search_that_has_not_ended_takes_another_parallelism(self, store: Store, state: SearchState) -> None:
        """The next one replaces it, None is every worker; nothing else changes, and each change bears its event."""
        before, _ = bring_to(store, state)
        for was, parallelism in ((None, 4), (4, 10_000), (10_000, None)):
            changed = store.set_parallelism(ID, parallelism, at=LATER)
            assert changed == store.search(ID)
            assert changed.parallelism == parallelism
            event = store.events(ID)[-1]
            assert (event.kind, event.at) == ("parallelism", LATER)
            assert event.detail == {"was": was, "parallelism": parallelism}
        assert store.search(ID) == before

    def test_a_lease_outlives_another_parallelism(self, store: Store) -> None:
        """Whoever runs the search goes on, and reads it."""
        _, lease = bring_to(store, SearchState.RUNNING)
        assert lease is not None
        store.set_parallelism(ID, 2, at=LATER)
        store.renew_lease(lease, at=LATER, lease_s=60.0)
        assert store.end_search(lease, SearchState.COMPLETED, at=LATER).parallelism == 2

    @pytest.mark.parametrize("state", [state for state in SearchState if state.ended])
    def test_an_ended_search_takes_none(self, store: Store, state: SearchState) -> None:
        """Nothing changes, and the refusal says why."""
        before, _ = bring_to(store, state)
        events = store.events(ID)
        with pytest.raises(IllegalAction, match=f"is {state}: to change it takes one that is paused") as caught:
            store.set_parallelism(ID, 2, at=LATER)
        assert isinstance(caught.value, IllegalTransition)
        assert (store.search(ID), store.events(ID)) == (before, events)

    @pytest.mark.parametrize("parallelism", [0, -1])
    def test_a_parallelism_below_one_is_a_mistake_of_the_caller(self, store: Store, parallelism: int) -> None:
        """A search is paused in another way."""
        store.add_search(make_search())
        with pytest.raises(ValueError, match="at least 1"):
            store.set_parallelism(ID, parallelism, at=LATER)
        assert store.search(ID).parallelism is None
