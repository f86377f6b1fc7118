from __future__ import annotations

import errno
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.data.sets import EvaluationData
from evaluator.executor import Job, Ticket
from evaluator.outcome import Failure, Outcome, Success
from evaluator.testing import ScriptedExecutor, synthetic, tiny_data
from nas import pareto
from nas.breeding import engine_of
from nas.controller import Controller
from nas.engine.base import Engine
from nas.jobs import Jobs, steps_of
from nas.leases import Leasing
from nas.objectives import Objective
from nas.preparing import Prepared
from nas.records import Candidate, CandidateState, Search, SearchId, SearchState
from nas.scores import points_of
from nas.spec import SearchSpec
from nas.states import StateShelf
from nas.store.memory import MemoryStore
from nas.testing.controllers import BASELINE, by_steps, make_controller, prepare
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype
from search_space.spaces import get_space

ORDERED = {"surrogate": False, "order": "ordered", "lag": 8}


class Clock:
    """Time that stands still until it is told to pass."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Lab:
    """A store, a clock and controllers that live and die."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.weights: dict[str, bytes] = {}
        self.states = StateShelf(Path("states-are-not-kept"), 0)
        self.owners = 0

    def submit(self, name: str = "a", **changes: Any) -> SearchId:
        document = {
            "space": "tiny",
            "dataset": {"train": "photos"},
            "population": 8,
            "budget": {"evaluations": 30},
            "front_seeds": 1,
            "engine": {"surrogate": False},
            "objectives": ["psnr", "mult_adds"],
        }
        search = Search(
            id=SearchId(name),
            spec=SearchSpec.model_validate(document | changes),
            state=SearchState.QUEUED,
            created_at=self.clock(),
        )
        search = replace(search, parallelism=search.spec.parallelism)
        self.store.add_search(search)
        self.clock.pass_s(1)
        return search.id

    def keep(self, key: str, weights: bytes) -> str:
        self.weights[key] = weights
        return f"weights/{key}"

    def controller(
        self, executor: ScriptedExecutor | None = None, *, only: SearchId | None = None, **parts: Any
    ) -> Controller:
        self.owners += 1
        return make_controller(
            self.store,
            executor or ScriptedExecutor(capacity=4),
            keep_weights=self.keep,
            states=self.states,
            leasing=Leasing(owner=f"controller-{self.owners}", lease_s=30, max_active=4, only=only),
            clock=self.clock,
            **parts,
        )

    def run_to_end(self, controller: Controller, *searches: SearchId, steps: int = 5000) -> None:
        for _ in range(steps):
            controller.step()
            if all(self.store.search(search).state.ended for search in searches):
                return
        pytest.fail(f"not ended after {steps} steps: {[self.store.search(s).state for s in searches]}")

    def log(self, search: SearchId) -> list[Candidate]:
        return self.store.candidates(search, limit=None)

    def front_texts(self, search: SearchId) -> list[str]:
        return [str(candidate.genotype) for candidate in self.log(search)]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_a_search_runs_to_its_budget_and_everything_is_recorded(lab: Lab) -> None:
    search = lab.submit()
    lab.run_to_end(lab.controller(), search)
    stored, log = lab.store.search(search), lab.log(search)
    assert stored.state is SearchState.COMPLETED
    assert "30 evaluations" in stored.reason
    assert len(log) == stored.progress.evaluated == 30
    assert {c.state for c in log} == {CandidateState.SCORED}
    assert sorted(c.told_ordinal for c in log if c.told_ordinal is not None) == list(range(30))
    assert len({c.genotype.digest for c in log}) == 30
    assert stored.data_notes == ("two images",)
    assert stored.baseline == BASELINE
    kinds = [event.kind for event in lab.store.events(search)]
    assert kinds[:3] == ["submitted", "claimed", "started"]
    assert kinds.count("asked") == kinds.count("told") == 30
    assert kinds[-1] == "completed"


def test_progress_agrees_with_the_log(lab: Lab) -> None:
    search = lab.submit()
    lab.run_to_end(lab.controller(), search)
    progress, log = lab.store.search(search).progress, lab.log(search)
    evaluations = [c.evaluation for c in log if c.evaluation is not None]
    assert progress.best_psnr_db == max(e.psnr_db or 0 for e in evaluations)
    assert progress.train_s == pytest.approx(sum(e.train_s for e in evaluations))
    assert progress.in_flight == progress.failed == progress.cached == 0
    assert progress.hypervolume > 0


