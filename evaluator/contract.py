"""What every executor guarantees, as tests that each of them passes. Imports neither torch nor pytest."""

# ruff: noqa: D102  # the tests are named by sentences

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace

from .data.sets import EvaluationData
from .executor import Completion, Executor, ExecutorError, Job, Ticket, WorkerInfo
from .finishing import Stretch
from .outcome import Failure, Success
from .recipe import Recipe
from .schedule import stable_steps
from .testing import TINY_RUNGS, tiny_data, tiny_job

ENDLESS = Recipe(steps=1_000_000, batch=1, patch=8, warmup_steps=0)
"""Longer than any test waits, in small steps."""

POLL_S, POLLS = 0.1, 600
"""How often a test looks whether something has happened, and after how many looks it gives up."""


def endless_job(seed: int = 0, timeout_s: float = 600.0) -> Job:
    """A job that no test sees the end of."""
    return tiny_job(tiny_data(), seed=seed, recipe=ENDLESS, timeout_s=timeout_s)


def drain(executor: Executor, wait_s: float = 60.0) -> list[Completion]:
    """Every completion until nothing is in flight, or nothing has completed for so many seconds."""
    completions: list[Completion] = []
    while batch := executor.completed(wait_s):
        completions += batch
    return completions


def running(executor: Executor, ticket: Ticket, enough: Callable[[WorkerInfo], bool] = lambda _: True) -> WorkerInfo:
    """The worker that runs a ticket once it looks like this, waited for through the port itself.

    Raises:
        AssertionError: It never did, or something completed meanwhile.
    """
    for _ in range(POLLS):
        for worker in executor.workers():
            if worker.busy_ticket == ticket and enough(worker):
                return worker
        assert executor.completed(POLL_S) == []
    raise AssertionError(f"ticket {ticket} never came so far")


