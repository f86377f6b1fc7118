"""Searches that harm or hold up others: long logs, deadly ones, torn ones, and controllers that come back late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, Job
from evaluator.outcome import Outcome
from evaluator.testing import ScriptedExecutor, synthetic
from nas.breeding import engine_of
from nas.controller import Controller
from nas.engine.base import Engine
from nas.intake import BARREN_CLAIMS
from nas.leases import Leasing
from nas.outage import LONGEST_PAUSE_S, MARGIN_S
from nas.preparing import Prepared
from nas.records import Candidate, Search, SearchId, SearchState
from nas.spec import SearchSpec
from nas.store.base import AlreadyStored, Lease, StoreUnavailable
from nas.store.memory import MemoryStore
from nas.testing.builders import START, make_search
from nas.testing.controllers import Held, make_controller, prepare
from nas.testing.flaky import FlakyStore

SPEC: dict[str, Any] = {
    "space": "tiny",
    "dataset": {"train": "photos"},
    "population": 4,
    "budget": {"evaluations": 40},
    "front_seeds": 1,
    "engine": {"surrogate": False},
    "objectives": ["psnr", "mult_adds"],
}


class Workers(ScriptedExecutor):
    """Four workers that notes what they were given, and may be told to finish nothing."""

    def __init__(self) -> None:
        super().__init__(self.train, capacity=4)
        self.trained: list[str] = []
        self.images: set[str] = set()
        self.stuck = False

    def train(self, job: Job) -> Outcome:
        self.trained.append(job.key)
        return synthetic(job)

    def load(self, data: EvaluationData) -> None:
        super().load(data)
        self.images.add(data.digest)

    def unload(self, digest: str) -> None:
        super().unload(digest)
        self.images.discard(digest)

    def completed(self, timeout_s: float) -> list[Completion]:
        return [] if self.stuck else super().completed(timeout_s)


class Scene:
    """A store, a clock that a test moves, and controllers."""

    def __init__(self) -> None:
        self.store, self.now, self.workers = MemoryStore(), START, Workers()

    def clock(self) -> datetime:
        return self.now

    def submit(self, name: str, priority: int = 0, **changes: Any) -> SearchId:
        spec = SearchSpec.model_validate(SPEC | {"seed": ord(name[0])} | changes)
        self.now += timedelta(seconds=1)
        self.store.add_search(make_search(name, spec=spec, priority=priority, created_at=self.now))
        return SearchId(name)

    def controller(self, store: Any = None, *, owner: str = "ours", max_active: int = 4, **parts: Any) -> Controller:
        leasing = Leasing(owner=owner, lease_s=30, max_active=max_active)
        parts = {"executor": self.workers} | parts
        return make_controller(store or self.store, leasing=leasing, clock=self.clock, **parts)

    def step(self, *controllers: Controller, times: int = 1, seconds: float = 1.0) -> None:
        for _ in range(times):
            for controller in controllers:
                controller.step()
            self.now += timedelta(seconds=seconds)

    def run_to_end(self, controller: Controller, *searches: SearchId) -> None:
        for _ in range(500):
            self.step(controller)
            if all(self.search(search).state.ended for search in searches):
                return
        pytest.fail("not ended")

    def search(self, search: SearchId) -> Search:
        return self.store.search(search)

    def log(self, search: SearchId) -> list[Candidate]:
        return self.store.candidates(search, limit=None)


@pytest.fixture
def scene() -> Scene:
    return Scene()


# -- long logs ---------------------------------------------------------------------------------------------------------


def test_a_log_is_read_beside_the_other_duties_and_its_lease_is_kept_meanwhile(scene: Scene) -> None:
    long, other = scene.submit("a"), scene.submit("b")
    scene.step(scene.controller(owner="lost"), times=8)
    scene.now += timedelta(seconds=31)
    loader, read = Held(), list[SearchId]()

    def reads(search: Search) -> Engine:
        read.append(search.id)
        return engine_of(search)

    controller = scene.controller(loader=loader, build_engine=reads)
    scene.step(controller)
    assert loader.go_on() == 1  # the images
    scene.step(controller, times=30, seconds=9.0)
    assert read == []
    assert scene.controller(owner="theirs").active == 0
    assert scene.store.claim_search("theirs", at=scene.now, lease_s=30, only=long) is None
    assert loader.go_on() == 1  # the log
    assert read == [long]
    while not scene.search(other).state.ended:
        scene.step(controller)
        loader.go_on()
    assert len(scene.log(long)) == len(scene.log(other)) == 40


def test_a_torn_search_is_read_again_while_the_others_go_on_and_its_outcomes_are_kept(scene: Scene) -> None:
    torn, other = scene.submit("a"), scene.submit("b")
    store, loader = FlakyStore(scene.store, verbs=("record_tell",)), Held()
    controller = scene.controller(store, loader=loader)
    for _ in range(8):
        scene.step(controller)
        loader.go_on()
    store.go_away()
    scene.step(controller)
    store.come_back()
    told = {search: scene.search(search).progress.evaluated for search in (torn, other)}
    scene.step(controller, times=60, seconds=9.0)
    gained = {search: scene.search(search).progress.evaluated - told[search] for search in (torn, other)}
    assert sorted(gained.values())[0] == 0  # it waits for its log
    assert sorted(gained.values())[1] > 10
    assert loader.go_on() == 1
    scene.run_to_end(controller, torn, other)
    assert len(scene.workers.trained) == len(set(scene.workers.trained)) == 80


# -- deadly searches ---------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for a process that is gone."""


