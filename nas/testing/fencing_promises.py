"""What every store promises about who may write how far a full training is; a part of `StoreContract`."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from ..records import SearchState, TrainingEnded, TrainingId, TrainingStatus
from ..store.base import LeaseLost, NotFound, Store
from .builders import advanced, make_candidate, make_training, make_worker
from .search_promises import ID, LATER
from .training_promises import CANDIDATE, LEASE_S, TRAINING, Gym, take, told_of


class FencingPromises(Gym):
    """Leases of full trainings, and what voids them."""

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
