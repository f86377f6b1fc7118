"""What every store promises about searches and leases; a part of `StoreContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ..records import TRANSITIONS, IllegalTransition, Search, SearchId, SearchState
from ..store.base import AlreadyStored, Lease, LeaseLost, NotFound, Store
from .builders import START, make_candidate, make_evaluation, make_progress, make_search, told

SOON = START + timedelta(minutes=30)
LATER = START + timedelta(hours=5)
ID = SearchId("00000001")


def claim(store: Store, owner: str = "controller-1") -> Lease:
    """Take the search that is there."""
    lease = store.claim_search(owner, at=SOON, lease_s=60.0)
    assert lease is not None
    return lease


def bring_to(store: Store, state: SearchState) -> tuple[Search, Lease | None]:
    """A search in a state, reached on a legal path, and the lease that it was run under."""
    store.add_search(make_search())
    if state is SearchState.QUEUED:
        return store.search(ID), None
    lease = claim(store)
    if state is not SearchState.RUNNING:
        store.move_search(ID, state, at=SOON)
    return store.search(ID), lease


class SearchPromises:
    """Searches, their transitions and their leases."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        raise NotImplementedError

    # -- searches --------------------------------------------------------------------------------------------------

    def test_a_search_comes_back_as_it_was_stored(self, store: Store) -> None:
        """Every field, microseconds and infinities included."""
        search = make_search(
            state=SearchState.FAILED,
            reason="no images: “été”",
            started_at=START + timedelta(seconds=1),
            finished_at=START + timedelta(seconds=2),
            data_digest="d" * 32,
            data_notes=("8 images", "skipped x.txt"),
            baseline={"psnr_db": float("inf"), "ssim": 0.1 + 0.2},
            reference_point={"psnr": 25.5, "mult_adds": 1e11},
            progress=make_progress(3, failed=1, cached=1, in_flight=2),
            warnings=("one rung would do",),
            parallelism=3,
            owner="anna “été”",
            priority=-100,
            cloned_from=SearchId("00000009"),
            running_since=START + timedelta(seconds=1),
            ran_s=0.1 + 0.2,
            claims=4,
        )
        store.add_search(search)
        assert store.search(search.id) == search

    def test_a_time_in_another_zone_comes_back_as_the_same_moment(self, store: Store) -> None:
        """UTC is how times are stored, not what they must be given in."""
        search = make_search(created_at=START.astimezone())
        store.add_search(search)
        assert store.search(ID).created_at == START
        assert store.search(ID).created_at.utcoffset() is not None

    def test_an_id_is_taken_once(self, store: Store) -> None:
        """The second search of an id is refused and changes nothing."""
        store.add_search(make_search())
        with pytest.raises(AlreadyStored):
            store.add_search(make_search(minute=5))
        assert store.search(ID).created_at == START
        assert len(store.events(ID)) == 1

    def test_an_unknown_search_is_not_found(self, store: Store) -> None:
        """By every verb that takes an id and says so; listings of it are empty."""
        with pytest.raises(NotFound):
            store.search(ID)
        with pytest.raises(NotFound):
            store.searches(before=ID)
        with pytest.raises(NotFound):
            store.move_search(ID, SearchState.PAUSED, at=SOON)
        with pytest.raises(NotFound):
            store.set_parallelism(ID, 2, at=SOON)
        assert (store.events(ID), store.candidates(ID), store.ledger(ID), store.searches()) == ([], [], [], [])

    def test_searches_are_listed_newest_first_page_by_page(self, store: Store) -> None:
        """Those of one moment by their ids; a page does not shift when a search is added."""
        minutes = {"00000001": 2, "00000002": 0, "00000003": 2, "00000004": 1}
        for name, minute in minutes.items():
            store.add_search(make_search(name, minute=minute))
        assert [search.id for search in store.searches()] == ["00000003", "00000001", "00000004", "00000002"]
        first = store.searches(limit=2)
        store.add_search(make_search("00000005", minute=9))
        rest = store.searches(before=first[-1].id, limit=2)
        assert [search.id for search in first + rest] == ["00000003", "00000001", "00000004", "00000002"]

    def test_searches_are_listed_by_state(self, store: Store) -> None:
        """Any of several states."""
        store.add_search(make_search("00000001", state=SearchState.PAUSED))
        store.add_search(make_search("00000002", state=SearchState.FAILED))
        store.add_search(make_search("00000003"))
        wanted = (SearchState.PAUSED, SearchState.FAILED)
        assert [search.id for search in store.searches(states=wanted)] == ["00000002", "00000001"]
        assert [search.id for search in store.searches(states=wanted, limit=1)] == ["00000002"]

    # -- transitions -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", SearchState)
    @pytest.mark.parametrize("wanted", SearchState)
    def test_every_legal_transition_is_made_and_no_other(
        self, store: Store, state: SearchState, wanted: SearchState
    ) -> None:
        """As the table says; a refused one changes nothing, a made one bears its event."""
        before, _ = bring_to(store, state)
        events = store.events(ID)
        if wanted not in TRANSITIONS[state]:
            with pytest.raises(IllegalTransition):
                store.move_search(ID, wanted, at=LATER)
            assert (store.search(ID), store.events(ID)) == (before, events)
            return
        after = store.move_search(ID, wanted, at=LATER, reason="because")
        assert after == store.search(ID)
        assert (after.state, after.reason) == (wanted, "because")
        assert after.finished_at == (LATER if wanted.ended else None)
        event = store.events(ID)[-1]
        assert (event.kind, event.at) == (wanted, LATER)
        assert event.detail == {"was": state, "reason": "because"}

    # -- leases ----------------------------------------------------------------------------------------------------

    def test_nothing_is_claimed_where_nothing_is_queued(self, store: Store) -> None:
        """Paused and ended searches are nobody's."""
        for number, state in enumerate(set(SearchState) - {SearchState.QUEUED, SearchState.RUNNING}):
            store.add_search(make_search(f"0000000{number}", state=state))
        assert store.claim_search("controller-1", at=LATER, lease_s=60.0) is None

    def test_the_oldest_queued_search_is_claimed_first(self, store: Store) -> None:
        """It is running afterwards, since then, and its event says by whom."""
        store.add_search(make_search("00000002", minute=1))
        store.add_search(make_search("00000001", minute=0))
        lease = store.claim_search("controller-1", at=SOON, lease_s=60.0)
        expires_at = SOON + timedelta(seconds=60)
        assert lease == Lease(search_id=ID, owner="controller-1", token=1, expires_at=expires_at)
        search = store.search(ID)
        assert (search.state, search.started_at) == (SearchState.RUNNING, SOON)
        event = store.events(ID)[-1]
        assert (event.kind, event.at) == ("claimed", SOON)
        assert event.detail == {"owner": "controller-1", "token": 1, "was": "queued"}

    def test_one_search_can_be_claimed_and_no_other(self, store: Store) -> None:
        """An older one that waits is left alone; one that is not claimable gives nothing."""
        for minute, name in enumerate(("00000001", "00000002")):
            store.add_search(make_search(name, minute=minute))
        lease = store.claim_search("a", at=SOON, lease_s=60, only=SearchId("00000002"))
        assert lease is not None
        assert lease.search_id == "00000002"
        assert store.claim_search("b", at=SOON, lease_s=60, only=SearchId("00000002")) is None
        assert store.search(ID).state is SearchState.QUEUED

    def test_a_running_search_is_claimed_only_when_its_lease_has_expired(self, store: Store) -> None:
        """The moment of expiry included; the search started when it was first taken."""
        store.add_search(make_search())
        lease = claim(store)
        almost = lease.expires_at - timedelta(microseconds=1)
        assert store.claim_search("controller-2", at=almost, lease_s=60.0) is None
        second = store.claim_search("controller-2", at=lease.expires_at, lease_s=60.0)
        assert second is not None
        assert (second.owner, second.token) == ("controller-2", 2)
        assert store.search(ID).started_at == SOON

    def test_a_renewed_lease_lasts_longer_and_tells_where_the_search_stands(self, store: Store) -> None:
        """Also one that has expired, as long as nobody took the search."""
        store.add_search(make_search())
        lease = claim(store)
        at = lease.expires_at + timedelta(seconds=1)
        renewed, state = store.renew_lease(lease, at=at, lease_s=60.0)
        assert (renewed.token, renewed.expires_at) == (1, at + timedelta(seconds=60))
        assert state is SearchState.RUNNING
        assert store.claim_search("controller-2", at=at, lease_s=60.0) is None
        store.move_search(ID, SearchState.CANCELLED, at=at)
        assert store.renew_lease(renewed, at=at, lease_s=60.0)[1] is SearchState.CANCELLED

    def test_a_controller_that_was_replaced_writes_nothing(self, store: Store) -> None:
        """Even one that bears the same name: the token tells them apart."""
        store.add_search(make_search())
        old = claim(store)
        candidate = make_candidate()
        store.record_ask(old, candidate)
        new = store.claim_search(old.owner, at=old.expires_at, lease_s=60.0)
        assert new is not None
        before = store.search(ID), store.events(ID), store.candidates(ID)
        evaluation = make_evaluation(candidate)
        for write in (
            lambda: store.record_ask(old, make_candidate(ordinal=1)),
            lambda: store.record_tell(old, told(candidate, evaluation), evaluation, make_progress()),
            lambda: store.record_survival(old, {candidate.id: True}),
            lambda: store.record_event(old, "noted", {}, at=LATER),
            lambda: store.begin_search(old, at=LATER, data_digest="x", data_notes=(), baseline={}, reference_point={}),
            lambda: store.end_search(old, SearchState.COMPLETED, at=LATER),
            lambda: store.renew_lease(old, at=LATER, lease_s=60.0),
        ):
            with pytest.raises(LeaseLost):
                write()
        store.release_lease(old)
        assert (store.search(ID), store.events(ID), store.candidates(ID)) == before
        assert store.evaluation(evaluation.key) is None
        store.renew_lease(new, at=LATER, lease_s=60.0)

    def test_a_released_lease_is_lost_and_the_search_free(self, store: Store) -> None:
        """Without waiting for the lease to expire; the search stays running until it is taken."""
        store.add_search(make_search())
        lease = claim(store)
        store.release_lease(lease)
        store.release_lease(lease)
        with pytest.raises(LeaseLost):
            store.renew_lease(lease, at=SOON, lease_s=60.0)
        second = claim(store, "controller-2")
        assert second.token == 2

    def test_a_search_begins_with_what_its_images_are(self, store: Store) -> None:
        """And an event that says so; JSON knows no infinity."""
        store.add_search(make_search())
        lease = claim(store)
        begun = store.begin_search(
            lease,
            at=LATER,
            data_digest="d" * 32,
            data_notes=["8 images"],
            baseline={"psnr_db": 28.5, "ssim": float("inf")},
            reference_point={"psnr": 25.0},
            environment={"torch": "2.13.0"},
        )
        assert begun == store.search(ID)
        assert (begun.data_digest, begun.data_notes) == ("d" * 32, ("8 images",))
        assert begun.baseline == {"psnr_db": 28.5, "ssim": float("inf")}
        event = store.events(ID)[-1]
        assert event.kind == "started"
        assert event.detail == {
            "data_digest": "d" * 32,
            "data_notes": ["8 images"],
            "baseline": {"psnr_db": 28.5, "ssim": None},
            "reference_point": {"psnr": 25.0},
            "environment": {"torch": "2.13.0"},
        }

    def test_an_ended_search_has_no_lease(self, store: Store) -> None:
        """It ends by a legal transition, with a reason."""
        store.add_search(make_search())
        lease = claim(store)
        with pytest.raises(IllegalTransition):
            store.end_search(lease, SearchState.RUNNING, at=LATER)
        ended = store.end_search(lease, SearchState.COMPLETED, at=LATER, reason="the budget is spent")
        assert ended == store.search(ID)
        assert (ended.state, ended.finished_at) == (SearchState.COMPLETED, LATER)
        assert store.events(ID)[-1].detail == {"was": "running", "reason": "the budget is spent"}
        with pytest.raises(LeaseLost):
            store.end_search(lease, SearchState.COMPLETED, at=LATER)

    def test_a_paused_and_resumed_search_belongs_to_the_next_claim(self, store: Store) -> None:
        """The reason of the pause is gone when it runs again."""
        bring_to(store, SearchState.PAUSED)
        store.move_search(ID, SearchState.QUEUED, at=SOON, reason="resumed by request")
        lease = claim(store, "controller-2")
        assert lease.token == 2
        assert store.search(ID).reason == ""

    def test_a_move_to_running_revives_no_lease(self, store: Store) -> None:
        """Only a claim gives one."""
        _, lease = bring_to(store, SearchState.PAUSED)
        assert lease is not None
        store.move_search(ID, SearchState.QUEUED, at=SOON)
        store.move_search(ID, SearchState.RUNNING, at=SOON)
        with pytest.raises(LeaseLost):
            store.record_ask(lease, make_candidate())
        assert claim(store, "controller-2").token == 2

    def test_threads_never_claim_the_same_search(self, store: Store) -> None:
        """Every search goes to one of them."""
        names = [f"{number:08x}" for number in range(12)]
        for name in names:
            store.add_search(make_search(name))

        def claim_all(owner: str) -> list[SearchId]:
            taken = []
            while lease := store.claim_search(owner, at=SOON, lease_s=60.0):
                taken.append(lease.search_id)
            return taken

        with ThreadPoolExecutor(4) as pool:
            taken = [name for names in pool.map(claim_all, "abcd") for name in names]
        assert len(taken) == len(set(taken))
        # A row that another thread holds is passed over, so a thread may see nothing a moment early.
        assert sorted(taken + claim_all("e")) == names
