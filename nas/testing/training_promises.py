"""What every store promises about full trainings; a part of `StoreContract`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from evaluator.executor import Setback

from ..records import CandidateId, SearchId, Training, TrainingId, TrainingStatus
from ..store.base import AlreadyStored, LeaseLost, NotFound, Store, TrainingLease
from .builders import advanced, make_candidate, make_search, make_training, make_training_point
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


class Gym:
    """Where full trainings take place."""

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


class TrainingPromises(Gym):
    """Full trainings of candidates."""

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
        assert gym.totals().trainings == {TrainingStatus.CANCELLED: 1, TrainingStatus.QUEUED: 3}

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
