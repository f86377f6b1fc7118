"""What runs in a Ray worker's process: jobs on one thread, and on another the answer to how far they are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import ray

from ..data.sets import EvaluationData
from ..executor import Job
from ..outcome import Outcome
from ..progress import Report, TrainingProgress
from ..worker import Hello
from .seats import Seat

KEEP_GPUS = "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"
"""Set, it has Ray leave CUDA_VISIBLE_DEVICES alone: which GPU a worker uses is decided here."""

MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"
"""Huge pages for what malloc hands out, and one arena for all threads.

Jobs run beside the thread that answers for them, and the arena of such a thread is given back and faulted in again at
every step: up to 2,800 page faults a step of a network of 53,000 parameters, against 5 with this.
"""


class Evaluating(Protocol):
    """What evaluates in a process: `Worker`, or what is put in its place to try the pool out."""

    def hello(self) -> Hello:
        """See `Worker.hello`."""
        ...

    def evaluate(self, job: Job, data: EvaluationData, report: Report | None = None) -> Outcome:
        """See `Worker.evaluate`."""
        ...


MakeWorker = Callable[[str, int], Evaluating]
"""Makes it in its process, of the kind of its torch device and its threads; importable there by its name."""


class RayWorker:
    """A `Worker` that can be asked for its newest report while it trains.

    Args:
        device: Kind of the torch device, "cpu" or "cuda".
        threads: Threads of torch.
        gpu: Which of the GPUs that the node's Ray sees; None on a CPU.
        make: Makes the worker.
    """

    def __init__(self, device: str, threads: int, gpu: int | None, make: MakeWorker) -> None:
        if gpu is not None:  # before CUDA is first called, which reads it once
            os.environ["CUDA_VISIBLE_DEVICES"] = nth_visible(os.environ, gpu)
        self._worker = make(device, threads)
        self._newest: TrainingProgress | None = None

    def hello(self) -> Hello:
        """Introduce the process."""
        return self._worker.hello()

    def evaluate(self, job: Job, data: EvaluationData) -> Outcome:
        """Run one job."""
        self._newest = None
        return self._worker.evaluate(job, data, report=self._take)

    @ray.method(concurrency_group="watching")
    def progress(self) -> TrainingProgress | None:
        """The newest report of the job that runs; None before its first."""
        return self._newest

    def _take(self, progress: TrainingProgress) -> None:
        self._newest = progress


def nth_visible(environment: Mapping[str, str], index: int) -> str:
    """What CUDA_VISIBLE_DEVICES must be for a process to see one of the GPUs that it lists now, or that there are."""
    listed = [name for name in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return listed[index] if listed else str(index)


def environment_of(seat: Seat) -> dict[str, str]:
    """Variables that a worker's process is started with."""
    variables = {"OMP_NUM_THREADS": str(seat.place.threads)}
    if seat.gpu is not None:
        variables[KEEP_GPUS] = "1"
    elif sys.platform == "linux":
        variables["GLIBC_TUNABLES"] = os.environ.get("GLIBC_TUNABLES", MALLOC)
    return variables


def start(seat: Seat, *, cpus: float, gpus: float, make: MakeWorker) -> Any:
    """Have Ray start a worker at a seat; the handle of its actor, at once."""
    # Ray's annotations leave concurrency groups out.
    remote = ray.remote(concurrency_groups={"watching": 1})  # type: ignore[call-overload]
    actor = remote(RayWorker).options(
        num_cpus=cpus,
        num_gpus=0 if seat.gpu is None else gpus,
        scheduling_strategy=ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(seat.node_id, soft=False),
        runtime_env={"env_vars": environment_of(seat)},
        max_restarts=0,  # a retry is the pool's decision, counted and limited
        max_task_retries=0,
    )
    return actor.remote(seat.place.device, seat.place.threads, seat.gpu, make)
