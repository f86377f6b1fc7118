"""The pool over worker processes of this machine: what to start, by default as much as the machine can run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from ..executor import ExecutorError
from ..memory import MemoryBook
from ..pool import Pool
from .crew import ProcessCrew
from .places import cpu_posts, gpu_posts, visible_gpus


class ProcessExecutor(Pool):
    """Runs jobs in processes of this machine, on its processors or on its GPUs; see `Executor` for what it guarantees.

    On "cuda" several candidates share a GPU, as many as its memory holds by prediction: ``workers_per_gpu`` processes
    stand ready, and the pool decides how many of them are at work.

    Args:
        workers: Jobs that run at once at most. When None, on a CPU as many as there are processors for their threads,
            and on "cuda" all that ``workers_per_gpu`` allows.
        threads: Threads of torch of each worker.
        device: "cpu" or "cuda".
        devices: Numbers of the GPUs to use, among those that CUDA_VISIBLE_DEVICES leaves; all of them when None.
        workers_per_gpu: Processes that share one GPU. Each keeps about `MemoryBook.context_bytes` of it even when idle.
        max_attempts: How often a job is started before it has failed; see `Pool` for what counts.
        start_timeout_s: Seconds in which a worker must be up.
        margin_s: A job is killed once it has run for twice its own time-out and this.
        memory: Predicts what jobs take of a GPU; a new book when None.
        clock: Seconds, from any origin.

    Raises:
        ExecutorError: There is no such GPU, or no worker came up.
        ValueError: A number is below 1, or the device neither "cpu" nor "cuda".
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        threads: int = 1,
        device: str = "cpu",
        devices: Sequence[int] | None = None,
        workers_per_gpu: int = 4,
        max_attempts: int = 3,
        start_timeout_s: float = 120.0,
        margin_s: float = 60.0,
        memory: MemoryBook | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if device not in ("cpu", "cuda") or min(1 if workers is None else workers, threads, workers_per_gpu) < 1:
            raise ValueError("a pool of processes needs a device, cpu or cuda, and at least one worker and one thread")
        if device == "cuda":
            posts = gpu_posts(_chosen(devices), workers_per_gpu, threads)[:workers]
        else:
            posts = cpu_posts(workers or max(1, _processors() // threads), threads)
        super().__init__(
            ProcessCrew(posts, environ=os.environ, clock=clock),
            max_attempts=max_attempts,
            start_timeout_s=start_timeout_s,
            margin_s=margin_s,
            memory=memory or MemoryBook(),
            clock=clock,
        )


def _chosen(devices: Sequence[int] | None) -> list[str]:
    """The GPUs of these numbers, as CUDA_VISIBLE_DEVICES names them."""
    visible = visible_gpus(os.environ)
    numbers = range(len(visible)) if devices is None else devices
    if not numbers or not all(0 <= number < len(visible) for number in numbers):
        raise ExecutorError(
            f"no GPUs {list(numbers)}: there are {len(visible)}",
            retryable=False,
            hint="name GPUs by their numbers from 0, or use the device cpu; nvidia-smi lists what the driver sees",
        )
    return [visible[number] for number in numbers]


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
