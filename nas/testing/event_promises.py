"""What every store promises about events; a part of `StoreContract`."""

from __future__ import annotations

import pytest

from ..store.base import AlreadyStored, Lease, Store
from .builders import START, make_candidate, make_search
from .search_promises import ID, LATER


class EventPromises:
    """The numbered log of what happened."""

    def test_the_first_event_says_what_was_asked_for(self, store: Store) -> None:
        """Enough for a reader of the log."""
        store.add_search(make_search())
        event = store.events(ID)[0]
        assert (event.kind, event.at) == ("submitted", START)
        expected: dict[str, object] = {"name": "search 00000001", "space": "falsr", "scale": 2, "engine": "nsga2"}
        expected |= {"owner": "", "priority": 0, "cloned_from": None}
        assert event.detail == {**expected, "evaluations": 100}

    def test_any_other_event_can_be_recorded_under_a_lease(self, store: Store, lease: Lease) -> None:
        """With what it has to say, as JSON."""
        detail = {"ordinal": 3, "why": "the code changed", "nested": {"list": [1, 2.5, None, True]}}
        store.record_event(lease, "warm_started", detail, at=LATER)
        event = store.events(ID)[-1]
        assert (event.kind, event.at, event.detail) == ("warm_started", LATER, detail)

    def test_events_are_numbered_without_gaps_and_read_page_by_page(self, store: Store, lease: Lease) -> None:
        """Refused writes leave no gap."""
        for ordinal in range(3):
            store.record_ask(lease, make_candidate(ordinal=ordinal))
            with pytest.raises(AlreadyStored):
                store.record_ask(lease, make_candidate(ordinal=ordinal))
        events = store.events(ID)
        assert [event.ordinal for event in events] == [1, 2, 3, 4, 5]
        assert [event.kind for event in events] == ["submitted", "claimed", "asked", "asked", "asked"]
        assert store.events(ID, after=2, limit=2) == events[2:4]
        assert store.events(ID, after=5) == []
