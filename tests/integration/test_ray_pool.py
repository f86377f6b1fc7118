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

from evaluator.contract import ProcessContract, drain, endless_job, running
from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, ExecutorError, WorkerMismatch
from evaluator.outcome import Failure
from evaluator.ray_pool import RayExecutor
from evaluator.recipe import Recipe
from evaluator.testing import tiny_data, tiny_job

pytestmark = pytest.mark.ray


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


class TestContract(ProcessContract):
    pass


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


def test_a_job_that_hangs_past_its_time_is_killed_and_counts_as_a_timeout(local_ray: None) -> None:
    executor = small_pool(workers=1, margin_s=0.0)
    executor.load(tiny_data())
    hung = executor.submit(endless_job(timeout_s=0.5))
    os.kill(running(executor, hung).pid, signal.SIGSTOP)
    (completion,) = drain(executor)
    assert isinstance(completion.outcome, Failure)
    assert completion.outcome.kind == "timeout"
    executor.close()


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
    pool: RayExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    pool.load(tiny_data())
    victim = pool.submit(tiny_job(tiny_data(), recipe=Recipe(steps=300, batch=1, patch=8)))
    os.kill(running(pool, victim).pid, signal.SIGKILL)
    assert len(drain(pool)) == 1
    assert capfd.readouterr().out == ""