@pytest.mark.parametrize("names", ["ab", "ba"], ids=["the innocent first", "the deadly first"])
@pytest.mark.parametrize("where", ["images", "log"])
def test_a_deadly_search_is_given_up_and_no_other_with_it(scene: Scene, names: str, where: str) -> None:
    innocent, deadly = sorted(scene.submit(name) for name in names)

    def prepares(spec: SearchSpec) -> Prepared:
        if where == "images" and spec.seed == ord(deadly):
            raise Killed
        return prepare(spec)

    def reads(search: Search) -> Engine:
        if where == "log" and search.id == deadly:
            raise Killed
        return engine_of(search)

    scene.workers.stuck = True  # trainings are long
    deaths = 0
    while not scene.search(deadly).state.ended:
        controller = scene.controller(owner=f"victim-{deaths}", prepare=prepares, build_engine=reads)
        try:
            scene.step(controller, times=5)
        except Killed:
            deaths += 1
            assert deaths <= BARREN_CLAIMS
        scene.now += timedelta(seconds=60)
    assert deaths == BARREN_CLAIMS
    assert scene.search(deadly).state is SearchState.FAILED
    scene.workers.stuck = False
    scene.run_to_end(scene.controller(owner="last"), innocent)
    assert scene.search(innocent).state is SearchState.COMPLETED


def test_long_trainings_are_not_held_against_a_search_whose_controllers_die_of_something_else(scene: Scene) -> None:
    search = scene.submit("a")
    scene.workers.stuck = True
    for number in range(2 * BARREN_CLAIMS):
        scene.step(scene.controller(owner=f"victim-{number}"), times=3)
        scene.now += timedelta(seconds=31)
    scene.workers.stuck = False
    scene.run_to_end(scene.controller(owner="last"), search)
    assert scene.search(search).state is SearchState.COMPLETED


# -- outages -----------------------------------------------------------------------------------------------------------


def test_whoever_comes_back_first_leaves_the_others_what_is_theirs(scene: Scene) -> None:
    search = scene.submit("a")
    stores = [FlakyStore(scene.store), FlakyStore(scene.store)]
    ours = scene.controller(stores[0])
    scene.step(ours)
    theirs = scene.controller(stores[1], owner="theirs", executor=Workers())
    scene.step(ours, theirs, times=2)
    for store in stores:
        store.go_away()
    scene.step(ours, theirs, times=40)
    for store in stores:
        store.come_back()
    scene.step(theirs, times=2)
    assert scene.store.claim_search("nobody", at=START, lease_s=30) is None
    scene.step(theirs, ours, times=100)
    assert scene.search(search).state is SearchState.COMPLETED
    assert [event.kind for event in scene.store.events(search, limit=5000)].count("claimed") == 1
    assert len(scene.workers.trained) == len(set(scene.workers.trained)) == 40


def test_after_an_outage_what_nobody_has_renewed_is_claimed(scene: Scene) -> None:
    search = scene.submit("a")
    scene.step(scene.controller(owner="lost"), times=2)
    controller = scene.controller(store := FlakyStore(scene.store))
    store.go_away()
    scene.step(controller, times=60)
    store.come_back()
    scene.step(controller, times=int(2 * LONGEST_PAUSE_S + MARGIN_S))
    assert controller.active == 1
    scene.run_to_end(controller, search)


