"""One place for one worker: its process is started, asked and killed here. Queues and retries are the pool's."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import ray

from ..executor import Job, Ticket, WorkerInfo
from ..worker import Hello, Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a worker may give no sign.

    Attributes:
        start_timeout_s: Seconds in which it must be up.
        margin_s: A job is given up once it has run for twice its own time-out and this.
    """

    start_timeout_s: float
    margin_s: float


@dataclass
class Task:
    """A job on its way, started ``attempts`` times so far."""

    ticket: Ticket
    job: Job
    attempts: int = 0


class Slot:
    """A place that is empty, starting, idle or busy, in this order; from each it may become empty again.

    Args:
        name: What completions and logs call it.
        device: Name of the worker's torch device.
        threads: Threads of the worker's torch.
        resources: What its process reserves: ``num_cpus`` and ``num_gpus``.

    Attributes:
        pending: The answer that is awaited; None when empty or idle.
        task: The job that runs; None unless busy.
        since_s: When ``pending`` was asked for.
        failed_starts: How many starts failed in a row.
    """

    def __init__(self, name: str, *, device: str, threads: int, resources: dict[str, float]) -> None:
        self.name = name
        self._device = device
        self._threads = threads
        self._resources = resources
        self._actor: Any = None
        self._hello: Hello | None = None
        self.pending: Any = None
        self.task: Task | None = None
        self.since_s = 0.0
        self.failed_starts = 0

    @property
    def empty(self) -> bool:
        """Whether there is no process."""
        return self._actor is None

    @property
    def starting(self) -> bool:
        """Whether there is a process that was not heard of yet."""
        return self._actor is not None and self._hello is None

    @property
    def idle(self) -> bool:
        """Whether a worker waits for a job."""
        return self._hello is not None and self.task is None

    @property
    def info(self) -> WorkerInfo | None:
        """The worker, once it is up."""
        if self._hello is None:
            return None
        busy = self.task.ticket if self.task else None
        return WorkerInfo(name=self.name, pid=self._hello.pid, node=self._hello.node, busy_ticket=busy)

    def start(self, now_s: float) -> None:
        """Ask for a worker process; it is up once its hello arrives."""
        # No restarts by Ray: a retry is the pool's decision, counted and limited.
        worker = ray.remote(Worker).options(**self._resources, max_restarts=0, max_task_retries=0)
        self._actor = worker.remote(self._device, self._threads)
        self.pending, self.since_s = self._actor.hello.remote(), now_s

    def welcome(self, hello: Hello) -> None:
        """Take the worker into service."""
        self._hello, self.pending, self.failed_starts = hello, None, 0
        log.info("worker up: name=%s pid=%d node=%s", self.name, hello.pid, hello.node)

    def give(self, task: Task, data: Any, now_s: float) -> None:
        """Have the worker run a job on the images behind a reference."""
        task.attempts += 1
        self.task = task
        self.pending, self.since_s = self._actor.evaluate.remote(task.job, data), now_s

    def finish(self) -> None:
        """The worker has answered and waits for the next job."""
        self.task = self.pending = None

    def vacate(self) -> None:
        """Kill the worker, whatever it is doing."""
        if self._actor is not None and ray.is_initialized():
            ray.kill(self._actor, no_restart=True)
        self._actor = self._hello = self.pending = self.task = None

    def limit_s(self, limits: Limits) -> float:
        """The time at which what is pending is given up."""
        if self.pending is None:
            return math.inf
        if self.task is None:
            return self.since_s + limits.start_timeout_s
        return self.since_s + 2 * self.task.job.timeout_s + limits.margin_s
