"""A database that goes away at any call, before or after it has done its part: nothing is lost, nothing repeated."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from itertools import count, repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.executor import Job
from evaluator.outcome import Outcome
from evaluator.testing import ScriptedExecutor, synthetic
from nas.controller import Controller
from nas.leases import Leasing
from nas.outage import LONGEST_PAUSE_S, Outage
from nas.preparing import Prepared
from nas.records import Candidate, CandidateState, Search, SearchId, SearchState
from nas.spec import SearchSpec
from nas.store.base import Lease, StoreUnavailable
from nas.store.memory import MemoryStore
from nas.testing.builders import START, make_tiny_spec
from nas.testing.controllers import make_controller, prepare, proposals
from nas.testing.flaky import Fate, FlakyStore

SPEC = {
    "population": 4,
    "budget": {"evaluations": 10},
    "front_seeds": 2,
    "engine": {"surrogate": False, "order": "ordered", "lag": 4},
}
WRITES = ("claim_search", "renew_lease", "begin_search", "end_search", "record_ask", "record_tell", "record_survival")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Scene:
    """A store, a clock that a test moves, and what was trained."""

    def __init__(self, *searches: str) -> None:
        self.store, self.clock, self.trained = MemoryStore(), Clock(), list[str]()
        self.executor = ScriptedExecutor(self.train, capacity=3)
        for seed, name in enumerate(searches or ("a",)):
            spec = make_tiny_spec(**SPEC, seed=seed)
            search = Search(id=SearchId(name), spec=spec, state=SearchState.QUEUED, created_at=START)
            self.store.add_search(search)

    def train(self, job: Job) -> Outcome:
        self.trained.append(job.key)
        return synthetic(job)

    def controller(self, store: object | None = None, owner: str = "ours", **parts: Any) -> Controller:
        leasing = Leasing(owner=owner, lease_s=30, max_active=4)
        seen: Any = store or self.store
        return make_controller(seen, self.executor, leasing=leasing, clock=self.clock, **parts)

    def step(self, controller: Controller, seconds: float = 1.0) -> None:
        controller.step()
        self.clock.now += timedelta(seconds=seconds)

    def run(self, controller: Controller, *, steps: int = 3000, seconds: float = 1.0) -> None:
        for _ in range(steps):
            self.step(controller, seconds)
            if all(search.state.ended for search in self.store.searches()):
                return
        pytest.fail("not ended")

    def log(self, name: str = "a") -> list[Candidate]:
        return self.store.candidates(SearchId(name), limit=None)


@cache
def undisturbed() -> Scene:
    scene = Scene()
    scene.run(scene.controller())
    return scene


FATES: st.SearchStrategy[list[Fate]] = st.lists(st.sampled_from(["ok", "ok", "ok", "before", "after"]), max_size=120)


@given(FATES, st.sampled_from([0.5, 4.0, 40.0]))
@settings(max_examples=25, deadline=None)
def test_whatever_call_the_store_does_not_answer_nothing_is_lost_or_trained_twice(
    fates: list[Fate], seconds: float
) -> None:
    whole, scene = undisturbed(), Scene()
    scene.run(scene.controller(FlakyStore(scene.store, fates)), seconds=seconds)
    assert proposals(scene.log()) == proposals(whole.log())
    assert {candidate.state for candidate in scene.log()} == {CandidateState.SCORED}
    assert len(scene.trained) == len(set(scene.trained)) == len(scene.log())


@given(FATES)
@settings(max_examples=10, deadline=None)
def test_searches_beside_one_that_was_broken_off_keep_their_trainings(fates: list[Fate]) -> None:
    scene = Scene("a", "b")
    scene.run(scene.controller(FlakyStore(scene.store, fates, verbs=WRITES)))
    assert len(scene.trained) == len(set(scene.trained)) == len(scene.log("a")) + len(scene.log("b"))


def test_trainings_go_on_while_the_store_is_away_and_are_recorded_once_it_is_back() -> None:
    scene = Scene()
    controller = scene.controller(store := FlakyStore(scene.store))
    for _ in range(4):
        scene.step(controller)
    told = scene.store.search(SearchId("a")).progress.evaluated
    assert told > 0
    store.go_away()
    for _ in range(10):
        scene.step(controller)
    in_flight = len(scene.log()) - told
    assert len(scene.trained) == told + in_flight
    assert scene.store.search(SearchId("a")).progress.evaluated == told
    store.come_back()
    scene.run(controller)
    assert len(scene.trained) == len(set(scene.trained))


def test_an_outage_is_logged_once_and_the_store_is_asked_ever_less(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene()
    controller = scene.controller(store := FlakyStore(scene.store, repeat("before")))
    for _ in range(300):
        scene.step(controller)
    assert store.failed == 5 + 9  # after 0, 1, 3, 7 and 15 seconds, then twice a minute
    store.come_back()
    scene.run(controller)
    assert capsys.readouterr().out.count("store away") == 1


def test_a_pause_is_no_longer_than_half_a_minute_and_a_clock_that_is_set_back_ends_it() -> None:
    clock = Clock()
    outage = Outage(clock)
    for _ in range(20):
        outage.begin(StoreUnavailable("gone"))
    assert outage.left_s == LONGEST_PAUSE_S
    clock.now -= timedelta(hours=1)
    assert outage.left_s == 0.0
    outage.end()
    outage.begin(StoreUnavailable("gone"))
    assert outage.left_s == 1.0


def test_what_the_store_broke_off_is_left_to_whoever_has_taken_it_over_meanwhile() -> None:
    scene = Scene()
    ours = scene.controller(store := FlakyStore(scene.store))
    for _ in range(5):
        scene.step(ours)
    store.go_away()
    scene.step(ours, seconds=40)
    scene.executor = ScriptedExecutor(scene.train, capacity=3)
    theirs = scene.controller(owner="theirs")
    scene.step(theirs)
    scene.step(theirs)
    told = scene.store.search(SearchId("a")).progress.evaluated
    store.come_back()
    for _ in range(5):
        scene.step(ours)
    assert ours.active == 0
    assert scene.store.search(SearchId("a")).progress.evaluated == told
    scene.run(theirs)
    assert proposals(scene.log()) == proposals(undisturbed().log())


def test_a_controller_that_stops_while_the_store_is_away_ends_and_leaves_its_leases_to_run_out() -> None:
    scene = Scene()
    controller = scene.controller(store := FlakyStore(scene.store))
    for _ in range(5):
        scene.step(controller)
    store.go_away()
    answers = iter([False] * 3)
    controller.run(lambda: next(answers, True))
    assert controller.active == 0
    assert scene.store.search(SearchId("a")).state is SearchState.RUNNING
    scene.clock.now += timedelta(seconds=31)
    scene.run(scene.controller(owner="the next"))


def test_a_store_that_is_away_is_waited_for_in_pauses_in_which_a_stop_is_heard() -> None:
    scene, waits = Scene(), list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        scene.clock.now += timedelta(seconds=seconds)

    controller = scene.controller(FlakyStore(scene.store, repeat("before")), wait=wait, poll_s=0.5)
    controller.run(lambda: len(waits) >= 100)
    assert 0 < max(waits) <= 0.5


def test_images_that_cannot_be_looked_up_now_are_looked_up_later() -> None:
    scene, tries = Scene(), count()

    def looks_up(spec: SearchSpec) -> Prepared:
        if next(tries) < 2:
            raise StoreUnavailable("connection refused")
        return prepare(spec)

    scene.run(scene.controller(prepare=looks_up))
    assert next(tries) == 3


@pytest.mark.parametrize("fate", ["before", "after"])
@pytest.mark.parametrize("verb", WRITES)
def test_each_write_may_fail_every_other_time(verb: str, fate: Fate) -> None:
    whole, scene = undisturbed(), Scene()
    rng = np.random.default_rng(0)
    fates: list[Fate] = ["ok" if rng.random() < 0.5 else fate for _ in range(300)]
    scene.run(scene.controller(FlakyStore(scene.store, fates, verbs=(verb,))), seconds=5.0)
    assert proposals(scene.log()) == proposals(whole.log())
    assert len(scene.trained) == len(set(scene.trained))


class Late(MemoryStore):  # type: ignore[misc]  # final, but here it is one that another process slows down
    """A store that carries an ask out after its caller has given it up, and read the log without it."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up: list[tuple[Lease, Candidate]] = []

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        if candidate.ordinal == 3 and not self.given_up:
            self.given_up.append((lease, candidate))
            raise StoreUnavailable("the answer took too long")
        if candidate.ordinal == 3 and len(self.given_up) == 1:
            super().record_ask(*self.given_up[0])
            self.given_up.append((lease, candidate))
        super().record_ask(lease, candidate)


def test_an_ask_that_is_carried_out_after_it_was_given_up_is_found_in_the_log() -> None:
    scene = Scene()
    late = Late()
    late.add_search(scene.store.search(SearchId("a")))
    scene.store = late
    scene.run(scene.controller())
    assert len(late.given_up) == 2
    assert proposals(scene.log()) == proposals(undisturbed().log())
    assert len(scene.trained) == len(set(scene.trained)) == len(scene.log())
