"""What every store promises those who read only what is new, or only some of it; a part of `StoreContract`."""

from __future__ import annotations

import pytest

from ..records import SearchState
from ..store.base import Lease, NotFound, Store
from .builders import make_candidate, make_search
from .ledger_promises import tell
from .search_promises import ID, LATER


class ReadingPromises:
    """Reads that cost what is new, not what there is."""

    def test_the_pulse_is_another_one_after_every_change(self, store: Store, lease: Lease) -> None:
        """Marks of survival among them, a renewed lease apart."""
        seen = [store.pulse(ID)]
        store.record_ask(lease, make_candidate(ordinal=1))
        seen.append(store.pulse(ID))
        stored = tell(store, lease, make_candidate(), 0)
        seen.append(store.pulse(ID))
        for survived in (True, False):
            store.record_survival(lease, {stored.id: survived})
            seen.append(store.pulse(ID))
        store.record_survival(lease, {})
        lease, _ = store.renew_lease(lease, at=LATER, lease_s=60.0)
        assert store.pulse(ID) == seen[-1]
        store.set_parallelism(ID, 3, at=LATER)
        seen.append(store.pulse(ID))
        assert sorted(set(seen), key=lambda pulse: pulse.event_count) == seen
        assert [pulse.told for pulse in seen] == [0, 0, 1, 1, 1, 1]
        with pytest.raises(NotFound):
            store.pulse(make_search("00000009").id)

    def test_told_rows_come_by_the_number_of_their_tell(self, store: Store, lease: Lease) -> None:
        """Page by page; what is in flight, and what was given up, is read apart."""
        for told_ordinal, ordinal in enumerate((3, 0, 2)):
            tell(store, lease, make_candidate(ordinal=ordinal), told_ordinal)
        for ordinal in (4, 1):
            store.record_ask(lease, make_candidate(ordinal=ordinal))
        by_ordinal = store.ledger(ID)
        rows = store.told_rows(ID)
        assert rows == [by_ordinal[3], by_ordinal[0], by_ordinal[2]]
        assert store.told_rows(ID, after=0) == rows[1:]
        assert store.told_rows(ID, after=0, limit=1) == rows[1:2]
        assert store.untold_rows(ID) == [by_ordinal[1], by_ordinal[4]]
        store.move_search(ID, SearchState.CANCELLED, at=LATER)
        assert [(row.ordinal, row.state.value) for row in store.untold_rows(ID)] == [(1, "abandoned"), (4, "abandoned")]

    def test_some_of_the_candidates_are_read_alone(self, store: Store, lease: Lease) -> None:
        """By rung, by operator, by their numbers, and by all of that at once."""
        for ordinal in range(6):
            operator = "random" if ordinal % 2 else "promotion"
            tell(store, lease, make_candidate(ordinal=ordinal, rung=ordinal // 3, operator=operator), ordinal)

        def ordinals(**wanted: object) -> list[int]:
            return [candidate.ordinal for candidate in store.candidates(ID, **wanted)]  # type: ignore[arg-type]

        assert ordinals(rung=1) == [3, 4, 5]
        assert ordinals(operator="promotion", after=0) == [2, 4]
        assert ordinals(ordinals=(5, 0, 9, 5)) == [0, 5]
        assert ordinals(ordinals=[]) == []
        assert ordinals(rung=1, operator="random", ordinals={1, 3, 5}, limit=1) == [3]
