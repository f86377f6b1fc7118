"""What every store promises about workers and what trainings tell of themselves; a part of `StoreContract`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ..records import CandidateId, Event, SearchState
from ..store.base import Lease, Store
from .builders import (
    make_candidate,
    make_evaluation,
    make_progress,
    make_report,
    make_search,
    make_training_progress,
    make_worker,
    told,
)
from .search_promises import ID, LATER, SOON

LEASE_S = 60.0


def progress_of(store: Store) -> list[Event]:
    """The events that tell of trainings."""
    return [event for event in store.events(ID) if event.kind == "training_progress"]


class WorkerPromises:
    """What workers do now, and the passing events of trainings."""

    # -- workers ---------------------------------------------------------------------------------------------------

    def test_workers_come_back_as_they_were_seen(self, store: Store) -> None:
        """Idle or busy, every field, by node and name."""
        candidate = make_candidate()
        busy = make_worker("worker-1", candidate, seen_at=LATER)
        unheard = replace(busy, name="worker-2", progress=None)
        elsewhere = make_worker("worker-0", node="node-b", seen_at=LATER)
        idle = make_worker("worker-9", seen_at=LATER, device="“gpu”")
        store.record_workers("controller-1", [elsewhere, unheard, idle, busy], at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == [busy, unheard, idle, elsewhere]

    def test_each_owner_replaces_its_own_workers(self, store: Store) -> None:
        """Two may have places of one name; none at all is what a controller leaves behind."""
        ours, theirs = make_worker(seen_at=LATER), make_worker(seen_at=LATER, owner="controller-2")
        for worker in (ours, theirs):
            store.record_workers(worker.owner, [worker], at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == [ours, theirs]
        other = make_worker("worker-7", seen_at=LATER)
        store.record_workers("controller-1", [other], at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == [theirs, other]
        store.record_workers("controller-1", [], at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == [theirs]

    def test_workers_of_a_silent_owner_vanish_with_its_lease(self, store: Store) -> None:
        """For readers at once, for good when another owner writes."""
        store.record_workers("controller-1", [make_worker(seen_at=LATER)], at=LATER, lease_s=LEASE_S)
        for seconds, expected in ((59, 1), (60, 0), (61, 0)):
            at = LATER + timedelta(seconds=seconds)
            assert len(store.workers(at=at, lease_s=LEASE_S)) == expected
        store.record_workers("controller-2", [], at=LATER + timedelta(seconds=60), lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == []

    def test_a_worker_is_idle_once_its_candidate_was_told_or_given_up(self, store: Store, lease: Lease) -> None:
        """Though its controller has not looked again."""
        first, second = make_candidate(ordinal=0), make_candidate(ordinal=1)
        for candidate in (first, second):
            store.record_ask(lease, candidate)
        crew = [make_worker("worker-0", first, seen_at=LATER), make_worker("worker-1", second, seen_at=LATER)]
        store.record_workers("controller-1", crew, at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == crew
        store.record_tell(lease, told(first, make_evaluation(first)), make_evaluation(first), make_progress())
        assert store.workers(at=LATER, lease_s=LEASE_S) == [make_worker("worker-0", seen_at=LATER), crew[1]]
        store.move_search(ID, SearchState.CANCELLED, at=LATER)
        assert [worker.busy for worker in store.workers(at=LATER, lease_s=LEASE_S)] == [False, False]

    def test_a_figure_of_a_training_that_is_not_a_number_is_unknown(self, store: Store) -> None:
        """Infinity is a number, for this purpose."""
        told_so_far = make_training_progress(loss=float("nan"), psnr_db=float("inf"))
        worker = make_worker(candidate=make_candidate(), seen_at=LATER, progress=told_so_far)
        store.record_workers("controller-1", [worker], at=LATER, lease_s=LEASE_S)
        (found,) = store.workers(at=LATER, lease_s=LEASE_S)
        assert found.progress == replace(told_so_far, loss=None)

    @pytest.mark.parametrize(
        "wrong",
        [[make_worker(owner="controller-2")], [make_worker(), make_worker(pid=2)]],
        ids=["another's", "one name twice"],
    )
    def test_an_owner_writes_each_of_its_workers_once(self, store: Store, wrong: list) -> None:  # type: ignore[type-arg]
        """Anything else is a mistake of the caller's, and changes nothing."""
        worker = make_worker(seen_at=LATER)
        store.record_workers("controller-1", [worker], at=LATER, lease_s=LEASE_S)
        with pytest.raises(ValueError, match="controller-1"):
            store.record_workers("controller-1", wrong, at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == [worker]

    # -- what trainings tell ---------------------------------------------------------------------------------------

    def test_what_a_training_tells_is_an_event_of_its_search(self, store: Store, lease: Lease) -> None:
        """With every figure; one that is not finite is null."""
        candidate = make_candidate(ordinal=3)
        store.record_ask(lease, candidate)
        reports = [
            make_report(lease, candidate),
            make_report(lease, candidate, progress=make_training_progress(loss=float("nan"), psnr_db=None, step=150)),
        ]
        store.record_workers("controller-1", [], reports, at=LATER, lease_s=LEASE_S)
        first, second = progress_of(store)
        assert (first.at, second.ordinal) == (LATER, first.ordinal + 1)
        assert first.detail == {
            "candidate": candidate.id,
            "ordinal": 3,
            "worker": "worker-0",
            "phase": "training",
            "step": 100,
            "steps": 200,
            "loss": 0.1 + 0.2,
            "psnr_db": 27.5,
            "patches_per_s": 52.25,
            "memory_bytes": 3 * 2**31,
        }
        assert (second.detail["loss"], second.detail["psnr_db"], second.detail["step"]) == (None, None, 150)

    def test_a_told_candidate_takes_its_progress_out_of_the_log(self, store: Store, lease: Lease) -> None:
        """Numbers are not given again, so that a reader that kept the last one goes on; others' progress stays."""
        first, second = make_candidate(ordinal=0), make_candidate(ordinal=1)
        for candidate in (first, second):
            store.record_ask(lease, candidate)
        reports = [make_report(lease, first), make_report(lease, second)]
        for _ in range(2):
            store.record_workers("controller-1", [], reports, at=LATER, lease_s=LEASE_S)
        before = store.events(ID)
        store.record_tell(lease, told(first, make_evaluation(first)), make_evaluation(first), make_progress())
        after = store.events(ID)
        assert [event for event in after if event in before] == [
            event for event in before if event.kind != "training_progress" or event.detail["candidate"] == second.id
        ]
        assert after[-1].ordinal == before[-1].ordinal + 1
        assert [event.kind for event in store.events(ID, after=before[-1].ordinal)] == ["told"]
        assert store.events(ID, after=before[-2].ordinal, limit=1) == [before[-1]]

    def test_events_are_read_with_or_without_the_progress_of_trainings(self, store: Store, lease: Lease) -> None:
        """A page is as long without them."""
        candidate = make_candidate()
        store.record_ask(lease, candidate)
        store.record_workers("controller-1", [], [make_report(lease, candidate)] * 3, at=LATER, lease_s=LEASE_S)
        store.record_event(lease, "noted", {}, at=LATER)
        kinds = [event.kind for event in store.events(ID, progress=False)]
        assert kinds == ["submitted", "claimed", "asked", "noted"]
        (noted,) = store.events(ID, after=3, limit=1, progress=False)
        assert (noted.kind, noted.ordinal) == ("noted", 7)

    def test_progress_goes_with_candidates_that_are_given_up(self, store: Store, lease: Lease) -> None:
        """When their search ends, and not when it is paused."""
        candidate = make_candidate()
        store.record_ask(lease, candidate)
        store.record_workers("controller-1", [], [make_report(lease, candidate)], at=LATER, lease_s=LEASE_S)
        store.move_search(ID, SearchState.PAUSED, at=LATER)
        store.record_workers("controller-1", [], [make_report(lease, candidate)], at=LATER, lease_s=LEASE_S)
        assert len(progress_of(store)) == 2
        store.move_search(ID, SearchState.CANCELLED, at=LATER)
        assert progress_of(store) == []

    def test_a_report_that_nobody_waits_for_is_left_out(self, store: Store, lease: Lease) -> None:
        """Under a lost lease, or of a candidate that is not in flight; the rest is written."""
        flying, done = make_candidate(ordinal=0), make_candidate(ordinal=1)
        for candidate in (flying, done):
            store.record_ask(lease, candidate)
        store.record_tell(lease, told(done, make_evaluation(done)), make_evaluation(done), make_progress())
        store.add_search(make_search("00000002"))
        other = store.claim_search("controller-1", at=SOON, lease_s=60.0)
        assert other is not None
        theirs = make_candidate("00000002")
        store.record_ask(other, theirs)
        unknown = replace(flying, id=CandidateId("00000001-7"))
        reports = [
            make_report(replace(lease, token=lease.token - 1), flying),
            make_report(lease, done),
            make_report(lease, unknown),
            make_report(lease, theirs),
            make_report(lease, flying),
            make_report(other, theirs),
        ]
        worker = make_worker(seen_at=LATER)
        store.record_workers("controller-1", [worker], reports, at=LATER, lease_s=LEASE_S)
        assert store.workers(at=LATER, lease_s=LEASE_S) == [worker]
        assert [event.detail["candidate"] for event in progress_of(store)] == [flying.id]
        assert [event.kind for event in store.events(other.search_id)][-1] == "training_progress"
