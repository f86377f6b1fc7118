"""What every store promises about who runs when, for how long, and what it comes to; a part of `StoreContract`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ..records import Progress, SearchId, SearchState, Totals
from ..store.base import Lease, Store
from .builders import START, make_candidate, make_evaluation, make_progress, make_search, told
from .ledger_promises import tell
from .search_promises import ID, LATER, SOON, bring_to, claim

MINUTE = timedelta(minutes=1)


class QueuePromises:
    """The order of claims, the running time, and the totals."""

    # -- the order of claims -----------------------------------------------------------------------------------------

    def test_searches_of_higher_priority_are_claimed_first(self, store: Store) -> None:
        """The oldest of those; one whose controller fell silent has its place by priority too."""
        priorities = {"00000001": 0, "00000002": 5, "00000003": -5, "00000004": 5, "00000005": 0}
        for minute, (name, priority) in enumerate(priorities.items()):
            store.add_search(make_search(name, minute=minute, priority=priority))
        silent = store.claim_search("gone", at=SOON, lease_s=1.0)
        assert silent is not None
        claimed = []
        while lease := store.claim_search("controller-1", at=LATER, lease_s=60.0):
            claimed.append(lease.search_id)
        assert silent.search_id == "00000002"
        assert claimed == ["00000002", "00000004", "00000001", "00000005", "00000003"]

    def test_a_claim_may_ask_for_a_higher_priority(self, store: Store) -> None:
        """Strictly higher; of those the highest, and with ``only`` that one or none."""
        for name, priority in (("00000001", 0), ("00000002", 1), ("00000003", 2)):
            store.add_search(make_search(name, priority=priority))
        assert store.claim_search("a", at=SOON, lease_s=60.0, above=2) is None
        assert store.claim_search("a", at=SOON, lease_s=60.0, above=1, only=SearchId("00000002")) is None
        first = store.claim_search("a", at=SOON, lease_s=60.0, above=0)
        second = store.claim_search("a", at=SOON, lease_s=60.0, above=0)
        assert [lease and lease.search_id for lease in (first, second)] == ["00000003", "00000002"]
        assert store.claim_search("a", at=SOON, lease_s=60.0, above=0) is None

    def test_another_priority_changes_the_order(self, store: Store) -> None:
        """From the next claim on."""
        store.add_search(make_search("00000001"))
        store.add_search(make_search("00000002", minute=1))
        store.set_priority(SearchId("00000002"), 1, at=SOON)
        lease = claim(store)
        assert lease.search_id == "00000002"

    def test_claims_are_counted_until_there_is_an_outcome(self, store: Store) -> None:
        """One that kills who takes it can be told from one that goes on."""
        store.add_search(make_search())
        lease = claim(store)
        for claims in (2, 3):
            again = store.claim_search("controller", at=lease.expires_at, lease_s=60.0)
            assert again is not None
            assert store.search(ID).claims == claims
            lease = again
        store.record_ask(lease, make_candidate())
        assert store.search(ID).claims == 3
        evaluation = make_evaluation()
        store.record_tell(lease, told(make_candidate(), evaluation), evaluation, make_progress())
        assert store.search(ID).claims == 0

    def test_claims_are_counted_until_the_search_has_come_to_run(self, store: Store) -> None:
        """Which its controller says as it renews its lease; no renewal before, nor the beginning, forgets them."""
        store.add_search(make_search())
        lease = claim(store)
        store.begin_search(lease, at=SOON, data_digest="d", data_notes=(), baseline={}, reference_point={})
        lease, _ = store.renew_lease(lease, at=SOON, lease_s=60.0)
        assert store.search(ID).claims == 1
        store.renew_lease(lease, at=SOON, lease_s=60.0, settled=True)
        assert store.search(ID).claims == 0

    @pytest.mark.parametrize("state", [SearchState.PAUSED, SearchState.QUEUED])
    def test_claims_are_forgotten_when_somebody_puts_a_search_away(self, store: Store, state: SearchState) -> None:
        """Who does that is alive."""
        bring_to(store, SearchState.RUNNING)
        assert store.search(ID).claims == 1
        assert store.move_search(ID, state, at=LATER).claims == 0

    # -- running time ------------------------------------------------------------------------------------------------

    def test_only_the_time_of_running_counts(self, store: Store) -> None:
        """Not that of waiting, nor that of a pause."""
        store.add_search(make_search())
        assert (store.search(ID).running_since, store.search(ID).running_s(LATER)) == (None, 0.0)
        claim(store)
        running = store.search(ID)
        assert (running.running_since, running.ran_s) == (SOON, 0.0)
        assert running.running_s(SOON + MINUTE) == 60.0
        paused = store.move_search(ID, SearchState.PAUSED, at=SOON + 2 * MINUTE)
        assert (paused.running_since, paused.ran_s, paused.running_s(LATER)) == (None, 120.0, 120.0)
        store.move_search(ID, SearchState.QUEUED, at=LATER)
        lease = store.claim_search("controller-2", at=LATER, lease_s=60.0)
        assert lease is not None
        ended = store.end_search(lease, SearchState.COMPLETED, at=LATER + MINUTE / 2)
        assert (ended.running_since, ended.ran_s) == (None, 150.0)
        assert store.search(ID) == ended

    def test_time_without_a_controller_does_not_count(self, store: Store) -> None:
        """What was run under a lease does, until it expired; also where it was renewed, and lost again and again."""
        store.add_search(make_search())
        lease, _ = store.renew_lease(claim(store), at=SOON + MINUTE, lease_s=60.0)
        for ran_s in (120.0, 180.0):
            taken_at = lease.expires_at + 60 * MINUTE
            again = store.claim_search("controller-2", at=taken_at, lease_s=60.0)
            assert again is not None
            lease, running = again, store.search(ID)
            assert (running.running_since, running.ran_s) == (taken_at, ran_s)
            assert running.started_at == SOON
        assert store.end_search(lease, SearchState.COMPLETED, at=taken_at + MINUTE / 2).ran_s == 210.0

    def test_a_clock_that_goes_back_takes_no_time_away(self, store: Store) -> None:
        """A search has run for nothing then, not for less."""
        bring_to(store, SearchState.RUNNING)
        assert store.move_search(ID, SearchState.PAUSED, at=SOON - MINUTE).ran_s == 0.0

    def test_an_extended_search_keeps_the_time_for_which_it_ran(self, store: Store) -> None:
        """A budget of seconds is for all of them."""
        _, lease = bring_to(store, SearchState.RUNNING)
        assert lease is not None
        store.end_search(lease, SearchState.COMPLETED, at=SOON + MINUTE)
        extended = store.extend_search(ID, store.search(ID).spec.budget, at=LATER)
        assert (extended.running_since, extended.ran_s) == (None, 60.0)

    # -- where it is run ---------------------------------------------------------------------------------------------

    def test_each_beginning_says_where_the_search_is_run(self, store: Store) -> None:
        """A controller that takes it over may be another program on another machine."""
        store.add_search(make_search())
        what = {"data_digest": "d", "data_notes": (), "baseline": {}, "reference_point": {}}
        environments = [{"host": "a", "torch": "2.13.0"}, {"host": "b"}, None]
        for environment in environments:
            lease = store.claim_search("controller", at=LATER, lease_s=0.0)
            assert lease is not None
            store.begin_search(lease, at=LATER, environment=environment, **what)  # type: ignore[arg-type]
        begun = [event.detail["environment"] for event in store.events(ID) if event.kind == "started"]
        assert begun == [{"host": "a", "torch": "2.13.0"}, {"host": "b"}, {}]

    # -- the schema --------------------------------------------------------------------------------------------------

    def test_an_open_store_has_the_tables_of_this_version(self, store: Store) -> None:
        """Nobody has changed them since."""
        store.check_schema()

    # -- totals ------------------------------------------------------------------------------------------------------

    def test_the_totals_of_nothing_are_nothing(self, store: Store) -> None:
        """No search, no second."""
        assert store.totals() == Totals(searches={}, progress=Progress())

    def test_the_totals_are_those_of_all_searches(self, store: Store, lease: Lease) -> None:
        """By state, by kind of failure, and the seconds that they waited to be started."""
        tell(store, lease, make_candidate(), 0)
        store.add_search(make_search("00000002", minute=10))
        second = store.claim_search("controller-2", at=SOON, lease_s=60.0)
        assert second is not None
        candidate = make_candidate("00000002")
        store.record_ask(second, candidate)
        failure = make_evaluation(candidate, failure_kind="diverged", key="another")
        progress = make_progress(2, failed=1, cached=1, in_flight=1, failures={"crashed": 4, "diverged": 1})
        store.record_tell(second, told(candidate, failure), failure, progress)
        store.move_search(SearchId("00000002"), SearchState.PAUSED, at=LATER)
        store.add_search(make_search("00000003"))
        totals = store.totals()
        states = (SearchState.RUNNING, SearchState.PAUSED, SearchState.QUEUED)
        assert totals.searches == dict.fromkeys(states, 1)
        assert (totals.started, totals.waited_s) == (2, 2 * (SOON - START).total_seconds() - 600.0)
        assert sum(totals.waits.values()) == totals.started
        assert totals.running == {ID: store.search(ID).progress}
        expected = make_progress(3, failed=1, cached=1, in_flight=1, retries=4)
        expected = replace(expected, failures={"diverged": 2, "out_of_memory": 1, "crashed": 4})
        assert replace(totals.progress, best_psnr_db=30.25, hypervolume=4.5) == expected