def test_what_came_back_during_an_outage_is_recorded_by_a_controller_that_stops_as_the_store_is_back(
    scene: Scene,
) -> None:
    search = scene.submit("a")
    controller = scene.controller(store := FlakyStore(scene.store))
    scene.step(controller, times=3)
    store.go_away()
    scene.step(controller, times=20)
    store.come_back()
    controller.close()
    assert scene.search(search).state is SearchState.QUEUED
    assert scene.search(search).progress.evaluated == len(scene.workers.trained) > 2
    scene.run_to_end(scene.controller(owner="next"), search)
    assert len(scene.workers.trained) == len(set(scene.workers.trained)) == 40


def test_a_controller_that_stops_gives_its_searches_back_where_an_outcome_cannot_be_recorded(scene: Scene) -> None:
    search = scene.submit("a")
    store = FlakyStore(scene.store, verbs=("record_tell",))
    controller = scene.controller(store)
    scene.step(controller, times=3)
    store.go_away()
    scene.step(controller, times=3)
    controller.close()
    assert scene.search(search).state is SearchState.QUEUED


# -- logs that are not what they should be -----------------------------------------------------------------------------


class Taken(MemoryStore):  # type: ignore[misc]  # final, but here it is one with a log that somebody has written into
    """A store that refuses the asks of one search, from one on."""

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """Refuse what somebody seems to have asked already."""
        if candidate.search_id == "a" and candidate.ordinal >= 6:
            raise AlreadyStored("candidate", candidate.id)
        super().record_ask(lease, candidate)


def test_a_log_that_stays_inconsistent_fails_its_search_alone(scene: Scene) -> None:
    scene.store = Taken()
    broken, sound = scene.submit("a"), scene.submit("b")
    controller = scene.controller()
    scene.run_to_end(controller, broken, sound)
    assert scene.search(broken).state is SearchState.FAILED
    assert "stored already" in scene.search(broken).reason or "AlreadyStored" in scene.search(broken).reason
    assert scene.search(sound).state is SearchState.COMPLETED
    assert len(scene.workers.trained) == len(set(scene.workers.trained))


# -- images ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [ValueError("no such engine"), StoreUnavailable("gone")])
def test_images_of_a_search_that_cannot_be_begun_are_not_kept(scene: Scene, trouble: Exception) -> None:
    search, tries = scene.submit("a"), list[int]()

    def fails(search: Search) -> Engine:
        tries.append(1)
        raise trouble

    controller = scene.controller(build_engine=fails)
    scene.step(controller, times=5)
    assert tries
    scene.store.move_search(search, SearchState.CANCELLED, at=scene.now) if controller.active else None
    scene.step(controller, times=10)
    assert controller.active == 0
    assert scene.workers.images == set()


# -- places ------------------------------------------------------------------------------------------------------------


def test_nobody_makes_way_while_the_images_of_the_newcomer_are_decoded(scene: Scene) -> None:
    low, loader = scene.submit("a"), Held()
    controller = scene.controller(max_active=1, loader=loader)
    go_on(scene, controller, loader.go_on, times=4)
    urgent = scene.submit("b", 1)
    scene.step(controller)
    asked = len(scene.log(low))
    scene.step(controller, times=8)
    assert len(scene.log(low)) >= asked + 8
    assert scene.search(urgent).state is SearchState.RUNNING
    go_on(scene, controller, loader.go_on, times=8)
    assert scene.search(low).state is SearchState.QUEUED
    assert scene.search(low).reason == "made way for b"
    assert len(scene.log(urgent)) > 0


def go_on(scene: Scene, controller: Controller, loader: Callable[[], int], times: int) -> None:
    for _ in range(times):
        scene.step(controller)
        loader()


def test_a_search_that_is_resumed_where_all_places_are_taken_goes_on_with_its_trainings(scene: Scene) -> None:
    search = scene.submit("a")
    controller = scene.controller(max_active=1)
    scene.step(controller, times=3)
    scene.workers.stuck = True
    scene.step(controller)
    asked = len(scene.log(search))
    scene.store.move_search(search, SearchState.PAUSED, at=scene.now)
    scene.step(controller)
    scene.store.move_search(search, SearchState.QUEUED, at=scene.now)
    scene.step(controller, times=3)
    assert scene.search(search).state is SearchState.RUNNING
    assert len(scene.log(search)) >= asked
    scene.workers.stuck = False
    scene.run_to_end(controller, search)
    assert len(scene.workers.trained) == len(set(scene.workers.trained)) == 40
