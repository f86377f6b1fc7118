"""The pool over a crew in memory: the executor's contract, lost and hung workers, and places that come and go."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.contract import ExecutorContract
from evaluator.executor import Completion, ExecutorError, Job, Setback, Ticket, WorkerMismatch
from evaluator.outcome import Failure, FailureKind, Success
from evaluator.pool import Answer, Lost, Place, Pool
from evaluator.pool.crew import Member
from evaluator.pool.testing import Clock, Lines, ScriptedCrew
from evaluator.progress import Phase, TrainingProgress
from evaluator.recipe import Device
from evaluator.testing import TINY_RECIPE, synthetic, tiny_data, tiny_job

DATA = tiny_data()
TRAIN_S = 10.0


def place(number: int, node: str = "node-a", device: str = "cpu") -> Place:
    return Place(name=f"worker-{number}", node=node, device=device, threads=1)


def trains(job: Job, _place: Place) -> Lines:
    if job.recipe.patch > 100:
        return [(TRAIN_S, Answer(Failure(kind="error", message="too large")))]
    if job.timeout_s < 1e-3:
        return [(TRAIN_S, Answer(Failure(kind="timeout", message="too slow")))]
    return [(TRAIN_S, Answer(synthetic(job)))]


def hangs(_job: Job, _place: Place) -> Lines:
    return []


def dies(_job: Job, _place: Place) -> Lines:
    return [(1.0, Lost("segmentation fault"))]


def crew_of(*places: Place, script: Callable[[Job, Place], Lines] = trains) -> ScriptedCrew:
    return ScriptedCrew(Clock(), script, list(places))


def pool_over(crew: ScriptedCrew, **options: Any) -> Pool:
    pool = Pool(crew, clock=crew.clock, **options)
    pool.load(DATA)
    return pool


def drain(pool: Pool) -> dict[Ticket, Completion]:
    completions: dict[Ticket, Completion] = {}
    while batch := pool.completed(600.0):
        completions |= {completion.ticket: completion for completion in batch}
    return completions


@pytest.fixture
def executor() -> Pool:
    return pool_over(crew_of(place(1), place(2)))


@pytest.fixture
def fresh_executor(executor: Pool) -> Pool:
    return executor


class TestContract(ExecutorContract):
    pass


def test_the_jobs_of_a_dead_worker_go_before_those_that_never_ran() -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew)
    tickets = [pool.submit(tiny_job(DATA, seed=seed)) for seed in range(3)]
    crew.at("worker-1").lose()
    assert list(drain(pool)) == tickets
    assert [job.seed for job in crew.at("worker-1").jobs] == [0, 1, 2]


def test_a_job_that_kills_every_worker_fails_and_the_pool_goes_on() -> None:
    crew = crew_of(place(1), script=dies)
    pool = pool_over(crew, max_attempts=2)
    deadly = pool.submit(tiny_job(DATA))
    completion = drain(pool)[deadly]
    assert completion.attempts == 2
    assert completion.outcome == Failure(
        kind="worker_lost", message="lost its worker 2 times; last: segmentation fault"
    )
    crew.script = trains
    ticket = pool.submit(tiny_job(DATA))
    assert isinstance(drain(pool)[ticket].outcome, Success)


def fails(kind: FailureKind, times: int) -> Callable[[Job, Place], Lines]:
    """Fail so many starts, then train."""
    left = [times]

    def script(job: Job, place: Place) -> Lines:
        left[0] -= 1
        return [(1.0, Answer(Failure(kind=kind, message="no luck")))] if left[0] >= 0 else trains(job, place)

    return script


@pytest.mark.parametrize("kind", ["error", "out_of_memory"])
def test_a_failure_that_passes_costs_a_start_and_is_remembered(kind: FailureKind) -> None:
    pool = pool_over(crew_of(place(1), script=fails(kind, 2)))
    ticket = pool.submit(tiny_job(DATA))
    completion = drain(pool)[ticket]
    assert isinstance(completion.outcome, Success)
    assert completion.attempts == 3
    assert completion.setbacks == (Setback(cause=kind, worker="worker-1", message="no luck"),) * 2


@pytest.mark.parametrize("kind", ["diverged", "non_finite", "timeout"])
def test_what_the_work_itself_comes_to_costs_one_start(kind: FailureKind) -> None:
    pool = pool_over(crew_of(place(1), script=fails(kind, 1)))
    ticket = pool.submit(tiny_job(DATA))
    completion = drain(pool)[ticket]
    assert isinstance(completion.outcome, Failure)
    assert (completion.attempts, completion.setbacks) == (1, ())


def test_starts_that_fail_for_different_causes_are_counted_together() -> None:
    causes = iter([dies, fails("error", 1), dies, trains])
    pool = pool_over(crew_of(place(1), script=lambda job, place: next(causes)(job, place)))
    ticket = pool.submit(tiny_job(DATA))
    completion = drain(pool)[ticket]
    assert [setback.cause for setback in completion.setbacks] == ["worker_lost", "error"]
    assert completion.outcome == Failure(
        kind="worker_lost", message="lost its worker 2 times; last: segmentation fault"
    )


def test_a_job_that_failed_goes_before_those_that_never_ran() -> None:
    crew = crew_of(place(1), script=fails("error", 1))
    pool = pool_over(crew)
    tickets = [pool.submit(tiny_job(DATA, seed=seed)) for seed in range(3)]
    assert list(drain(pool)) == tickets


def test_a_job_that_hangs_is_killed_at_twice_its_time_and_a_margin() -> None:
    crew = crew_of(place(1), script=hangs)
    pool = pool_over(crew, margin_s=5.0)
    hung = pool.submit(tiny_job(DATA, timeout_s=30.0))
    completion = drain(pool)[hung]
    assert completion.outcome == Failure(kind="timeout", message="gave no sign for 65 s and was killed", train_s=65.0)
    assert crew.clock.now_s == 65.0


def test_a_cancelled_job_makes_room_for_another_worker() -> None:
    crew = crew_of(place(1), script=hangs)
    pool = pool_over(crew)
    endless = pool.submit(tiny_job(DATA))
    assert [worker.busy_ticket for worker in pool.workers()] == [endless]
    pool.cancel(endless)
    assert pool.workers() == []
    assert pool.completed(60.0) == []
    assert [worker.pid for worker in pool.workers()] == [2]


def test_jobs_wait_their_turn_when_there_are_more_than_workers() -> None:
    crew = crew_of(place(1), place(2))
    pool = pool_over(crew)
    for seed in range(4):
        pool.submit(tiny_job(DATA, seed=seed))
    assert [len(pool.completed(600.0)) for _ in range(2)] == [2, 2]
    assert crew.clock.now_s == 2 * TRAIN_S


def test_the_newest_report_of_a_job_is_told_until_it_ends() -> None:
    first, second = TrainingProgress(step=1, steps=3), TrainingProgress(step=2, steps=3)

    def reports(job: Job, _place: Place) -> Lines:
        return [(1.0, first), (2.0, second), (TRAIN_S, Answer(synthetic(job)))]

    pool = pool_over(crew_of(place(1), script=reports))
    pool.submit(tiny_job(DATA))
    seen = []
    while not pool.completed(1.0):
        seen += [worker.progress for worker in pool.workers()]
    assert seen[:3] == [first, second, second]
    assert [worker.progress for worker in pool.workers()] == [None]


def reports_step(step: int, phase: Phase = "training") -> TrainingProgress:
    return TrainingProgress(phase=phase, step=step, steps=3)


def test_a_training_that_takes_no_further_step_is_killed_and_tried_again() -> None:
    def stalls(_job: Job, _place: Place) -> Lines:
        return [(500.0, reports_step(1)), *((500.0 + second, reports_step(2)) for second in range(300, 5000, 7))]

    crew = crew_of(place(1), script=stalls)
    pool = pool_over(crew)
    ticket = pool.submit(tiny_job(DATA, timeout_s=3600.0))
    assert pool.completed(1390.0) == []
    assert len(crew.members) == 1
    crew.script = trains
    completion = drain(pool)[ticket]
    assert isinstance(completion.outcome, Success)
    assert completion.attempts == 2
    assert crew.clock.now_s == pytest.approx(1400.0 + TRAIN_S, abs=5.0)


def test_a_training_that_stands_still_on_every_worker_has_failed() -> None:
    crew = crew_of(place(1), script=lambda _job, _place: [(1.0, reports_step(1))])
    pool = pool_over(crew, max_attempts=2, silence_s=60.0)
    ticket = pool.submit(tiny_job(DATA, timeout_s=3600.0))
    message = "lost its worker 2 times; last: its training stood still for 60 s"
    assert drain(pool)[ticket].outcome == Failure(kind="worker_lost", message=message)


@pytest.mark.parametrize("phase", ["validation", "latency"])
def test_other_phases_may_be_silent(phase: Phase) -> None:
    def script(job: Job, _place: Place) -> Lines:
        return [(1.0, reports_step(2)), (2.0, reports_step(3, phase)), (3000.0, Answer(synthetic(job)))]

    pool = pool_over(crew_of(place(1), script=script))
    pool.submit(tiny_job(DATA, timeout_s=3600.0))
    assert [completion.attempts for completion in pool.completed(4000.0)] == [1]


def test_while_nobody_listens_no_training_is_silent() -> None:
    def script(job: Job, _place: Place) -> Lines:
        return [(1.0, reports_step(1)), (3002.0, reports_step(2)), (3010.0, Answer(synthetic(job)))]

    crew = crew_of(place(1), script=script)
    pool = pool_over(crew)
    ticket = pool.submit(tiny_job(DATA, timeout_s=3600.0))
    assert pool.completed(5.0) == []
    crew.clock.now_s = 3000.0
    assert drain(pool)[ticket].attempts == 1


# -- places come and go ------------------------------------------------------------------------------------------------


def test_a_new_place_is_used_at_once_by_a_job_that_waits() -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew)
    for seed in range(2):
        pool.submit(tiny_job(DATA, seed=seed))
    crew.sites.append(place(2, node="node-b"))
    assert len(pool.completed(600.0)) == 1
    assert pool.capacity == 2
    assert crew.at("worker-2").jobs[0].seed == 1
    assert len(pool.completed(600.0)) == 1
    assert crew.clock.now_s <= TRAIN_S + 1.0


def test_without_places_jobs_wait_and_nobody_is_asked_to_submit_any() -> None:
    crew = crew_of()
    pool = pool_over(crew)
    assert pool.capacity == 0
    ticket = pool.submit(tiny_job(DATA))
    assert pool.completed(600.0) == []
    crew.sites.append(place(1))
    assert list(drain(pool)) == [ticket]
    assert pool.capacity == 1


def test_capacity_follows_places_while_nothing_is_in_flight() -> None:
    crew = crew_of()
    pool = pool_over(crew)
    crew.sites.append(place(1))
    crew.clock.now_s += 1.0
    assert pool.capacity == 1


@pytest.mark.parametrize("told", [False, True], ids=["nodes vanish silently", "workers are lost first"])
def test_what_ran_on_lost_nodes_is_done_elsewhere_and_no_loss_is_held_against_it(told: bool) -> None:
    crew = crew_of(place(0, node="node-0"), script=hangs)
    pool = pool_over(crew, max_attempts=1)
    ticket = pool.submit(tiny_job(DATA, timeout_s=3600.0))
    for number in range(1, 5):
        if told:
            crew.remove_node(f"node-{number - 1}")
        crew.sites = [place(number, node=f"node-{number}")]
        assert pool.completed(5.0) == []
    crew.script = trains
    crew.remove_node("node-4")
    crew.sites = [place(5)]
    completion = drain(pool)[ticket]
    assert isinstance(completion.outcome, Success)
    assert (completion.attempts, completion.worker) == (6, "worker-5")
    assert [setback.cause for setback in completion.setbacks] == ["node_left"] * 5


def test_a_job_that_takes_node_after_node_with_it_is_given_up_in_the_end() -> None:
    crew = crew_of(place(0, node="node-0"))
    pool = pool_over(crew, max_attempts=1)
    crew.script = hangs
    pool.submit(tiny_job(DATA, timeout_s=3600.0))
    completions: list[Completion] = []
    for number in range(1, 20):
        crew.remove_node(f"node-{number - 1}")
        crew.sites.append(place(number, node=f"node-{number}"))
        completions += pool.completed(5.0)
    (completion,) = completions
    assert completion.attempts == 10
    assert isinstance(completion.outcome, Failure)
    assert completion.outcome.kind == "worker_lost"


@given(st.data())
def test_every_ticket_completes_once_whatever_workers_and_nodes_do(data: st.DataObject) -> None:
    crew = crew_of(place(0, node="node-0"), place(1, node="node-1"))
    pool = pool_over(crew, max_attempts=100)
    nodes = 2
    submitted: list[Ticket] = []
    ended: list[Ticket] = []
    for _ in range(data.draw(st.integers(1, 15))):
        act = data.draw(st.sampled_from(["submit", "lose", "join", "leave", "wait"]))
        if act == "submit":
            submitted.append(pool.submit(tiny_job(DATA, seed=len(submitted))))
        elif act == "lose":
            crew.members[data.draw(st.integers(0, len(crew.members) - 1))].lose()
        elif act == "join":
            crew.sites.append(place(nodes, node=f"node-{nodes}"))
            nodes += 1
        elif act == "leave" and len(crew.sites) > 1:
            crew.remove_node(crew.sites[data.draw(st.integers(0, len(crew.sites) - 1))].node)
        else:
            ended += [completion.ticket for completion in pool.completed(data.draw(st.floats(0, 15)))]
    completions = drain(pool)
    assert sorted([*ended, *completions]) == submitted
    assert all(isinstance(completion.outcome, Success) for completion in completions.values())
    assert all(completion.attempts == 1 + len(completion.setbacks) for completion in completions.values())


# -- devices -----------------------------------------------------------------------------------------------------------


def test_jobs_go_to_the_kind_of_device_that_their_recipe_names() -> None:
    crew = crew_of(place(1, device="cpu"), place(2, device="cuda"))
    pool = pool_over(crew)
    devices: list[Device] = ["cuda", "cuda", "cpu", "any"]
    for seed, device in enumerate(devices):
        pool.submit(tiny_job(DATA, seed=seed, recipe=replace(TINY_RECIPE, device=device)))
    assert len(drain(pool)) == 4
    assert [job.seed for job in crew.at("worker-2").jobs][:2] == [0, 1]
    assert crew.at("worker-1").jobs[0].seed == 2
    assert {worker.device for worker in pool.workers()} == {"cpu", "cuda"}


def test_a_job_that_no_place_can_take_waits_for_one_and_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew)
    stuck = pool.submit(tiny_job(DATA, recipe=replace(TINY_RECIPE, device="cuda")))
    free = pool.submit(tiny_job(DATA))
    with caplog.at_level(logging.WARNING):
        assert list(drain(pool)) == [free]
    assert warnings_of(caplog) == ["no place for a job: ticket=1 device=cuda"]
    crew.sites.append(place(2, device="cuda"))
    assert list(drain(pool)) == [stuck]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as a warning or worse; how much else is kept, other tests may have changed."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# -- workers that cannot be used ---------------------------------------------------------------------------------------


def test_a_pool_whose_workers_run_other_sources_is_refused_and_closed() -> None:
    crew = crew_of(place(1))
    crew.digest = "0" * 32
    with pytest.raises(WorkerMismatch, match="0000"):
        pool_over(crew)
    assert crew.closed


def test_a_worker_with_other_sources_that_joins_later_is_refused_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew)
    crew.digest = "0" * 32
    crew.sites.append(place(2, node="node-b"))
    tickets = [pool.submit(tiny_job(DATA, seed=seed)) for seed in range(3)]
    assert list(drain(pool)) == tickets
    assert [worker.name for worker in pool.workers()] == ["worker-1"]
    assert pool.capacity == 1
    assert "worker-2 on node-b runs other sources" in caplog.text
    assert crew.at("worker-2").jobs == []


def test_workers_that_never_come_up_are_an_error_that_may_be_tried_again() -> None:
    crew = crew_of(place(1))
    crew.start_s = math.inf
    with pytest.raises(ExecutorError, match="within 120 s") as refused:
        pool_over(crew)
    assert refused.value.retryable


def test_a_place_where_no_worker_comes_up_is_given_up_as_long_as_there_are_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew, start_timeout_s=10.0)
    crew.start_s = math.inf
    crew.sites.append(place(2, node="node-b"))
    tickets = [pool.submit(tiny_job(DATA, seed=seed)) for seed in range(5)]
    assert list(drain(pool)) == tickets
    assert pool.capacity == 1
    assert caplog.text.count("worker failed to start: name=worker-2") == 3
    assert "place given up: name=worker-2" in caplog.text


def test_a_place_that_was_given_up_is_tried_again_after_a_pause_that_doubles(caplog: pytest.LogCaptureFixture) -> None:
    crew = crew_of(place(1), script=hangs)
    pool = pool_over(crew, start_timeout_s=10.0)
    crew.start_s = math.inf
    crew.sites.append(place(2, node="node-b"))
    pool.submit(tiny_job(DATA, timeout_s=1e6))
    while crew.clock.now_s < 9000.0:
        pool.completed(600.0)
    given_up = [warning for warning in warnings_of(caplog) if warning.startswith("place given up")]
    pauses_s = [float(warning.split("for_s=")[1].split()[0]) for warning in given_up]
    assert pauses_s[:7] == [60.0, 120.0, 240.0, 480.0, 960.0, 1800.0, 1800.0]
    crew.start_s = 0.0
    while crew.clock.now_s < 12000.0:
        pool.completed(600.0)
    assert pool.capacity == len(pool.workers()) == 2


def test_what_the_crew_raises_on_hiring_is_a_failed_start_and_no_job_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew)
    hire, raised = crew.hire, 0

    def hires_late(place: Place) -> Member:
        nonlocal raised
        raised += 1
        if raised <= 2:
            raise OSError("no more processes")
        return hire(place)

    crew.hire = hires_late  # type: ignore[method-assign]
    ticket = pool.submit(tiny_job(DATA))
    crew.at("worker-1").lose()
    assert drain(pool)[ticket].attempts == 2
    assert caplog.text.count("could not be started: OSError: no more processes") == 2


@pytest.mark.parametrize("verb", ["hire", "places"])
def test_a_job_waits_while_its_crew_cannot_even_say_where_workers_may_run(verb: str) -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew, max_attempts=2)
    ticket = pool.submit(tiny_job(DATA))
    crew.at("worker-1").lose()
    failing = patch.object(crew, verb, side_effect=ConnectionError("no cluster"))
    with failing, pytest.raises((ConnectionError, ExecutorError), match="no cluster"):
        drain(pool)
    assert list(drain(pool)) == [ticket]


def test_jobs_of_a_node_that_left_wait_while_nobody_can_be_hired_elsewhere() -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew)
    ticket = pool.submit(tiny_job(DATA))
    crew.sites = [place(2, node="node-b")]
    failing = patch.object(crew, "hire", side_effect=ConnectionError("no cluster"))
    with failing, pytest.raises(ExecutorError, match="no cluster"):
        drain(pool)
    assert list(drain(pool)) == [ticket]


def test_when_no_place_is_left_that_is_an_error_and_the_next_call_tries_all_of_them_again() -> None:
    crew = crew_of(place(1))
    pool = pool_over(crew, start_timeout_s=10.0)
    crew.start_s = math.inf
    crew.at("worker-1").lose()
    ticket = pool.submit(tiny_job(DATA))
    with pytest.raises(ExecutorError, match="worker-1 was not up within 10 s"):
        drain(pool)
    crew.start_s = 0.0
    assert list(drain(pool)) == [ticket]