def test_an_outcome_is_written_before_the_engine_hears_of_it(lab: Lab) -> None:
    search = lab.submit()
    heard: list[CandidateState] = []

    def eavesdropping(stored: Search) -> Engine:
        engine = engine_of(stored)
        tell = engine.tell

        def heard_tell(genotype: Genotype, *args: Any, **kwargs: Any) -> bool:
            (row,) = [c for c in lab.log(search) if c.genotype == genotype]
            heard.append(row.state)
            return tell(genotype, *args, **kwargs)

        engine.tell = heard_tell  # type: ignore[method-assign]
        return engine

    lab.run_to_end(lab.controller(build_engine=eavesdropping), search)
    assert heard == [CandidateState.SCORED] * 30


@pytest.mark.parametrize("steps", [0, 1, 2, 7, 13, 20, 31])
def test_a_search_whose_controller_died_ends_like_an_undisturbed_one(steps: int) -> None:
    undisturbed, killed = Lab(), Lab()
    whole, search = undisturbed.submit(), killed.submit()
    undisturbed.run_to_end(undisturbed.controller(), whole)
    dead = killed.controller()
    for _ in range(steps):
        dead.step()
    killed.clock.pass_s(31)  # its lease runs out
    killed.run_to_end(killed.controller(), search)
    assert killed.front_texts(search) == undisturbed.front_texts(whole)
    assert len(killed.log(search)) == 30
    assert killed.store.search(search).progress.hypervolume == pytest.approx(
        undisturbed.store.search(whole).progress.hypervolume
    )


def test_a_controller_that_was_taken_over_writes_nothing(lab: Lab) -> None:
    search = lab.submit()
    first = lab.controller()
    for _ in range(5):
        first.step()
    lab.clock.pass_s(31)
    second = lab.controller()
    for _ in range(5):
        second.step()
    told = lab.store.search(search).progress.evaluated
    first.step()
    assert first.active == 0
    assert lab.store.search(search).progress.evaluated == told
    lab.run_to_end(second, search)


def test_a_controller_that_stops_gives_its_searches_back(lab: Lab) -> None:
    search = lab.submit()
    controller = lab.controller()
    for _ in range(5):
        controller.step()
    controller.close()
    assert lab.store.search(search).state is SearchState.QUEUED
    lab.run_to_end(lab.controller(), search)
    assert len(lab.log(search)) == 30


def test_other_options_after_a_restart_go_on_from_the_same_log(lab: Lab) -> None:
    search = lab.submit()
    first = lab.controller()
    for _ in range(15):
        first.step()
    first.close()
    before = {c.genotype.digest for c in lab.log(search)}

    def other_engine(stored: Search) -> Engine:
        return engine_of(replace(stored, spec=stored.spec.model_copy(update={"seed": 99})))

    lab.run_to_end(lab.controller(build_engine=other_engine), search)
    log = lab.log(search)
    assert len(log) == len({c.genotype.digest for c in log}) == 30
    assert before < {c.genotype.digest for c in log}


def test_failures_are_rows_and_the_search_goes_on(lab: Lab) -> None:
    def often_fails(job: Job) -> Outcome:
        if int(job.genotype.digest, 16) % 3 == 0:
            return Failure(kind="diverged", message="the loss grew", train_s=1.0)
        return synthetic(job)

    search = lab.submit()
    lab.run_to_end(lab.controller(ScriptedExecutor(often_fails, capacity=4)), search)
    failed = [c for c in lab.log(search) if c.state is CandidateState.FAILED]
    assert 0 < len(failed) == lab.store.search(search).progress.failed
    assert all(c.evaluation is not None and c.evaluation.failure_kind == "diverged" for c in failed)


def test_a_search_in_which_everything_fails_still_ends(lab: Lab) -> None:
    search = lab.submit()
    executor = ScriptedExecutor(lambda job: Failure(kind="out_of_memory", message="no memory"), capacity=4)
    lab.run_to_end(lab.controller(executor), search)
    stored = lab.store.search(search)
    assert stored.state is SearchState.COMPLETED
    assert stored.progress.failed == 30
    assert stored.progress.best_psnr_db is None


