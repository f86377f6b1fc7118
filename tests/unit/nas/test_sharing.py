"""Several searches, one controller: who gets a free worker, who makes way, and what people change meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.testing import ScriptedExecutor
from nas.controller import Controller
from nas.intake import BARREN_CLAIMS
from nas.leases import Leasing
from nas.preparing import Prepared
from nas.records import Candidate, Search, SearchId, SearchState
from nas.run import SearchRun
from nas.sharing import making_way, places_for_trainings, whose_turn
from nas.spec import BudgetSpec, SearchSpec
from nas.store.memory import MemoryStore
from nas.testing.builders import START, make_search, make_tiny_spec
from nas.testing.controllers import make_controller, prepare, proposals

SPEC = {
    "population": 4,
    "budget": {"evaluations": 40},
    "front_seeds": 1,
    "engine": {"surrogate": False},
}


class Scene:
    """A store, a clock that a test moves, and controllers of four workers."""

    def __init__(self) -> None:
        self.store, self.now = MemoryStore(), START

    def submit(self, name: str, priority: int = 0, **changes: Any) -> SearchId:
        spec = make_tiny_spec(**SPEC | {"seed": len(name) + ord(name[0])} | changes)
        self.now += timedelta(seconds=1)
        self.store.add_search(
            make_search(name, spec=spec, priority=priority, parallelism=spec.parallelism, created_at=self.now)
        )
        return SearchId(name)

    def controller(
        self, *, owner: str = "ours", max_active: int = 4, workers: int = 4, prepare: Callable[..., Prepared] = prepare
    ) -> Controller:
        leasing = Leasing(owner=owner, lease_s=30, max_active=max_active)
        executor = ScriptedExecutor(capacity=workers)
        return make_controller(self.store, executor, leasing=leasing, clock=self.clock, prepare=prepare)

    def clock(self) -> datetime:
        return self.now

    def search(self, search: SearchId) -> Search:
        return self.store.search(search)

    def log(self, search: SearchId) -> list[Candidate]:
        return self.store.candidates(search, limit=None)

    def run_to_end(self, controller: Controller, *searches: SearchId) -> None:
        for _ in range(2000):
            controller.step()
            if all(self.search(search).state.ended for search in searches):
                return
        pytest.fail("not ended")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def steps(controller: Controller, number: int) -> None:
    for _ in range(number):
        controller.step()


# -- workers -----------------------------------------------------------------------------------------------------------


class Waiting:
    """As much of a run as a turn needs."""

    def __init__(
        self, name: str, priority: int = 0, age: int = 0, *, most: int | None = None, paused: bool = False
    ) -> None:
        created_at = START - timedelta(seconds=age)
        self.search = make_search(name, priority=priority, created_at=created_at, parallelism=most)
        self.paused = paused


def runs_of(*runs: Waiting) -> list[SearchRun]:
    return cast("list[SearchRun]", list(runs))


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=5), st.integers(1, 40))
def test_equals_get_an_equal_share_of_what_the_highest_priority_leaves(priorities: list[int], workers: int) -> None:
    runs = runs_of(*(Waiting(f"{number:08x}", priority) for number, priority in enumerate(priorities)))
    served = Counter(dict.fromkeys(runs, 0))
    for _ in range(workers):
        served[whose_turn(runs, served)] += 1
    first = [served[run] for run in runs if run.search.priority == max(priorities)]
    assert sum(first) == workers
    assert max(first) - min(first) <= 1


def test_the_lowest_priority_makes_way_and_of_equals_the_youngest() -> None:
    old, young, high = runs_of(Waiting("a", age=9), Waiting("b", age=1), Waiting("c", 1))
    runs = [young, high, old]
    assert making_way(runs, 0) == making_way(runs, -2) == []
    assert making_way(runs, 1) == [young]
    assert making_way(runs, 2) == [young, old]


@given(st.integers(0, 50), st.lists(st.tuples(st.none() | st.integers(1, 20), st.booleans()), max_size=4))
def test_full_trainings_have_half_of_the_workers_or_what_searches_leave(
    capacity: int, searches: list[tuple[int | None, bool]]
) -> None:
    runs = runs_of(*(Waiting("0000000a", most=most, paused=paused) for most, paused in searches))
    wanted = [most for most, paused in searches if not paused]
    places = places_for_trainings(capacity, runs)
    assert (capacity + 1) // 2 <= places <= capacity
    if not wanted:
        assert places == capacity
    elif None in wanted or sum(most or 0 for most in wanted) >= capacity:
        assert places == (capacity + 1) // 2
    else:
        assert places == max((capacity + 1) // 2, capacity - sum(most or 0 for most in wanted))


def test_free_workers_go_to_the_higher_priority(scene: Scene) -> None:
    low, high = scene.submit("a"), scene.submit("b", 5)
    controller = scene.controller()
    steps(controller, 20)
    assert scene.search(high).progress.evaluated >= 19
    assert scene.log(low) == []
    scene.run_to_end(controller, low, high)


def test_what_a_search_of_higher_priority_leaves_goes_to_the_others(scene: Scene) -> None:
    low, high = scene.submit("a"), scene.submit("b", 5, parallelism=1)
    controller = scene.controller()
    steps(controller, 2)
    assert scene.search(high).progress.in_flight == 1
    assert scene.search(low).progress.in_flight >= 2


def test_a_search_that_joins_is_given_workers_until_it_has_as_many(scene: Scene) -> None:
    first = scene.submit("a")
    controller = scene.controller(workers=6)
    steps(controller, 3)
    second = scene.submit("b")
    steps(controller, 5)
    assert [scene.search(search).progress.in_flight for search in (first, second)] == [3, 3]


def test_outcomes_that_are_known_by_the_hundred_leave_the_workers_to_others(scene: Scene) -> None:
    spec: dict[str, Any] = {"engine": "random", "budget": {"evaluations": 200}, "seed": 3}
    scene.run_to_end(scene.controller(), scene.submit("known", **spec))
    again, other = scene.submit("again", **spec), scene.submit("other")
    steps(scene.controller(owner="theirs"), 2)
    assert scene.search(other).progress.in_flight >= 3
    assert scene.search(again).progress.cached >= 3


def test_a_priority_may_change_while_a_search_runs(scene: Scene) -> None:
    first, second = scene.submit("a", 5), scene.submit("b")
    controller = scene.controller()
    steps(controller, 5)
    assert scene.log(second) == []
    scene.store.set_priority(second, 9, at=scene.now)
    steps(controller, 10)
    assert scene.search(first).progress.in_flight == 0
    assert scene.search(second).progress.in_flight >= 3


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_search_makes_way_for_one_of_higher_priority_once_its_trainings_have_ended(scene: Scene) -> None:
    low = scene.submit("a")
    controller = scene.controller(max_active=1)
    steps(controller, 3)
    urgent = scene.submit("b", 1)
    controller.step()
    asked = len(scene.log(low))
    assert controller.active == 2
    steps(controller, 10)
    left = scene.search(low)
    assert (left.state, left.reason, left.progress.in_flight) == (SearchState.QUEUED, "made way for b", 0)
    assert len(scene.log(low)) == asked
    scene.run_to_end(controller, low, urgent)
    finished = [scene.search(search).finished_at or START for search in (urgent, low)]
    assert finished == sorted(finished)
    assert len(scene.log(low)) == 40


def test_equals_do_not_make_way_for_each_other(scene: Scene) -> None:
    first = scene.submit("a")
    controller = scene.controller(max_active=1)
    steps(controller, 3)
    second = scene.submit("b")
    steps(controller, 10)
    assert scene.search(second).state is SearchState.QUEUED
    assert scene.search(first).state is SearchState.RUNNING


def test_the_lowest_of_several_makes_way(scene: Scene) -> None:
    searches = [scene.submit("a", 3), scene.submit("b", 1), scene.submit("c", 2)]
    controller = scene.controller(max_active=3)
    steps(controller, 3)
    scene.submit("d", 2)
    steps(controller, 10)
    states = [scene.search(search).state for search in searches]
    assert states == [SearchState.RUNNING, SearchState.QUEUED, SearchState.RUNNING]


# -- what people change ------------------------------------------------------------------------------------------------


def test_a_running_search_goes_on_when_it_is_given_more_budget(scene: Scene) -> None:
    search = scene.submit("a", budget={"evaluations": 10})
    controller = scene.controller()
    steps(controller, 5)
    scene.store.extend_search(search, BudgetSpec.model_validate({"evaluations": 20}), at=scene.now)
    scene.run_to_end(controller, search)
    assert len(scene.log(search)) == 20
    assert "20 evaluations" in scene.search(search).reason


@pytest.mark.parametrize("pause", [0, 3])
def test_an_extended_search_is_the_one_that_had_the_larger_budget_from_the_start(scene: Scene, pause: int) -> None:
    engine = {"surrogate": False, "order": "ordered", "lag": 4}
    whole = scene.submit("whole", engine=engine, seed=1, budget={"evaluations": 30})
    scene.run_to_end(scene.controller(), whole)
    search = scene.submit("short", engine=engine, seed=1, budget={"evaluations": 12})
    controller = scene.controller(owner="theirs")
    scene.run_to_end(controller, search)
    steps(controller, pause)
    scene.store.extend_search(search, BudgetSpec.model_validate({"evaluations": 30}), at=scene.now)
    scene.run_to_end(controller, search)
    assert proposals(scene.log(search)) == proposals(scene.log(whole))


def test_confirmations_of_the_first_front_stand_when_a_search_is_extended(scene: Scene) -> None:
    search = scene.submit("a", budget={"evaluations": 10}, front_seeds=2)
    scene.run_to_end(controller := scene.controller(), search)
    before = [candidate for candidate in scene.log(search) if candidate.replicate]
    scene.store.extend_search(search, BudgetSpec.model_validate({"evaluations": 30}), at=scene.now)
    scene.run_to_end(controller, search)
    log = scene.log(search)
    confirmed = [candidate for candidate in log if candidate.replicate]
    assert sum(candidate.replicate == 0 for candidate in log) == 30
    assert before == confirmed[: len(before)]
    assert len({candidate.genotype.digest for candidate in confirmed}) == len(confirmed)
    assert scene.search(search).progress.evaluated == len(log)


def test_a_search_that_is_given_more_just_as_it_ends_goes_on(scene: Scene) -> None:
    search = scene.submit("a", budget={"evaluations": 10})
    controller = scene.controller()
    end = scene.store.end_search

    def extended_meanwhile(*args: Any, **kwargs: Any) -> Search:
        if scene.search(search).spec.budget.evaluations == 10:
            scene.store.extend_search(search, BudgetSpec.model_validate({"evaluations": 15}), at=scene.now)
        return end(*args, **kwargs)

    scene.store.end_search = extended_meanwhile  # type: ignore[method-assign]
    for _ in range(100):
        controller.step()
    assert len(scene.log(search)) == 15
    assert scene.search(search).state is SearchState.COMPLETED
    ends = [event.kind for event in scene.store.events(search) if event.kind in ("queued", "completed")]
    assert ends == ["queued", "completed"]  # it was never over with budget left


def test_wall_time_is_spent_only_while_a_search_runs(scene: Scene) -> None:
    search = scene.submit("a", budget={"evaluations": 1000, "wall_time_s": 60})
    controller = scene.controller()
    steps(controller, 3)
    scene.now += timedelta(seconds=20)
    scene.store.move_search(search, SearchState.PAUSED, at=scene.now)
    steps(controller, 10)
    scene.now += timedelta(hours=5)
    scene.store.move_search(search, SearchState.QUEUED, at=scene.now)
    scene.now += timedelta(hours=5)
    steps(controller, 5)
    assert scene.search(search).state is SearchState.RUNNING
    scene.now += timedelta(seconds=41)
    scene.run_to_end(controller, search)
    assert scene.search(search).running_s(scene.now) == 61


def test_a_failed_search_goes_on_from_its_log_when_it_is_resumed(scene: Scene) -> None:
    search, broken = scene.submit("a"), [False]

    def may_fail(spec: SearchSpec) -> Prepared:
        if broken[0]:
            raise OSError("the disk went away")
        return prepare(spec)

    first = scene.controller(prepare=may_fail)
    steps(first, 5)
    scene.now += timedelta(seconds=31)
    broken[0] = True
    second = scene.controller(owner="theirs", prepare=may_fail)
    second.step()
    failed = scene.search(search)
    assert (failed.state, failed.progress.in_flight) == (SearchState.FAILED, 0)
    broken[0] = False
    scene.store.move_search(search, SearchState.QUEUED, at=scene.now)
    scene.run_to_end(second, search)
    assert scene.search(search).progress.evaluated == len(scene.log(search)) == 40


# -- controllers that vanish -------------------------------------------------------------------------------------------


def test_a_search_that_takes_every_controller_with_it_is_given_up_with_a_reason(scene: Scene) -> None:
    search, decoded = scene.submit("a"), []

    def deadly(spec: SearchSpec) -> Prepared:
        decoded.append(spec)
        raise KeyboardInterrupt  # stands for a process that is killed in the middle of it

    for number in range(BARREN_CLAIMS):
        with pytest.raises(KeyboardInterrupt):
            scene.controller(owner=f"victim-{number}", prepare=deadly).step()
        scene.now += timedelta(seconds=31)
    survivor = scene.controller(owner="survivor", prepare=deadly)
    survivor.step()
    assert len(decoded) == BARREN_CLAIMS
    assert scene.search(search).state is SearchState.FAILED
    assert f"{BARREN_CLAIMS} controllers in a row" in scene.search(search).reason
    scene.store.move_search(search, SearchState.QUEUED, at=scene.now)
    scene.run_to_end(scene.controller(owner="mended"), search)


def test_controllers_that_stop_in_good_order_are_not_held_against_a_search(scene: Scene) -> None:
    search = scene.submit("a")
    for number in range(2 * BARREN_CLAIMS):
        controller = scene.controller(owner=f"controller-{number}")
        controller.step()
        controller.close()
    scene.run_to_end(scene.controller(owner="last"), search)
    assert scene.search(search).state is SearchState.COMPLETED


@pytest.mark.parametrize("asleep_after", [1, 2, 5, 9])
def test_a_controller_that_slept_while_its_lease_was_taken_over_writes_nothing(scene: Scene, asleep_after: int) -> None:
    search = scene.submit("a", front_seeds=2, budget={"evaluations": 12})
    sleeper = scene.controller()
    steps(sleeper, asleep_after)
    scene.now += timedelta(seconds=31)
    other = scene.controller(owner="theirs")
    steps(other, 2)
    before = (scene.store.events(search), scene.log(search), scene.search(search))
    for act in (sleeper._record, sleeper._fill, sleeper._finish, sleeper.step, sleeper.step):
        act()
    assert (scene.store.events(search), scene.log(search), scene.search(search)) == before
    assert sleeper.active == 0
    scene.run_to_end(other, search)


def test_what_a_search_has_reached_survives_a_take_over(scene: Scene) -> None:
    search = scene.submit("a", budget={"evaluations": 12})
    steps(scene.controller(), 9)
    reached = scene.search(search).progress
    scene.now += timedelta(seconds=31)
    other = scene.controller(owner="theirs")
    steps(other, 2)
    progress = replace(scene.search(search).progress, in_flight=reached.in_flight)
    assert progress.evaluated >= reached.evaluated
    assert progress.train_s >= reached.train_s > 0
    scene.run_to_end(other, search)
