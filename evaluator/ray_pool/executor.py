"""The pool over a Ray crew, put together."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..memory import MemoryBook
from ..pool import Pool
from ..worker import Worker
from .actor import MakeWorker
from .crew import RayCrew
from .seats import Claim


class RayExecutor(Pool):
    """Runs jobs on Ray actors: a `Pool` over a `RayCrew`, and nothing more.

    Starts a Ray of its own on this machine, open only to those who know its random token, unless ``address``
    or RAY_ADDRESS names a cluster to join or this process has joined one already. Workers on a cluster need
    the same sources installed.

    Each worker is tied to a node. Nodes that join are used within some seconds, up to ``workers``; what ran on a node
    that left is tried elsewhere. What a node offers is taken for all the pool's own: pools that share a cluster must
    say how many workers each has.

    Args:
        workers: Jobs that run at once, at most; as many as the nodes have room for when None.
        cpus_per_worker: Processors that each worker reserves; torch gets as many threads, at least one.
        gpus_per_worker: GPUs, or a share of one, that each worker reserves; above 0 jobs run on "cuda", and as many
            side by side on one GPU as its memory is predicted to hold.
        cpu_nodes: Whether nodes without GPUs train too, on their CPUs, when ``gpus_per_worker`` is above 0.
        address: A cluster to join, e.g. "10.0.0.1:6379".
        worker: Makes what evaluates in each process; another one than `Worker` tries the pool out.
        max_attempts: How often a job is started before it has failed; see `Pool` for what counts.
        start_timeout_s: Seconds in which a worker must be up.
        margin_s: A job is killed once it has run for twice its own time-out and this.
        clock: Seconds, from any origin.

    Raises:
        ExecutorError: Ray cannot be reached, or has not the resources that the workers ask for.
        WorkerMismatch: The workers have other sources than this process.
    """

    def __init__(
        self,
        *,
        workers: int | None,
        cpus_per_worker: float = 1,
        gpus_per_worker: float = 0,
        cpu_nodes: bool = False,
        address: str | None = None,
        worker: MakeWorker = Worker,
        max_attempts: int = 3,
        start_timeout_s: float = 120.0,
        margin_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_attempts < 1:
            raise ValueError("a pool needs at least one attempt")
        claim = Claim(workers=workers, cpus=cpus_per_worker, gpus=gpus_per_worker, cpu_nodes=cpu_nodes)
        super().__init__(
            RayCrew(claim, address=address, worker=worker, clock=clock),
            max_attempts=max_attempts,
            start_timeout_s=start_timeout_s,
            margin_s=margin_s,
            memory=MemoryBook() if gpus_per_worker else None,
            clock=clock,
        )