def test_the_same_work_is_done_once_across_searches(lab: Lab) -> None:
    trained: list[str] = []

    def counted(job: Job) -> Outcome:
        trained.append(job.key)
        return synthetic(job)

    first, second = lab.submit("a", engine=ORDERED), lab.submit("b", engine=ORDERED)
    lab.run_to_end(lab.controller(ScriptedExecutor(counted, capacity=4)), first, second)
    third = lab.submit("c", engine=ORDERED)
    lab.run_to_end(lab.controller(ScriptedExecutor(counted, capacity=4)), third)
    assert len(trained) == len(set(trained)) == 30
    assert lab.store.search(third).progress.cached == 30
    assert lab.store.search(third).progress.train_s == 0
    assert lab.front_texts(first) == lab.front_texts(second) == lab.front_texts(third)


def test_a_failure_that_may_not_happen_again_is_tried_anew_by_another_search(lab: Lab) -> None:
    first = lab.submit("a")
    lost = ScriptedExecutor(lambda job: Failure(kind="worker_lost", message="gone"), capacity=4)
    lab.run_to_end(lab.controller(lost), first)
    second = lab.submit("b")
    lab.run_to_end(lab.controller(), second)
    assert lab.store.search(second).progress.failed == 0
    assert {c.state for c in lab.log(first)} == {CandidateState.FAILED}


def test_score_constraints_decide_feasibility(lab: Lab) -> None:
    search = lab.submit(constraints=[{"metric": "psnr", "min": 31.5}])
    lab.run_to_end(lab.controller(), search)
    log = lab.log(search)
    assert {c.feasible for c in log} == {True, False}
    for candidate in log:
        assert candidate.evaluation is not None
        assert candidate.evaluation.psnr_db is not None
        assert candidate.feasible == (candidate.evaluation.psnr_db >= 31.5)


def test_a_paused_search_finishes_what_is_in_flight_and_proposes_nothing(lab: Lab) -> None:
    search = lab.submit()
    controller = lab.controller()
    for _ in range(5):
        controller.step()
    lab.store.move_search(search, SearchState.PAUSED, at=lab.clock())
    for _ in range(10):
        controller.step()
    log = lab.log(search)
    assert controller.active == 0
    assert 0 < len(log) < 30
    assert all(c.told_ordinal is not None for c in log)
    lab.store.move_search(search, SearchState.QUEUED, at=lab.clock())
    lab.run_to_end(controller, search)
    assert len(lab.log(search)) == 30