class ExecutorContract:
    """The tests of one executor: a subclass runs them, with two fixtures.

    ``executor``: an open executor, closed after the test; it may be shared between tests as long as each test
    leaves nothing in flight. ``fresh_executor``: one that the test may close.
    """

    def test_capacity_is_at_least_one(self, executor: Executor) -> None:
        assert executor.capacity >= 1

    def test_every_worker_that_is_up_has_a_name_of_its_own_and_is_idle_without_jobs(self, executor: Executor) -> None:
        executor.load(tiny_data())
        executor.submit(tiny_job(tiny_data()))
        drain(executor)
        workers = executor.workers()
        assert workers
        assert len({worker.name for worker in workers}) == len(workers) <= executor.capacity
        assert all(worker.busy_ticket is None and worker.progress is None for worker in workers)

    def test_nothing_completes_when_nothing_was_submitted(self, executor: Executor) -> None:
        assert drain(executor) == []

    def test_unloaded_images_are_gone_until_they_are_loaded_again(self, executor: Executor) -> None:
        data = tiny_data(seed=17)
        for _ in range(2):
            executor.load(data)
            executor.submit(tiny_job(data))
            assert len(drain(executor)) == 1
            executor.unload(data.digest)
            executor.unload(data.digest)
            self.assert_refused(executor, tiny_job(data))

    def test_each_ticket_completes_exactly_once(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        tickets = [executor.submit(tiny_job(data, seed=seed)) for seed in range(executor.capacity + 2)]
        completions = drain(executor)
        assert len(set(tickets)) == len(tickets)
        assert sorted(completion.ticket for completion in completions) == sorted(tickets)
        assert all(isinstance(completion.outcome, Success) for completion in completions)
        assert all(completion.attempts == 1 and completion.worker for completion in completions)

    def test_outcomes_belong_to_their_jobs(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        seeds = {executor.submit(tiny_job(data, seed=seed)): seed for seed in (5, 6, 7)}
        for completion in drain(executor):
            assert isinstance(completion.outcome, Success)
            assert completion.outcome.provenance.seed == seeds[completion.ticket]

    def test_loading_the_same_images_twice_changes_nothing(self, executor: Executor) -> None:
        executor.load(tiny_data())
        executor.load(tiny_data())
        executor.submit(tiny_job(tiny_data()))
        assert len(drain(executor)) == 1

    def test_a_job_without_loaded_images_is_refused(self, executor: Executor) -> None:
        self.assert_refused(executor, tiny_job(tiny_data(seed=99)))

    def assert_refused(self, executor: Executor, job: Job) -> None:
        """Fail unless a job is not taken in."""
        try:
            executor.submit(job)
        except ValueError:
            return
        raise AssertionError("a job whose images are not loaded was taken in")

    def test_a_cancelled_ticket_never_completes(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        first, second, third = (executor.submit(tiny_job(data, seed=seed)) for seed in range(3))
        executor.cancel(first)
        executor.cancel(third)
        assert [completion.ticket for completion in drain(executor)] == [second]

    def test_cancelling_what_is_not_in_flight_is_ignored(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        ticket = executor.submit(tiny_job(data))
        drain(executor)
        executor.cancel(ticket)
        executor.cancel(Ticket(10**9))

    def test_a_bad_candidate_is_a_failure_and_not_an_exception(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        executor.submit(self.bad_job(data))
        executor.submit(tiny_job(data))
        kinds = {type(completion.outcome) for completion in drain(executor)}
        assert kinds == {Failure, Success}

    def test_a_failure_that_may_pass_is_tried_again_and_every_start_is_told(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        executor.submit(self.bad_job(data))
        (completion,) = drain(executor)
        assert isinstance(completion.outcome, Failure)
        assert completion.outcome.kind == "error"
        assert completion.attempts == 1 + len(completion.setbacks) > 1
        assert {setback.cause for setback in completion.setbacks} == {"error"}
        assert all(setback.worker and setback.message for setback in completion.setbacks)

    def test_what_the_work_itself_comes_to_is_not_tried_again(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        executor.submit(self.slow_job(data))
        executor.submit(tiny_job(data))
        for completion in drain(executor):
            assert isinstance(completion.outcome, Success) or completion.outcome.kind == "timeout"
            assert (completion.attempts, completion.setbacks) == (1, ())

    def test_a_second_close_does_nothing_and_jobs_are_refused_after_it(self, fresh_executor: Executor) -> None:
        data = tiny_data()
        fresh_executor.load(data)
        fresh_executor.submit(tiny_job(data))
        fresh_executor.close()
        fresh_executor.close()
        assert fresh_executor.completed(0.0) == []
        try:
            fresh_executor.submit(tiny_job(data))
        except ExecutorError:
            return
        raise AssertionError("a closed executor took a job in")

    def test_a_state_comes_back_only_when_it_was_asked_for(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        kept = self.succeed(executor, tiny_job(data, recipe=TINY_RUNGS.at_rung(0), keep_state=True))
        plain = self.succeed(executor, tiny_job(data, recipe=TINY_RUNGS.at_rung(0)))
        assert kept.state
        assert not plain.state
        assert kept.scores == plain.scores

    def test_a_resumed_training_takes_fewer_steps_and_scores_the_same(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        short = self.succeed(executor, tiny_job(data, recipe=TINY_RUNGS.at_rung(0), keep_state=True))
        long = tiny_job(data, recipe=TINY_RUNGS.at_rung(1))
        whole, resumed, damaged = (
            self.succeed(executor, replace(long, start=start)) for start in (b"", short.state, short.state[:-1])
        )
        assert resumed.scores == damaged.scores == whole.scores
        assert resumed.weights == damaged.weights == whole.weights
        assert (whole.steps, resumed.steps, damaged.steps) == (12, 12 - stable_steps(TINY_RUNGS.at_rung(0)), 12)

    def test_a_full_training_goes_on_from_stretch_to_stretch_and_ends_as_without(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        whole, first = (self.succeed(executor, tiny_job(data, stretch=Stretch(until=until))) for until in (3, 1))
        last = self.succeed(executor, tiny_job(data, stretch=Stretch(until=3), start=first.state))
        assert first.state
        assert not last.state
        assert (last.scores, last.weights) == (whole.scores, whole.weights)
        assert first.weights != last.weights
        assert (whole.steps, first.steps, last.steps) == (3, 1, 2)

    def test_a_full_training_that_cannot_go_on_fails_and_does_not_begin_anew(self, executor: Executor) -> None:
        data = tiny_data()
        executor.load(data)
        executor.submit(tiny_job(data, stretch=Stretch(until=3), start=b"no state"))
        (completion,) = drain(executor)
        assert isinstance(completion.outcome, Failure)
        assert completion.outcome.kind == "error"
        assert completion.outcome.message.startswith("UnfitState: ")

    def succeed(self, executor: Executor, job: Job) -> Success:
        """The outcome of a job, which must be a success."""
        executor.submit(job)
        (completion,) = drain(executor)
        assert isinstance(completion.outcome, Success)
        return completion.outcome

    def bad_job(self, data: EvaluationData) -> Job:
        """A job that must fail: its patches are larger than every image."""
        return tiny_job(data, recipe=Recipe(steps=1, batch=1, patch=512))

    def slow_job(self, data: EvaluationData) -> Job:
        """A job that must time out: it may take no time at all."""
        return tiny_job(data, timeout_s=1e-9)


class ProcessContract(ExecutorContract):
    """What an executor guarantees besides where its workers are processes of this machine.

    ``executor`` has two workers; some tests end one of them, and the next must wait for its successor.
    """

    def everyone(self, executor: Executor) -> list[WorkerInfo]:
        """All workers once they are up, which short jobs pass the time for."""
        executor.load(tiny_data())
        for _ in range(10 * POLLS):
            if len(workers := executor.workers()) == executor.capacity:
                return workers
            self.succeed(executor, tiny_job(tiny_data()))
        raise AssertionError("some workers never came up")

    def test_workers_are_processes_of_their_own(self, executor: Executor) -> None:
        workers = self.everyone(executor)
        assert {worker.name for worker in workers} == {"worker-1", "worker-2"}
        assert len({worker.pid for worker in workers} - {os.getpid()}) == executor.capacity == 2
        assert all(worker.busy_ticket is None for worker in workers)

    def test_a_job_whose_worker_is_killed_is_tried_again_and_none_is_lost(self, executor: Executor) -> None:
        self.everyone(executor)
        victim = executor.submit(tiny_job(tiny_data(), recipe=Recipe(steps=300, batch=1, patch=8)))
        others = [executor.submit(tiny_job(tiny_data(), seed=seed)) for seed in (1, 2)]
        os.kill(running(executor, victim).pid, signal.SIGKILL)
        completions = {completion.ticket: completion for completion in drain(executor)}
        assert sorted(completions) == sorted([victim, *others])
        assert completions[victim].attempts == 2
        assert all(isinstance(completion.outcome, Success) for completion in completions.values())

    def test_a_job_that_runs_tells_how_far_it_is(self, executor: Executor) -> None:
        executor.load(tiny_data())
        ticket = executor.submit(endless_job())
        steps: list[int] = []
        for _ in range(POLLS):
            progress = running(executor, ticket).progress
            if progress is not None and progress.step not in steps:
                assert progress.steps == ENDLESS.steps
                steps.append(progress.step)
            if len(steps) == 3:
                break
            assert executor.completed(POLL_S) == []
        assert len(steps) == 3
        assert steps == sorted(steps)
        executor.cancel(ticket)
        assert drain(executor) == []

    def test_cancelling_a_running_job_frees_its_worker(self, executor: Executor) -> None:
        executor.load(tiny_data())
        endless = executor.submit(endless_job())
        pid = running(executor, endless).pid
        executor.cancel(endless)
        assert pid not in {worker.pid for worker in executor.workers()}
        ticket = executor.submit(tiny_job(tiny_data()))
        assert [completion.ticket for completion in drain(executor)] == [ticket]
        assert pid not in {worker.pid for worker in self.everyone(executor)}
