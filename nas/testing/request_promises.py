"""What every store promises about requests that are sent twice; a part of `StoreContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from ..records import SearchId, SearchState
from ..store.base import REMEMBERED, AlreadyStored, KeyReused, NotFound, Store
from .builders import START, make_request, make_search
from .search_promises import ID, SOON

SECOND = SearchId("00000002")


class RequestPromises:
    """A search that is asked for under a key is made once."""

    def test_a_repeated_request_gives_the_search_that_came_of_it(self, store: Store) -> None:
        """As it is now, whatever the repetition would have made; nothing is written."""
        first = store.add_search(make_search(), request=make_request())
        assert first == store.search(ID) == make_search()
        store.move_search(ID, SearchState.PAUSED, at=SOON)
        again = store.add_search(make_search(SECOND, minute=1), request=make_request())
        assert again == store.search(ID)
        assert again.state is SearchState.PAUSED
        assert [search.id for search in store.searches()] == [ID]
        assert len(store.audit()) == 1
        with pytest.raises(NotFound):
            store.search(SECOND)

    def test_what_came_of_a_request_can_be_looked_up(self, store: Store) -> None:
        """By its sender and key, until it is forgotten."""
        made = store.add_search(make_search(), request=make_request())
        assert store.answered(make_request(), at=SOON) == made
        assert store.answered(make_request(), at=START + REMEMBERED) is None
        assert store.answered(make_request("other"), at=SOON) is None
        assert store.answered(make_request(who="ben"), at=SOON) is None
        with pytest.raises(KeyReused):
            store.answered(make_request(digest="e" * 64), at=SOON)

    def test_a_request_is_repeated_with_the_same_search_too(self, store: Store) -> None:
        """As by a caller who does not know whether the first one came through."""
        store.add_search(make_search(), request=make_request())
        assert store.add_search(make_search(), request=make_request()) == make_search()
        assert len(store.events(ID)) == 1

    def test_a_key_is_for_one_request(self, store: Store) -> None:
        """Another one under it is refused, and changes nothing."""
        store.add_search(make_search(), request=make_request())
        with pytest.raises(KeyReused, match="once") as caught:
            store.add_search(make_search(SECOND, minute=1), request=make_request(digest="e" * 64))
        assert caught.value.key == "once"
        assert "key of its own" in caught.value.hint
        assert len(store.searches()) == len(store.audit()) == 1

    def test_each_sender_has_keys_of_its_own(self, store: Store) -> None:
        """And without a key every request makes a search."""
        store.add_search(make_search(), request=make_request())
        store.add_search(make_search(SECOND), request=make_request(who="ben", digest="e" * 64))
        store.add_search(make_search("00000003"))
        store.add_search(make_search("00000004"))
        assert len(store.searches()) == 4
        repeated = store.add_search(make_search("00000005"), request=make_request(who="ben", digest="e" * 64))
        assert repeated.id == SECOND

    def test_a_request_is_forgotten_in_the_end(self, store: Store) -> None:
        """Its key is free then, for any request; the search stays."""
        store.add_search(make_search(), request=make_request())
        almost = START + REMEMBERED - timedelta(microseconds=1)
        assert store.add_search(make_search(SECOND, created_at=almost), request=make_request()).id == ID
        other = make_request(digest="e" * 64)
        late = make_search(SECOND, created_at=START + REMEMBERED)
        assert store.add_search(late, request=other).id == SECOND
        assert store.add_search(make_search("00000003", created_at=late.created_at), request=other).id == SECOND
        assert [search.id for search in store.searches()] == [SECOND, ID]

    def test_a_request_that_was_refused_is_not_remembered(self, store: Store) -> None:
        """Its sender may send it again, under the same key."""
        store.add_search(make_search())
        with pytest.raises(AlreadyStored):
            store.add_search(make_search(), request=make_request())
        assert store.add_search(make_search(SECOND), request=make_request()).id == SECOND

    def test_equal_requests_at_once_make_one_search(self, store: Store) -> None:
        """Whoever comes second waits for the first, and gets what it made."""
        threads = 6
        barrier = Barrier(threads)

        def send(number: int) -> SearchId:
            barrier.wait()
            return store.add_search(make_search(f"0000000{number}"), request=make_request()).id

        for _ in range(3):  # the later ones come when it is done
            with ThreadPoolExecutor(threads) as pool:
                made = set(pool.map(send, range(threads)))
            assert made == {search.id for search in store.searches()}
            assert len(made) == len(store.audit()) == 1