class Watched(ScriptedExecutor):
    """Remembers what was cancelled and which images are loaded."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**{"capacity": 4, **changes})
        self.cancelled: list[Ticket] = []
        self.images: set[str] = set()

    def load(self, data: EvaluationData) -> None:
        super().load(data)
        self.images.add(data.digest)

    def unload(self, digest: str) -> None:
        super().unload(digest)
        self.images.discard(digest)

    def cancel(self, ticket: Ticket) -> None:
        super().cancel(ticket)
        self.cancelled.append(ticket)


def test_a_cancelled_search_frees_its_workers_and_its_images(lab: Lab) -> None:
    search = lab.submit()
    executor = Watched()
    controller = lab.controller(executor)
    for _ in range(5):
        controller.step()
    in_flight = lab.store.search(search).progress.in_flight
    assert in_flight > 0
    lab.store.move_search(search, SearchState.CANCELLED, at=lab.clock())
    controller.step()
    assert len(executor.cancelled) == in_flight
    assert executor.images == set()
    assert controller.active == 0
    assert {c.state for c in lab.log(search)} == {CandidateState.SCORED, CandidateState.ABANDONED}


def test_images_that_another_search_uses_stay_loaded(lab: Lab) -> None:
    first, second = lab.submit("a"), lab.submit("b", seed=1)
    executor = Watched()
    controller = lab.controller(executor)
    for _ in range(5):
        controller.step()
    lab.store.move_search(first, SearchState.CANCELLED, at=lab.clock())
    lab.run_to_end(controller, second)
    assert len(lab.log(second)) == 30
    assert executor.images == set()


def test_a_search_that_is_resumed_at_once_keeps_its_trainings(lab: Lab) -> None:
    search = lab.submit()
    executor = Watched()
    controller = lab.controller(executor)
    for _ in range(5):
        controller.step()
    lab.store.move_search(search, SearchState.PAUSED, at=lab.clock())
    lab.store.move_search(search, SearchState.QUEUED, at=lab.clock())
    lab.run_to_end(controller, search)
    assert executor.cancelled == []
    assert [event.kind for event in lab.store.events(search)].count("started") == 1
    assert len(lab.log(search)) == 30


def test_a_search_that_is_paused_as_its_budget_ends_completes_when_it_is_resumed(lab: Lab) -> None:
    search = lab.submit()
    controller = lab.controller()
    while len(lab.log(search)) < 30:
        controller.step()
    lab.store.move_search(search, SearchState.PAUSED, at=lab.clock())
    for _ in range(10):
        controller.step()
    assert lab.store.search(search).state is SearchState.PAUSED
    assert controller.active == 0
    lab.store.move_search(search, SearchState.QUEUED, at=lab.clock())
    lab.run_to_end(controller, search)
    assert lab.store.search(search).state is SearchState.COMPLETED


def test_a_search_that_is_cancelled_while_its_images_fail_stays_cancelled(lab: Lab) -> None:
    search = lab.submit()

    def cancelled_meanwhile(spec: SearchSpec) -> Prepared:
        lab.store.move_search(search, SearchState.CANCELLED, at=lab.clock())
        raise OSError("the disk went away")

    controller = lab.controller(prepare=cancelled_meanwhile)
    controller.step()
    assert lab.store.search(search).state is SearchState.CANCELLED
    assert controller.active == 0


def test_trouble_of_one_search_leaves_the_others_alone(lab: Lab) -> None:
    broken, sound = lab.submit("a"), lab.submit("b", seed=1)

    def engine_or_trouble(search: Search) -> Engine:
        if search.id == broken:
            raise ValueError("no such engine")
        return engine_of(search)

    lab.run_to_end(lab.controller(build_engine=engine_or_trouble), broken, sound)
    assert lab.store.search(broken).state is SearchState.FAILED
    assert "no such engine" in lab.store.search(broken).reason
    assert len(lab.log(sound)) == 30


def heavy(job: Job) -> Outcome:
    outcome = synthetic(job)
    return replace(outcome, weights=b"weights") if isinstance(outcome, Success) else outcome


def test_a_full_disk_holds_outcomes_back_until_there_is_room(lab: Lab) -> None:
    search, keep, tries = lab.submit(), lab.keep, count(1)

    def full(key: str, weights: bytes) -> str:
        if next(tries) <= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return keep(key, weights)

    lab.keep = full  # type: ignore[method-assign]
    controller = lab.controller(ScriptedExecutor(heavy, capacity=4))
    for _ in range(30):
        controller.step()
        lab.clock.pass_s(1)
    lab.run_to_end(controller, search)
    assert len(lab.weights) == lab.store.search(search).progress.evaluated == 30


def test_weights_that_may_not_be_written_fail_the_search_that_meets_it_with_the_reason(lab: Lab) -> None:
    search = lab.submit()

    def refused(key: str, weights: bytes) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    lab.keep = refused  # type: ignore[method-assign]
    lab.run_to_end(lab.controller(ScriptedExecutor(heavy, capacity=4)), search)
    stored = lab.store.search(search)
    assert stored.state is SearchState.FAILED
    assert "Permission denied" in stored.reason
    assert stored.progress.in_flight == 0


def test_weights_belong_to_the_score_that_was_stored_where_two_controllers_train_the_same(lab: Lab) -> None:
    first, second = lab.submit("a"), lab.submit("b")
    kept = []

    def keep(key: str, weights: bytes) -> str:
        kept.append(key)
        return f"weights/{key}-{weights.decode()}"

    def trained_by(name: str, gain_db: float) -> ScriptedExecutor:
        def train(job: Job) -> Outcome:
            outcome = synthetic(job)
            assert isinstance(outcome, Success)
            scores = replace(outcome.scores, psnr_db=outcome.scores.psnr_db + gain_db)
            return replace(outcome, weights=name.encode(), scores=scores)

        return ScriptedExecutor(train, capacity=2)

    lab.keep = keep  # type: ignore[method-assign]
    one = lab.controller(trained_by("lower", 0.0), only=first)
    other = lab.controller(trained_by("higher", 1.0), only=second)
    for _ in range(100):
        one.step()
        other.step()
    stored = {c.evaluation_key: c.evaluation for search in (first, second) for c in lab.log(search)}
    jobs = Jobs(lab.store.search(first), lab.states)
    for candidate in lab.log(first):
        plain, evaluation = synthetic(jobs.job(candidate)), stored[candidate.evaluation_key]
        assert isinstance(plain, Success)
        assert evaluation is not None
        assert evaluation.psnr_db is not None
        higher = evaluation.psnr_db > plain.scores.psnr_db + 0.5
        assert evaluation.weights == f"weights/{evaluation.key}-{'higher' if higher else 'lower'}"
    assert sorted(kept) == sorted(stored)  # nothing is kept that no score names


def test_a_controller_that_slept_past_its_lease_goes_on_with_its_own_trainings(lab: Lab) -> None:
    search = lab.submit()
    executor = Watched()
    controller = lab.controller(executor)
    for _ in range(5):
        controller.step()
    lab.clock.pass_s(3600)
    lab.run_to_end(controller, search)
    assert executor.cancelled == []
    assert [event.kind for event in lab.store.events(search)].count("claimed") == 1


def test_images_that_changed_since_the_start_are_not_mixed_with_the_old_ones(lab: Lab) -> None:
    search = lab.submit()
    first = lab.controller()
    for _ in range(5):
        first.step()
    first.close()

    def changed(spec: SearchSpec) -> Prepared:
        return replace(prepare(spec), data=tiny_data(seed=5))

    lab.run_to_end(lab.controller(prepare=changed), search)
    assert lab.store.search(search).state is SearchState.FAILED
    assert "images changed" in lab.store.search(search).reason


def test_a_controller_may_be_held_to_one_search(lab: Lab) -> None:
    older, wanted = lab.submit("a"), lab.submit("b", seed=1)
    lab.run_to_end(lab.controller(only=wanted), wanted)
    assert lab.store.search(older).state is SearchState.QUEUED


def test_candidates_left_in_flight_are_not_trained_again_if_their_outcome_is_known(lab: Lab) -> None:
    search = lab.submit("a", engine=ORDERED)
    first = lab.controller()
    for _ in range(3):
        first.step()
    first.close()
    twin = lab.submit("b", engine=ORDERED)
    lab.run_to_end(lab.controller(only=twin), twin)
    trained: list[str] = []

    def counted(job: Job) -> Outcome:
        trained.append(job.key)
        return synthetic(job)

    lab.run_to_end(lab.controller(ScriptedExecutor(counted, capacity=4)), search)
    assert trained == []


def test_known_outcomes_by_the_hundred_do_not_keep_a_controller_from_its_duties(lab: Lab) -> None:
    first = lab.submit("a", engine="random", budget={"evaluations": 300})
    lab.run_to_end(lab.controller(), first)
    second = lab.submit("b", engine="random", budget={"evaluations": 300})
    controller = lab.controller()
    controller.step()
    assert 0 < lab.store.search(second).progress.evaluated < 150
    lab.run_to_end(controller, second)
    assert lab.store.search(second).progress.cached == 300


def test_a_shorter_time_limit_of_one_search_does_not_bind_another(lab: Lab) -> None:
    def slow(job: Job) -> Outcome:
        return synthetic(job) if job.timeout_s > 60 else Failure(kind="timeout", message="too slow")

    hasty, patient = lab.submit("a", evaluation_timeout_s=1), lab.submit("b")
    lab.run_to_end(lab.controller(ScriptedExecutor(slow, capacity=8)), hasty, patient)
    assert lab.store.search(patient).progress.failed == 0


def test_searches_share_the_workers_in_turn(lab: Lab) -> None:
    searches = [lab.submit(name, seed=seed) for seed, name in enumerate("abc")]
    controller = lab.controller(ScriptedExecutor(capacity=3))
    for _ in range(30):
        controller.step()
    told = [lab.store.search(search).progress.evaluated for search in searches]
    assert max(told) - min(told) <= 3


def test_parallelism_limits_a_search(lab: Lab) -> None:
    search = lab.submit(parallelism=2)
    controller = lab.controller(ScriptedExecutor(capacity=8))
    peak = 0
    for _ in range(20):
        controller.step()
        peak = max(peak, lab.store.search(search).progress.in_flight)
    assert peak <= 2


def test_wall_time_ends_a_search_after_what_is_in_flight(lab: Lab) -> None:
    search = lab.submit(budget={"evaluations": 1000, "wall_time_s": 60})
    controller = lab.controller()
    for _ in range(5):
        controller.step()
    lab.clock.pass_s(29)
    controller.step()
    lab.clock.pass_s(29)
    controller.step()
    lab.clock.pass_s(29)
    lab.run_to_end(controller, search, steps=20)
    assert lab.store.search(search).state is SearchState.COMPLETED
    assert "60 s" in lab.store.search(search).reason
    assert all(c.told_ordinal is not None for c in lab.log(search))


def test_a_small_space_is_searched_whole_and_the_search_says_so(lab: Lab) -> None:
    search = lab.submit(engine="random", budget={"evaluations": 2000})
    lab.run_to_end(lab.controller(), search)
    assert len(lab.log(search)) == get_space("tiny").distinct_size == 1152
    assert "every network" in lab.store.search(search).reason


def test_images_that_cannot_be_used_fail_the_search_with_the_reason(lab: Lab) -> None:
    search = lab.submit()

    def vanished(spec: SearchSpec) -> Prepared:
        raise InvalidInput([Problem("dataset.train", spec.dataset.train, "a folder")])

    lab.run_to_end(lab.controller(prepare=vanished), search)
    stored = lab.store.search(search)
    assert stored.state is SearchState.FAILED
    assert "dataset.train" in stored.reason


def asked_and_survived(executor: ScriptedExecutor) -> list[tuple[str, bool | None]]:
    """The candidates of a search that is told in order, and whether each survived."""
    engine = {"order": "ordered", "lag": 8, "surrogate_after": 12, "surrogate_children": 10, "surrogate_refit": 4}
    lab = Lab()
    search = lab.submit(engine=engine)
    lab.run_to_end(lab.controller(executor), search)
    return [(str(candidate.genotype), candidate.survived) for candidate in lab.log(search)]


@cache
def on_one_worker() -> list[tuple[str, bool | None]]:
    return asked_and_survived(ScriptedExecutor(capacity=1))


@pytest.mark.parametrize("capacity", [2, 8])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_told_in_order_a_search_is_the_same_for_any_timing_and_number_of_workers(capacity: int, seed: int) -> None:
    jumbled = ScriptedExecutor(capacity=capacity, order=np.random.default_rng(seed))
    assert asked_and_survived(jumbled) == on_one_worker()


def test_told_in_order_no_more_are_in_flight_than_the_lag_allows(lab: Lab) -> None:
    search = lab.submit(engine={"surrogate": False, "order": "ordered", "lag": 3})
    stuck = ScriptedExecutor(capacity=8, order=lambda job: -job.seed)
    lab.run_to_end(lab.controller(stuck), search)
    told: set[int] = set()
    for event in lab.store.events(search, limit=5000):
        if event.kind == "told":
            told.add(event.detail["ordinal"])
        elif event.kind == "asked":
            assert told >= set(range(event.detail["ordinal"] - 2))
    assert [c.tells_before for c in lab.log(search)] == [max(0, ordinal - 2) for ordinal in range(30)]


def test_parallelism_may_change_while_a_search_runs(lab: Lab) -> None:
    search = lab.submit(parallelism=1)
    controller = lab.controller()
    for _ in range(6):
        controller.step()
        assert lab.store.search(search).progress.in_flight <= 1
    lab.store.set_parallelism(search, 3, at=lab.clock())
    controller.step()
    assert lab.store.search(search).progress.in_flight == 3
    lab.run_to_end(controller, search)
    assert len(lab.log(search)) == 30


def test_what_survived_is_recorded_for_every_outcome(lab: Lab) -> None:
    search = lab.submit()
    lab.run_to_end(lab.controller(), search)
    survived = [c.survived for c in lab.log(search)]
    assert None not in survived
    assert 8 <= sum(map(bool, survived)) < 30


def test_the_hypervolume_after_every_outcome_is_recorded_and_never_falls(lab: Lab) -> None:
    search = lab.submit()
    lab.run_to_end(lab.controller(), search)
    told = sorted(lab.log(search), key=lambda c: c.told_ordinal or 0)
    volumes = [c.hypervolume or 0.0 for c in told]
    assert volumes == sorted(volumes)
    assert volumes[-1] == lab.store.search(search).progress.hypervolume > 0


RUNGS = {"name": "default", "steps": 240, "rungs": 3}


def test_rungs_promote_the_best_and_the_front_is_drawn_from_the_top_rung(lab: Lab, tmp_path: Path) -> None:
    lab.states = StateShelf(tmp_path, 2**20)
    search = lab.submit(recipe=RUNGS, budget={"evaluations": 80})
    lab.run_to_end(lab.controller(ScriptedExecutor(by_steps, capacity=4)), search)
    stored, log = lab.store.search(search), lab.log(search)
    counts = [sum(c.rung == rung for c in log) for rung in range(3)]
    assert counts[0] > counts[1] > counts[2] > 0
    assert all(c.operator == "promotion" and c.parents == (c.genotype.digest,) for c in log if c.rung)
    assert {(c.rung, c.steps) for c in log} == {(0, 60), (1, 120), (2, 240)}
    top = [c for c in log if c.rung == 2]
    assert stored.progress.best_psnr_db == max(c.evaluation.psnr_db for c in top if c.evaluation)
    assert stored.progress.steps == sum(n * steps_of(stored.spec.recipe, rung) for rung, n in enumerate(counts))
    assert steps_of(stored.spec.recipe, 2) < 0.65 * 240
    assert not list(tmp_path.glob("*/*"))  # states go when the search ends


def test_a_lost_state_costs_steps_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    kept, lost = Lab(), Lab()
    kept.states = StateShelf(tmp_path, 2**20)
    a, b = (lab.submit(recipe=RUNGS, budget={"evaluations": 40}) for lab in (kept, lost))
    for lab, search in ((kept, a), (lost, b)):
        lab.run_to_end(lab.controller(ScriptedExecutor(by_steps, capacity=4)), search)
    assert kept.front_texts(a) == lost.front_texts(b)
    assert kept.store.search(a).progress.steps < lost.store.search(b).progress.steps


def test_rungs_that_rank_at_random_are_given_up_and_an_event_says_so(lab: Lab) -> None:
    def noise(job: Job) -> Outcome:
        outcome = synthetic(job)
        assert isinstance(outcome, Success)
        luck = np.random.default_rng([job.recipe.steps, int(job.genotype.digest[:8], 16)]).normal()
        return replace(outcome, scores=replace(outcome.scores, psnr_db=30 + luck))

    search = lab.submit(recipe=RUNGS, budget={"evaluations": 300})
    lab.run_to_end(lab.controller(ScriptedExecutor(noise, capacity=4)), search)
    raised = [event for event in lab.store.events(search, limit=5000) if event.kind == "rung_raised"]
    assert raised
    assert raised[0].detail["lowest_rung"] == 1
    assert "tau" in raised[0].detail["why"]
    last = [c for c in lab.log(search) if c.operator != "promotion"][-1]
    assert last.rung == raised[-1].detail["lowest_rung"]


def test_members_of_the_final_front_are_trained_from_another_seed(lab: Lab) -> None:
    search = lab.submit(front_seeds=3)
    lab.run_to_end(lab.controller(), search)
    stored, log = lab.store.search(search), lab.log(search)
    asked = [c for c in log if c.replicate == 0]
    front = {asked[i].genotype.digest for i in front_of(asked)}
    again = [c for c in log if c.replicate]
    assert len(asked) == 30
    assert {(c.genotype.digest, c.replicate) for c in again} == {(d, n) for d in front for n in (1, 2)}
    assert all(c.operator == "confirmation" and c.evaluation for c in again)
    assert len({c.evaluation_key for c in log}) == len(log)
    assert stored.progress.hypervolume == max(c.hypervolume or 0 for c in asked)


def front_of(candidates: list[Candidate]) -> list[int]:
    objectives = (Objective.of("psnr"), Objective.of("mult_adds"))
    return [int(i) for i in pareto.front(points_of(candidates, objectives), objectives)]


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ({"evaluations": 1000, "steps": 3000}, "3000 training steps"),
        ({"evaluations": 1000, "worker_hours": 0.02}, "0.02 worker-hours"),
        ({"evaluations": 1000, "patience": 25}, "settled"),
    ],
)
def test_budgets_end_a_search(lab: Lab, budget: dict[str, Any], reason: str) -> None:
    search = lab.submit(budget=budget)
    lab.run_to_end(lab.controller(), search)
    stored = lab.store.search(search)
    assert reason in stored.reason
    assert 0 < stored.progress.evaluated < 1000
    if "steps" in budget:
        assert 3000 <= stored.progress.steps < 3300


def test_a_hard_budget_leaves_no_time_for_confirmations(lab: Lab) -> None:
    search = lab.submit(budget={"evaluations": 1000, "worker_hours": 0.02}, front_seeds=2)
    lab.run_to_end(lab.controller(), search)
    assert not any(c.replicate for c in lab.log(search))


def test_a_cancelled_search_leaves_no_states(lab: Lab, tmp_path: Path) -> None:
    lab.states = StateShelf(tmp_path, 2**20)
    search = lab.submit(recipe=RUNGS, budget={"evaluations": 80})
    controller = lab.controller(ScriptedExecutor(by_steps, capacity=4))
    for _ in range(10):
        controller.step()
    assert list(tmp_path.glob("*/*"))
    lab.store.move_search(search, SearchState.CANCELLED, at=lab.clock())
    controller.step()
    assert not list(tmp_path.glob("*/*"))


def test_a_disk_too_full_for_states_costs_steps_and_no_outcome(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no folder can be made here")
    lab.states = StateShelf(tmp_path, 2**20)
    search = lab.submit("a", recipe=RUNGS, budget={"evaluations": 40})
    lab.run_to_end(lab.controller(ScriptedExecutor(by_steps, capacity=4)), search)
    assert lab.store.search(search).state is SearchState.COMPLETED
    assert len(lab.log(search)) == 40


def test_a_search_that_is_cancelled_as_it_ends_takes_no_other_down(lab: Lab) -> None:
    ending, other = lab.submit("a", budget={"evaluations": 10}), lab.submit("b", seed=1)
    controller = lab.controller()
    end = controller._finish

    def cancelled_meanwhile() -> None:
        progress = lab.store.search(ending)
        if progress.state is SearchState.RUNNING and progress.progress.evaluated == 10:
            lab.store.move_search(ending, SearchState.CANCELLED, at=lab.clock())
        end()

    controller._finish = cancelled_meanwhile  # type: ignore[method-assign]
    lab.run_to_end(controller, ending, other)
    assert lab.store.search(ending).state is SearchState.CANCELLED
    assert len(lab.log(other)) == 30


# -- watching ------------------------------------------------------------------------------------------------------


def test_workers_and_trainings_are_watched_while_a_search_runs_and_forgotten_with_it(lab: Lab) -> None:
    search, controller = lab.submit(), lab.controller()
    names, told = set(), []
    while not lab.store.search(search).state.ended:
        lab.clock.pass_s(1)
        controller.step()
        workers = lab.store.workers(at=lab.clock(), lease_s=30)
        assert len(workers) == 4
        names |= {worker.candidate_id for worker in workers if worker.busy}
        told += [event for event in lab.store.events(search, limit=5000) if event.kind == "training_progress"]
    asked = {candidate.id for candidate in lab.log(search)}
    assert names == {event.detail["candidate"] for event in told}
    assert len(asked) / 2 < len(names & asked) == len(names)
    assert {event.detail["step"] / event.detail["steps"] for event in told} == {0.5}
    events = lab.store.events(search, limit=5000)
    assert "training_progress" not in {event.kind for event in events}
    assert events[-1].ordinal > len(events)
    controller.close()
    assert lab.store.workers(at=lab.clock(), lease_s=30) == []
