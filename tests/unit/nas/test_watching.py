"""What the workers do is written at most once a second, when it has changed, and for everybody who waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from evaluator.executor import Job, Ticket, WorkerInfo
from evaluator.progress import TrainingProgress
from evaluator.recipe import RECIPES
from evaluator.testing import ScriptedExecutor, tiny_data
from nas.dispatch import Dispatch
from nas.records import Candidate, Event, Worker
from nas.run import SearchRun, Work
from nas.store.base import Lease, TrainingReport
from nas.store.memory import MemoryStore
from nas.testing import START, make_candidate, make_evaluation, make_progress, make_search, told
from nas.watching import Watch

LEASE_S = 30.0


@dataclass
class Waiting:
    """As much of a run as a watch needs."""

    lease: Lease


class Office(ScriptedExecutor):
    """Two workers whose steps a test counts."""

    def __init__(self) -> None:
        super().__init__(capacity=2)
        self.load(tiny_data())
        self.step = 0
        self.asked = 0

    def workers(self) -> list[WorkerInfo]:
        self.asked += 1
        return [
            info if info.progress is None else replace(info, progress=TrainingProgress(step=self.step, steps=200))
            for info in super().workers()
        ]


class Counting(MemoryStore):
    """Counts what was written about workers."""

    writes = 0

    def record_workers(
        self, owner: str, workers: Sequence[Worker], reports: Sequence[TrainingReport] = (), **rest: Any
    ) -> None:
        self.writes += 1
        super().record_workers(owner, workers, reports, **rest)


class Scene:
    """One controller's watch, its two workers and two searches."""

    def __init__(self) -> None:
        self.store, self.executor, self.now = Counting(), Office(), START
        self.dispatch = Dispatch(self.executor)
        self.watch = Watch(
            self.store, self.executor, self.dispatch, owner="ours", lease_s=LEASE_S, clock=lambda: self.now
        )
        self.runs = {name: self.claimed(name) for name in ("00000001", "00000002")}

    def claimed(self, name: str) -> SearchRun:
        self.store.add_search(make_search(name))
        lease = self.store.claim_search("ours", at=START, lease_s=LEASE_S)
        assert lease is not None
        return cast("SearchRun", Waiting(lease))

    def train(self, name: str = "00000001", ordinal: int = 0) -> Candidate:
        """Have a candidate of a search trained."""
        candidate, run = make_candidate(name, ordinal), self.runs[name]
        job = Job(
            genotype=candidate.genotype,
            recipe=RECIPES["default"],
            scale=2,
            channels=1,
            seed=0,
            data_digest=tiny_data().digest,
            timeout_s=60.0,
        )
        self.store.record_ask(run.lease, candidate)
        self.dispatch.submit(run, Work(candidate=candidate, job=job))
        return candidate

    def look_after(self, seconds: float, step: int = 0) -> None:
        self.now += timedelta(seconds=seconds)
        self.executor.step = step
        self.watch.look()

    def seen(self, at: datetime | None = None) -> list[Worker]:
        return self.store.workers(at=at or self.now, lease_s=LEASE_S)

    def told(self, name: str = "00000001") -> list[Event]:
        events = self.store.events(self.runs[name].lease.search_id)
        return [event for event in events if event.kind == "training_progress"]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_busy_worker_is_seen_with_its_candidate_and_an_idle_one_without(scene: Scene) -> None:
    candidate = scene.train()
    scene.look_after(0, step=10)
    busy, idle = scene.seen()
    assert (busy.search_id, busy.candidate_id, busy.ordinal) == (candidate.search_id, candidate.id, 0)
    assert busy.progress == TrainingProgress(step=10, steps=200)
    assert (busy.owner, busy.busy_since, busy.seen_at) == ("ours", START, START)
    assert (idle.name, idle.busy, idle.busy_since) == ("scripted-2", False, None)


def test_workers_are_looked_at_once_a_second_however_often_one_asks(scene: Scene) -> None:
    scene.train()
    for step in range(20):
        scene.look_after(0.125, step)
    assert scene.executor.asked == scene.store.writes == 3
    assert [event.detail["step"] for event in scene.told()] == [0, 8, 16]


def test_what_has_not_changed_is_written_anew_only_to_be_believed(scene: Scene) -> None:
    scene.train()
    for _ in range(25):
        scene.look_after(1)
    assert scene.store.writes == 3
    assert len(scene.told()) == 1
    assert all(scene.seen(scene.now + timedelta(seconds=LEASE_S * 2 / 3)))


def test_a_training_keeps_the_time_at_which_it_was_first_seen(scene: Scene) -> None:
    scene.train()
    scene.look_after(1, step=1)
    scene.look_after(1, step=2)
    assert scene.seen()[0].busy_since == START + timedelta(seconds=1)
    scene.dispatch.collect(0)
    scene.train(ordinal=1)
    scene.look_after(1, step=2)
    assert scene.seen()[0].busy_since == START + timedelta(seconds=3)


def test_both_searches_that_wait_for_a_training_hear_of_it(scene: Scene) -> None:
    first, second = scene.train("00000001"), scene.train("00000002")
    scene.look_after(1, step=7)
    busy, idle = scene.seen()
    assert (busy.candidate_id, idle.busy) == (first.id, False)
    for name, candidate in (("00000001", first), ("00000002", second)):
        (event,) = scene.told(name)
        assert (event.detail["candidate"], event.detail["step"]) == (candidate.id, 7)


def test_a_training_whose_search_has_left_is_the_next_ones(scene: Scene) -> None:
    scene.train("00000001")
    second = scene.train("00000002")
    scene.look_after(1, step=7)
    scene.dispatch.drop(scene.runs["00000001"])
    scene.look_after(1, step=7)
    assert scene.seen()[0].candidate_id == second.id
    scene.dispatch.drop(scene.runs["00000002"])
    scene.look_after(1, step=7)
    assert [worker.busy for worker in scene.seen()] == [False, False]


def test_a_lost_lease_is_no_trouble_of_a_watch(scene: Scene) -> None:
    scene.train("00000001")
    scene.now += timedelta(seconds=LEASE_S)
    assert scene.store.claim_search("theirs", at=scene.now, lease_s=LEASE_S) is not None
    scene.look_after(0, step=5)
    assert scene.seen()[0].progress == TrainingProgress(step=5, steps=200)
    assert scene.told() == []


def test_progress_goes_with_the_outcome(scene: Scene) -> None:
    candidate = scene.train()
    for step in range(1, 5):
        scene.look_after(1, step)
    before = scene.store.events(candidate.search_id)
    evaluation = make_evaluation(candidate)
    scene.store.record_tell(scene.runs["00000001"].lease, told(candidate, evaluation), evaluation, make_progress())
    assert len(scene.told()) == 0
    assert [e.kind for e in scene.store.events(candidate.search_id, after=before[-1].ordinal)] == ["told"]


def test_a_closed_watch_leaves_no_worker_behind(scene: Scene) -> None:
    scene.watch.close()
    assert scene.store.writes == 0
    scene.look_after(1)
    assert len(scene.seen()) == 2
    scene.watch.close()
    scene.watch.close()
    assert (scene.seen(), scene.store.writes) == ([], 2)


def test_a_ticket_that_nobody_waits_for_has_no_candidate(scene: Scene) -> None:
    assert scene.dispatch.waiting(None) == scene.dispatch.waiting(Ticket(99)) == []
