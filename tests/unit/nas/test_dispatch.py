"""Jobs that several searches wait for, and outcomes that are kept until they were recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from evaluator.executor import Job
from evaluator.outcome import Outcome
from evaluator.testing import ScriptedExecutor, synthetic, tiny_data, tiny_job
from nas.dispatch import Dispatch, Returned
from nas.records import Search, TrainingId
from nas.run import SearchRun, Work
from nas.testing.builders import make_candidate, make_search


@dataclass(eq=False)
class Waiting:
    """As much of a run as a dispatch needs."""

    search: Search
    attached: set[int] = field(default_factory=set)
    torn: bool = False

    def attach(self, ordinals: set[int]) -> None:
        self.attached = ordinals


class Scene:
    """A dispatch over one worker, and what was trained."""

    def __init__(self) -> None:
        self.trained: list[int] = []
        self.executor = ScriptedExecutor(self.train)
        self.executor.load(tiny_data())
        self.dispatch = Dispatch(self.executor)

    def train(self, job: Job) -> Outcome:
        self.trained.append(job.seed)
        return synthetic(job)

    def run(self, name: str) -> SearchRun:
        return cast("SearchRun", Waiting(make_search(name)))

    def submit(self, run: SearchRun, ordinal: int, seed: int) -> None:
        candidate = make_candidate(run.search.id, ordinal)
        self.dispatch.submit(run, Work(candidate=candidate, job=tiny_job(tiny_data(), seed=seed)))

    def settle_all(self) -> list[Returned]:
        settled = []
        while (oldest := self.dispatch.oldest) is not None:
            settled.append(oldest)
            self.dispatch.settle(oldest)
        return settled


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_two_searches_wait_for_is_trained_once_and_charged_once(scene: Scene) -> None:
    first, second = scene.run("00000001"), scene.run("00000002")
    scene.submit(first, 0, seed=7)
    scene.submit(second, 3, seed=7)
    assert (scene.dispatch.count_of(first), scene.dispatch.count_of(second)) == (1, 1)
    scene.dispatch.collect(0)
    assert scene.trained == [7]
    found = [(returned.run, returned.cached) for returned in scene.settle_all()]
    assert found == [(first, False), (second, True)]
    assert (scene.dispatch.count_of(first), scene.dispatch.count_of(second)) == (0, 0)


def test_an_outcome_is_kept_until_it_is_settled(scene: Scene) -> None:
    run = scene.run("00000001")
    for seed in range(2):
        scene.submit(run, seed, seed)
        scene.dispatch.collect(0)
    assert scene.dispatch.empty
    oldest = scene.dispatch.oldest
    assert oldest is not None
    assert oldest is scene.dispatch.oldest
    assert [returned.work.job.seed for returned in scene.settle_all()] == [0, 1]


def test_an_outcome_of_a_torn_search_keeps_nobody_elses_waiting(scene: Scene) -> None:
    torn, other = scene.run("00000001"), scene.run("00000002")
    scene.submit(torn, 0, seed=1)
    scene.submit(other, 0, seed=2)
    cast("Waiting", torn).torn = True
    for _ in range(2):
        scene.dispatch.collect(0)
    assert [returned.run for returned in scene.settle_all()] == [other]
    assert (scene.dispatch.holds_for(torn), scene.dispatch.holds_for(other)) == (True, False)
    rebuilt = scene.run("00000001")
    scene.dispatch.hand_over(torn, rebuilt)
    assert [returned.run for returned in scene.settle_all()] == [rebuilt]


def test_a_search_that_is_dropped_takes_its_jobs_and_outcomes_with_it_and_leaves_those_of_others(scene: Scene) -> None:
    leaving, staying = scene.run("00000001"), scene.run("00000002")
    scene.submit(leaving, 0, seed=1)
    scene.dispatch.collect(0)
    scene.submit(leaving, 1, seed=2)
    scene.submit(leaving, 2, seed=3)
    scene.submit(staying, 0, seed=3)
    scene.dispatch.drop(leaving)
    assert scene.dispatch.count_of(leaving) == 0
    while not scene.dispatch.empty:
        scene.dispatch.collect(0)
    assert scene.trained == [1, 3]
    assert [returned.run for returned in scene.settle_all()] == [staying]


def test_a_rebuilt_search_waits_for_what_the_broken_one_waited_for(scene: Scene) -> None:
    broken, other = scene.run("00000001"), scene.run("00000002")
    scene.submit(broken, 4, seed=1)
    scene.dispatch.collect(0)
    scene.submit(broken, 5, seed=2)
    scene.submit(other, 0, seed=2)
    rebuilt = scene.run("00000001")
    scene.dispatch.hand_over(broken, rebuilt)
    assert cast("Waiting", rebuilt).attached == {4, 5}
    assert scene.dispatch.count_of(rebuilt) == 1
    scene.dispatch.collect(0)
    assert [returned.run for returned in scene.settle_all()] == [rebuilt, rebuilt, other]
    assert scene.trained == [1, 2]


def test_stretches_of_full_trainings_take_workers_and_go_to_nobody_else(scene: Scene) -> None:
    run = scene.run("00000001")
    scene.submit(run, 0, seed=1)
    job = tiny_job(tiny_data(), seed=1)
    work = Work(candidate=make_candidate("00000001", 5), job=job)
    ticket = scene.dispatch.submit_stretch(TrainingId("t"), work)
    assert (scene.dispatch.work_of(ticket), scene.dispatch.training_of(ticket)) == (work, "t")
    assert scene.dispatch.take_stretch(ticket) is None
    scene.dispatch.collect(0)
    assert [returned.run for returned in scene.settle_all()] == [run]
    assert not scene.dispatch.empty
    scene.dispatch.collect(0)
    ended = scene.dispatch.take_stretch(ticket)
    assert ended is not None
    assert (ended.ticket, scene.dispatch.take_stretch(ticket), scene.dispatch.empty) == (ticket, None, True)
    assert (scene.dispatch.work_of(ticket), scene.dispatch.training_of(ticket)) == (None, None)
    assert scene.settle_all() == []


def test_a_stretch_that_is_dropped_never_comes_back(scene: Scene) -> None:
    work = Work(candidate=make_candidate(), job=tiny_job(tiny_data()))
    in_flight, back = (scene.dispatch.submit_stretch(TrainingId("t"), work) for _ in range(2))
    scene.dispatch.drop_stretch(in_flight)
    scene.dispatch.collect(0)
    scene.dispatch.drop_stretch(back)
    assert (scene.dispatch.take_stretch(in_flight), scene.dispatch.take_stretch(back)) == (None, None)
    assert len(scene.trained) == 1
    assert scene.dispatch.empty


def test_images_are_let_go_with_the_last_who_needs_them(scene: Scene) -> None:
    gone: list[str] = []
    scene.executor.unload = gone.append  # type: ignore[method-assign]
    for who in ("search", "training", "other"):
        scene.dispatch.load(who, tiny_data(seed=who == "other"))
    scene.dispatch.unload("search")
    scene.dispatch.unload("nobody")
    assert gone == []
    scene.dispatch.unload("training")
    scene.dispatch.unload("training")
    assert gone == [tiny_data().digest]
