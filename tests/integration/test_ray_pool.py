"""The pool over a real Ray: the executor's contract, and what becomes of jobs whose worker is killed."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray")

import ray

from evaluator.contract import ExecutorContract
from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, ExecutorError, Job, Ticket, WorkerInfo, WorkerMismatch
from evaluator.outcome import Failure, Success
from evaluator.ray_pool import RayExecutor
from evaluator.recipe import Recipe
from evaluator.testing import tiny_data, tiny_job

pytestmark = pytest.mark.ray

LONG = Recipe(steps=1_000_000, batch=1, patch=8, warmup_steps=0)


def small_pool(workers: int = 2, **options: object) -> RayExecutor:
    """A pool that fits on one processor."""
    return RayExecutor(workers=workers, cpus_per_worker=0.25, **options)


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    """One Ray for the module: the pool below starts it, later ones join it."""
    owner = small_pool(workers=1)
    yield
    owner.close()
    assert not ray.is_initialized()


@pytest.fixture(scope="module")
def pool(local_ray: None) -> Iterator[RayExecutor]:
    executor = small_pool()
    yield executor
    executor.close()


@pytest.fixture
def executor(pool: RayExecutor) -> RayExecutor:
    return pool


@pytest.fixture
def fresh_executor(local_ray: None) -> Iterator[RayExecutor]:
    executor = small_pool(workers=1)
    yield executor
    executor.close()


class TestContract(ExecutorContract):
    pass


def endless_job(seed: int = 0, timeout_s: float = 600.0) -> Job:
    return tiny_job(tiny_data(), seed=seed, recipe=LONG, timeout_s=timeout_s)


def running(executor: RayExecutor, ticket: Ticket) -> WorkerInfo:
    """The worker that runs a ticket, waited for through the port itself."""
    for _ in range(600):
        for worker in executor.workers():
            if worker.busy_ticket == ticket:
                return worker
        assert executor.completed(0.1) == []
    raise AssertionError(f"ticket {ticket} never started")


def kill_until_completed(executor: RayExecutor) -> list[Completion]:
    """Kill every worker that takes a job in until something completes."""
    for _ in range(600):
        for worker in executor.workers():
            if worker.busy_ticket is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
        if completions := executor.completed(0.1):
            return completions
    raise AssertionError("nothing completed")


def drain(executor: RayExecutor) -> list[Completion]:
    completions: list[Completion] = []
    while batch := executor.completed(60.0):
        completions += batch
    return completions


def test_workers_are_processes_of_their_own(pool: RayExecutor) -> None:
    workers = pool.workers()
    assert len({worker.pid for worker in workers} - {os.getpid()}) == pool.capacity == 2
    assert {worker.name for worker in workers} == {"worker-1", "worker-2"}
    assert all(worker.busy_ticket is None for worker in workers)


def test_a_job_whose_worker_is_killed_is_tried_again_and_none_is_lost(fresh_executor: RayExecutor) -> None:
    fresh_executor.load(tiny_data())
    victim = fresh_executor.submit(tiny_job(tiny_data(), recipe=Recipe(steps=300, batch=1, patch=8)))
    others = [fresh_executor.submit(tiny_job(tiny_data(), seed=seed)) for seed in (1, 2)]
    os.kill(running(fresh_executor, victim).pid, signal.SIGKILL)
    completions = {completion.ticket: completion for completion in drain(fresh_executor)}
    assert sorted(completions) == sorted([victim, *others])
    assert completions[victim].attempts == 2
    assert all(isinstance(completion.outcome, Success) for completion in completions.values())


def test_a_job_that_kills_every_worker_fails_and_the_pool_goes_on(local_ray: None) -> None:
    executor = small_pool(workers=1, max_attempts=2)
    executor.load(tiny_data())
    deadly = executor.submit(endless_job())
    (completion,) = kill_until_completed(executor)
    assert (completion.ticket, completion.attempts) == (deadly, 2)
    assert isinstance(completion.outcome, Failure)
    assert completion.outcome.kind == "worker_lost"
    ticket = executor.submit(tiny_job(tiny_data()))
    assert [completion.ticket for completion in drain(executor)] == [ticket]
    executor.close()


def test_cancelling_a_running_job_frees_its_worker(fresh_executor: RayExecutor) -> None:
    fresh_executor.load(tiny_data())
    endless = fresh_executor.submit(endless_job())
    pid = running(fresh_executor, endless).pid
    fresh_executor.cancel(endless)
    assert fresh_executor.workers() == []
    ticket = fresh_executor.submit(tiny_job(tiny_data()))
    assert [completion.ticket for completion in drain(fresh_executor)] == [ticket]
    assert pid not in {worker.pid for worker in fresh_executor.workers()}


def test_a_job_that_hangs_past_its_time_is_killed_and_counts_as_a_timeout(local_ray: None) -> None:
    executor = small_pool(workers=1, margin_s=0.0)
    executor.load(tiny_data())
    hung = executor.submit(endless_job(timeout_s=0.5))
    os.kill(running(executor, hung).pid, signal.SIGSTOP)
    (completion,) = drain(executor)
    assert isinstance(completion.outcome, Failure)
    assert completion.outcome.kind == "timeout"
    executor.close()


def test_a_job_that_runs_tells_how_far_it_is(fresh_executor: RayExecutor) -> None:
    fresh_executor.load(tiny_data())
    ticket = fresh_executor.submit(endless_job())
    steps = []
    for _ in range(600):
        assert fresh_executor.completed(0.1) == []
        (worker,) = [worker for worker in fresh_executor.workers() if worker.busy_ticket == ticket]
        if worker.progress is not None and worker.progress.step not in steps:
            steps.append(worker.progress.step)
        if len(steps) == 3:
            break
    assert len(steps) == 3
    assert steps == sorted(steps)
    fresh_executor.cancel(ticket)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells how memory is mapped")
def test_the_workers_of_a_node_read_the_same_images_without_a_copy(local_ray: None) -> None:
    def shared(data: EvaluationData) -> tuple[int, list[bool]]:
        """This process, and whether each image lies in memory that it shares and cannot write to."""
        pixels = [array for pair in (*data.train, *data.validation) for array in (pair.hr, pair.lr)]
        mappings = [line.split()[:2] for line in Path("/proc/self/maps").read_text().splitlines()]

        def lies_in(array: np.ndarray, mapping: str) -> bool:
            begin, end = (int(bound, 16) for bound in mapping.split("-"))
            return begin <= array.ctypes.data < end

        return os.getpid(), [
            not array.flags.writeable and any(rights[3] == "s" and lies_in(array, where) for where, rights in mappings)
            for array in pixels
        ]

    data = ray.put(tiny_data())
    task = ray.remote(num_cpus=0.1)(shared)
    answers: dict[int, list[bool]] = {}
    for _ in range(50):  # until two processes have answered
        answers |= dict(ray.get([task.remote(data) for _ in range(4)]))
        if len(answers) >= 2:
            break
    assert len(answers) >= 2
    assert all(all(flags) for flags in answers.values())


def test_asking_for_more_processors_than_there_are_fails_at_once(local_ray: None) -> None:
    with pytest.raises(ExecutorError, match="CPU") as refused:
        RayExecutor(workers=1000, cpus_per_worker=1000)
    assert not refused.value.retryable
    assert "fewer workers" in refused.value.hint


def test_asking_for_a_gpu_that_is_not_there_fails_at_once(local_ray: None) -> None:
    with pytest.raises(ExecutorError, match="GPU"):
        RayExecutor(workers=1000, cpus_per_worker=0, gpus_per_worker=1)


def test_a_worker_that_runs_other_sources_is_refused(local_ray: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluator.pool.roster.code_digest", lambda: "0" * 32)
    with pytest.raises(WorkerMismatch, match="0000"):
        small_pool(workers=1)


def test_a_pool_that_joined_a_ray_leaves_it_running(local_ray: None) -> None:
    small_pool(workers=1).close()
    assert ray.is_initialized()


def test_what_ray_says_of_a_lost_worker_stays_off_standard_output(
    fresh_executor: RayExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    fresh_executor.load(tiny_data())
    victim = fresh_executor.submit(tiny_job(tiny_data(), recipe=Recipe(steps=300, batch=1, patch=8)))
    os.kill(running(fresh_executor, victim).pid, signal.SIGKILL)
    assert len(drain(fresh_executor)) == 1
    assert capfd.readouterr().out == ""
