"""What every store promises about full trainings; a part of `StoreContract`."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from evaluator.executor import Setback

from ..records import CandidateId, SearchId, SearchState, Training, TrainingEnded, TrainingId, TrainingStatus
from ..store.base import AlreadyStored, LeaseLost, NotFound, Store, TrainingLease
from .builders import advanced, make_candidate, make_search, make_training, make_training_point, make_worker
from .search_promises import ID, LATER, SOON

CANDIDATE, OTHER = CandidateId("00000001-0"), CandidateId("00000001-1")
TRAINING = make_training().id
LEASE_S = 60.0


def take(store: Store, owner: str = "controller-1", at: datetime = LATER) -> tuple[TrainingLease, Training]:
    """Claim the training that is there."""
    claimed = store.claim_training(owner, at=at, lease_s=LEASE_S)
    assert claimed is not None
    return claimed


def told_of(store: Store, search_id: SearchId = ID) -> list[str]:
    """The kinds of the events that tell a search of full trainings."""
    kinds = [event.kind for event in store.events(search_id)]
    return [kind.removeprefix("training_") for kind in kinds if kind.startswith("training_")]


class TrainingPromises:
    """Full trainings of candidates."""

    @pytest.fixture
    def gym(self, store: Store) -> Store:
        """A store with two candidates of one search, and one of another."""
        for name, ordinals in (("00000001", (0, 1)), ("00000002", (0,))):
            store.add_search(make_search(name))
            lease = store.claim_search("controller-1", at=SOON, lease_s=LEASE_S)
            assert lease is not None
            for ordinal in ordinals:
                store.record_ask(lease, make_candidate(name, ordinal))
        return store

    # -- asking ----------------------------------------------------------------------------------------------------

    def test_a_training_comes_back_as_it_was_asked_for(self, gym: Store) -> None:
        """By its id, and in the listings."""
        training = make_training()
        assert gym.add_training(training, by="anna") == training
        assert gym.training(TRAINING) == training
        assert gym.trainings() == gym.trainings(candidate_id=CANDIDATE) == [training]

    def test_the_same_is_trained_once(self, gym: Store) -> None:
        """Another digest or candidate has a training of its own; also when the first is completed."""
        first = gym.add_training(make_training("a", digest="d"))
        assert gym.add_training(make_training("b", digest="d", owner="ben")) == first
        assert gym.add_training(make_training("c", digest="e")).id == "c"
        assert gym.add_training(make_training("d", OTHER, digest="d")).id == "d"
        lease, training = take(gym)
        gym.keep_training(lease, advanced(training, 10_000), at=LATER, lease_s=LEASE_S)
        assert gym.add_training(make_training("b", digest="d")) == gym.training(training.id)
        assert told_of(gym) == ["requested", "requested", "requested", "started", "completed"]

    def test_what_failed_or_was_cancelled_may_be_asked_for_again(self, gym: Store) -> None:
        """It stays beside the new one."""
        gym.add_training(make_training("a"))
        lease, training = take(gym)
        failed = advanced(training, status=TrainingStatus.FAILED, reason="loss is nan")
        gym.keep_training(lease, failed, at=LATER, lease_s=LEASE_S)
        assert gym.add_training(make_training("b")).id == "b"
        gym.cancel_training(TrainingId("b"), at=LATER)
        assert gym.add_training(make_training("c")).id == "c"
        statuses = [training.status.value for training in gym.trainings(candidate_id=CANDIDATE)]
        assert statuses == ["queued", "cancelled", "failed"]

    def test_the_id_of_a_training_is_taken_once_and_its_candidate_must_be_there(self, gym: Store) -> None:
        """Refused otherwise, and nobody is told."""
        gym.add_training(make_training("a"))
        with pytest.raises(AlreadyStored):
            gym.add_training(make_training("a", OTHER))
        for wrong in (make_training("b", "00000001-9"), make_training("b", search_id=SearchId("00000002"))):
            with pytest.raises(NotFound):
                gym.add_training(wrong)
        assert (told_of(gym), told_of(gym, SearchId("00000002"))) == (["requested"], [])
        with pytest.raises(NotFound):
            gym.training(TrainingId("b"))

    def test_the_log_and_the_audit_tell_of_a_new_training(self, gym: Store) -> None:
        """The one what for, the other who; an event is a change of its search."""
        pulse = gym.pulse(ID)
        training = gym.add_training(make_training(), by="anna")
        (event,) = gym.events(ID, after=pulse.event_count)
        which = {"training": training.id, "candidate": CANDIDATE}
        assert (event.kind, event.at) == ("training_requested", training.created_at)
        assert event.detail == which | {"recipe": "quick", "steps": 10_000, "expected_s": 240.5}
        assert gym.pulse(ID).event_count == event.ordinal
        entry = gym.audit()[-1]
        assert (entry.at, entry.who, entry.action) == (training.created_at, "anna", "training.request")
        assert (entry.subject, entry.detail) == (CANDIDATE, {"training": training.id, "recipe": "quick"})
        gym.add_training(make_training("b"), by="ben")
        assert gym.audit()[-1] == entry

    # -- listing ---------------------------------------------------------------------------------------------------

    def test_trainings_are_listed_newest_first(self, gym: Store) -> None:
        """Of equal times the larger id; page by page; of one search, candidate or status."""
        asked = [("a", CANDIDATE, 0), ("c", OTHER, 1), ("b", CANDIDATE, 1), ("d", "00000002-0", 2)]
        for name, candidate, minutes in asked:
            created_at = LATER + timedelta(minutes=minutes)
            gym.add_training(make_training(name, candidate, digest=name, created_at=created_at))
        gym.cancel_training(TrainingId("c"), at=LATER)

        def names(**wanted: object) -> str:
            return "".join(training.id for training in gym.trainings(**wanted))  # type: ignore[arg-type]

        assert (names(), names(limit=None), names(limit=2)) == ("dcba", "dcba", "dc")
        assert (names(before=TrainingId("c")), names(before=TrainingId("d"), limit=2)) == ("ba", "cb")
        assert (names(before=TrainingId("a")), names(before=TrainingId("none"))) == ("", "")
        assert (names(search_id=ID), names(candidate_id=CANDIDATE)) == ("cba", "ba")
        assert (names(search_id=SearchId("00000009")), names(candidate_id=CandidateId("00000001-9"))) == ("", "")
        assert names(statuses=[TrainingStatus.CANCELLED]) == "c"
        both = [TrainingStatus.CANCELLED, TrainingStatus.QUEUED]
        assert names(statuses=both, search_id=ID, before=TrainingId("c")) == "ba"

    # -- advancing -------------------------------------------------------------------------------------------------

    def test_the_oldest_queued_training_is_claimed_first(self, gym: Store) -> None:
        """Each by one controller; its start is written, and its search told."""
        for name, minutes in (("b", 1), ("a", 2), ("c", 1)):
            created_at = LATER - timedelta(hours=minutes)
            gym.add_training(make_training(name, digest=name, created_at=created_at))
        claims = [gym.claim_training("controller-1", at=LATER, lease_s=LEASE_S) for _ in range(4)]
        assert [claim and claim[1].id for claim in claims] == ["a", "b", "c", None]
        lease, training = claims[0]  # type: ignore[misc]
        assert (lease.training_id, lease.owner, lease.expires_at) == ("a", "controller-1", LATER + timedelta(minutes=1))
        assert (training.status, training.started_at, training.claims) == (TrainingStatus.RUNNING, LATER, 1)
        assert gym.training(training.id) == training
        started = [event for event in gym.events(ID) if event.kind == "training_started"]
        assert [event.detail["training"] for event in started] == ["a", "b", "c"]
        assert (started[0].at, started[0].detail) == (LATER, {"training": "a", "candidate": CANDIDATE})

    def test_what_a_stretch_came_to_is_kept(self, gym: Store) -> None:
        """Every figure; nothing of what was asked for is changed by it."""
        gym.add_training(make_training())
        lease, training = take(gym)
        setback = Setback(cause="worker_lost", worker="worker-1", message="killed by signal 9")
        first = advanced(training, 1000, setbacks=(setback,))
        assert gym.keep_training(lease, first, at=LATER, lease_s=LEASE_S).token == lease.token
        assert gym.training(TRAINING) == replace(first, claims=0)
        second = advanced(first, 2000)
        strange = {"owner": "ben", "seed": 1, "digest": "e", "dataset": {}, "expected_s": 1.0, "created_at": SOON}
        another = {"candidate_id": OTHER, "search_id": SearchId("00000002"), "started_at": SOON, "claims": 9}
        gym.keep_training(lease, replace(second, **strange, **another), at=LATER, lease_s=LEASE_S)  # type: ignore[arg-type]
        assert gym.training(TRAINING) == replace(second, claims=0)
        assert told_of(gym) == ["requested", "started"]

    def test_figures_of_a_point_may_be_infinite_or_unknown(self, gym: Store) -> None:
        """A loss that is not a number is unknown."""
        gym.add_training(make_training())
        lease, training = take(gym)
        given = [make_training_point(loss=loss, psnr_db=float("inf"), bands=None) for loss in (float("nan"), None)]
        gym.keep_training(lease, advanced(training, points=tuple(given)), at=LATER, lease_s=LEASE_S)
        assert gym.training(TRAINING).points == (given[1], given[1])

    def test_a_completed_training_is_a_model_and_claimed_no_more(self, gym: Store) -> None:
        """Its lease is given back, and its search is told what it scores."""
        gym.add_training(make_training())
        lease, training = take(gym)
        end = LATER + timedelta(seconds=30)
        done = advanced(training, 10_000)
        gym.keep_training(lease, done, at=end, lease_s=LEASE_S)
        assert gym.training(TRAINING) == replace(done, finished_at=end, claims=0)
        assert gym.training(TRAINING).final == done.points[-1]
        event = gym.events(ID)[-1]
        which = {"training": TRAINING, "candidate": CANDIDATE, "step": 10_000, "reason": ""}
        figures = {name: getattr(done.points[-1], name) for name in ("psnr_db", "ssim", "fsds_db", "fsds_si_db")}
        assert (event.kind, event.at, event.detail) == ("training_completed", end, which | figures)
        with pytest.raises(LeaseLost):
            gym.keep_training(lease, done, at=end, lease_s=LEASE_S)
        assert gym.claim_training("controller-2", at=end + timedelta(days=1), lease_s=LEASE_S) is None

    def test_a_failed_training_says_why(self, gym: Store) -> None:
        """In its row and in the log."""
        gym.add_training(make_training())
        lease, training = take(gym)
        failed = replace(training, status=TrainingStatus.FAILED, reason="loss is nan")
        gym.keep_training(lease, failed, at=LATER, lease_s=LEASE_S)
        assert gym.training(TRAINING) == replace(failed, finished_at=LATER)
        event = gym.events(ID)[-1]
        assert (event.kind, event.detail["reason"], event.detail["step"]) == ("training_failed", "loss is nan", 0)

    @pytest.mark.parametrize("status", [TrainingStatus.QUEUED, TrainingStatus.CANCELLED])
    def test_a_controller_says_only_what_it_knows(self, gym: Store, status: TrainingStatus) -> None:
        """Queueing and cancelling are other verbs."""
        gym.add_training(make_training())
        lease, training = take(gym)
        with pytest.raises(ValueError, match=status.value):
            gym.keep_training(lease, replace(training, status=status), at=LATER, lease_s=LEASE_S)
        assert gym.training(TRAINING) == training

    # -- fencing ---------------------------------------------------------------------------------------------------

    def test_a_training_with_an_expired_lease_is_taken_over(self, gym: Store) -> None:
        """Who held it writes nothing any more; its start stays, and its search is not told again."""
        gym.add_training(make_training())
        old, training = take(gym)
        assert gym.claim_training("controller-2", at=LATER + timedelta(seconds=59), lease_s=LEASE_S) is None
        new, taken = take(gym, "controller-2", LATER + timedelta(seconds=60))
        assert taken == replace(training, claims=2)
        assert new.token > old.token
        with pytest.raises(LeaseLost) as lost:
            gym.keep_training(old, advanced(training), at=LATER, lease_s=LEASE_S)
        assert lost.value.lease == old
        gym.release_training(old)
        assert gym.training(TRAINING) == taken
        gym.keep_training(new, advanced(taken), at=LATER, lease_s=LEASE_S)
        assert told_of(gym) == ["requested", "started"]

    def test_one_owner_that_claims_again_voids_its_own_lease(self, gym: Store) -> None:
        """A controller that came back under its name is another one."""
        gym.add_training(make_training())
        old, training = take(gym)
        take(gym, at=LATER + timedelta(hours=1))
        with pytest.raises(LeaseLost):
            gym.keep_training(old, advanced(training), at=LATER, lease_s=LEASE_S)

    def test_keeping_extends_the_lease(self, gym: Store) -> None:
        """An expired one that nobody took over, too."""
        gym.add_training(make_training())
        lease, training = take(gym)
        late = LATER + timedelta(hours=1)
        extended = gym.keep_training(lease, training, at=late, lease_s=LEASE_S)
        assert extended == replace(lease, expires_at=late + timedelta(seconds=60))
        assert gym.claim_training("controller-2", at=late + timedelta(seconds=59), lease_s=LEASE_S) is None
        assert take(gym, "controller-2", late + timedelta(seconds=60))[1].claims == 2

    def test_claims_count_from_0_again_once_a_training_advances(self, gym: Store) -> None:
        """Keeping the same step forgets none: a training that kills controllers is told from one that is long."""
        gym.add_training(make_training())
        for hour in range(3):
            lease, training = take(gym, at=LATER + timedelta(hours=hour))
            gym.keep_training(lease, training, at=LATER + timedelta(hours=hour), lease_s=LEASE_S)
        assert gym.training(TRAINING).claims == 3
        gym.keep_training(lease, advanced(training), at=LATER + timedelta(hours=2), lease_s=LEASE_S)
        assert gym.training(TRAINING).claims == 0
        assert take(gym, at=LATER + timedelta(days=1))[1].claims == 1

    def test_a_released_training_is_queued_where_it_was(self, gym: Store) -> None:
        """Its lease is void, and whoever gave it back was alive."""
        gym.add_training(make_training())
        lease, training = take(gym)
        gym.keep_training(lease, advanced(training), at=LATER, lease_s=LEASE_S)
        gym.release_training(lease)
        released = gym.training(TRAINING)
        assert (released.status, released.step, released.claims) == (TrainingStatus.QUEUED, 1000, 0)
        with pytest.raises(LeaseLost):
            gym.keep_training(lease, advanced(training, 2000), at=LATER, lease_s=LEASE_S)
        assert take(gym, "controller-2")[1].started_at == LATER

    def test_cancelling_voids_the_lease(self, gym: Store) -> None:
        """What it had reached stays; who did it is written down, once."""
        gym.add_training(make_training())
        lease, training = take(gym)
        gym.keep_training(lease, advanced(training), at=LATER, lease_s=LEASE_S)
        late = LATER + timedelta(seconds=7)
        cancelled = gym.cancel_training(TRAINING, at=late, by="ben")
        assert (cancelled.status, cancelled.reason, cancelled.finished_at) == (
            TrainingStatus.CANCELLED,
            "cancelled by ben",
            late,
        )
        assert (cancelled.step, gym.training(TRAINING)) == (1000, cancelled)
        with pytest.raises(LeaseLost):
            gym.keep_training(lease, advanced(training, 2000), at=late, lease_s=LEASE_S)
        assert gym.claim_training("controller-2", at=late + timedelta(days=1), lease_s=LEASE_S) is None
        (event, entry) = (gym.events(ID)[-1], gym.audit()[-1])
        which = {"training": TRAINING, "candidate": CANDIDATE}
        assert (event.kind, event.detail) == ("training_cancelled", which | {"step": 1000, "reason": cancelled.reason})
        assert (entry.who, entry.action, entry.subject) == ("ben", "training.cancel", CANDIDATE)
        assert gym.cancel_training(TRAINING, at=late + timedelta(days=1), by="anna") == cancelled
        assert (gym.events(ID)[-1], gym.audit()[-1]) == (event, entry)

    def test_a_queued_training_can_be_cancelled_and_one_that_ended_cannot(self, gym: Store) -> None:
        """Nor can one that is not there."""
        gym.add_training(make_training("a", digest="a"))
        assert gym.cancel_training(TrainingId("a"), at=LATER).reason == "cancelled"
        gym.add_training(make_training("b", digest="b"))
        lease, training = take(gym)
        gym.keep_training(lease, advanced(training, 10_000), at=LATER, lease_s=LEASE_S)
        with pytest.raises(TrainingEnded) as ended:
            gym.cancel_training(TrainingId("b"), at=LATER)
        assert ended.value.status is TrainingStatus.COMPLETED
        with pytest.raises(NotFound):
            gym.cancel_training(TrainingId("none"), at=LATER)

    def test_of_many_at_once_each_takes_another_training(self, gym: Store) -> None:
        """Equal requests make one; whoever steers the search meanwhile is not in the way, nor who cancels."""

        def work(number: int) -> str:
            gym.add_training(make_training(f"t{number}", digest=f"{number % 6}"), by="anna")
            claimed = gym.claim_training(f"controller-{number}", at=LATER, lease_s=LEASE_S)
            gym.set_priority(ID, number, at=LATER)
            if claimed is None:
                return ""
            lease, training = claimed
            if number % 3 == 0:
                gym.cancel_training(training.id, at=LATER)
            with suppress(LeaseLost):
                gym.keep_training(lease, advanced(training, 10_000), at=LATER, lease_s=LEASE_S)
            return training.id

        with ThreadPoolExecutor(6) as pool:
            taken = [name for name in pool.map(work, range(12)) if name]
        assert sorted(taken) == sorted(training.id for training in gym.trainings())
        assert len(set(taken)) == len(taken) >= 6
        counted = Counter(told_of(gym))
        assert counted["requested"] == counted["started"] == counted["completed"] + counted["cancelled"] == len(taken)
        assert {training.status.ended for training in gym.trainings()} == {True}

    def test_a_worker_is_idle_once_its_full_training_has_ended(self, gym: Store) -> None:
        """Whatever became of its candidate in the search."""
        gym.add_training(make_training())
        lease, training = take(gym)
        busy = make_worker(candidate=make_candidate(), training_id=TRAINING, seen_at=LATER)
        gym.record_workers("controller-1", [busy], at=LATER, lease_s=LEASE_S)
        gym.move_search(ID, SearchState.CANCELLED, at=LATER)
        assert gym.workers(at=LATER, lease_s=LEASE_S) == [busy]
        gym.keep_training(lease, advanced(training, 10_000), at=LATER, lease_s=LEASE_S)
        assert gym.workers(at=LATER, lease_s=LEASE_S) == [make_worker(seen_at=LATER)]
