"""The executor without other processes: a job runs inside `completed`, on the caller's thread."""

from __future__ import annotations

import os
import platform
from collections import deque
from functools import partial
from itertools import count

from .data.sets import EvaluationData
from .evaluate import evaluate
from .executor import Completion, Job, Ticket, WorkerInfo, refuse_closed, refuse_unloaded
from .pool.retrying import tried


class InlineExecutor:
    """Runs one job at a time, in the order of submission; see `Executor` for what it guarantees.

    ``completed`` runs a job to its end however short its ``timeout_s``: there is nobody else to run it.

    Args:
        device: Name of the torch device, e.g. "cpu" or "cuda".
        threads: Threads of torch while a job runs; as torch is set up when None.
        max_attempts: How often a job is started before it has failed.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None, *, max_attempts: int = 3) -> None:
        self._max_attempts = max_attempts
        self._device = device
        self._threads = threads
        self._data: dict[str, EvaluationData] = {}
        self._queue: deque[tuple[Ticket, Job]] = deque()
        self._tickets = count(1)
        self._closed = False

    @property
    def capacity(self) -> int:
        """One."""
        return 1

    def load(self, data: EvaluationData) -> None:
        """Keep images at hand."""
        refuse_closed(self._closed)
        self._data[data.digest] = data

    def unload(self, digest: str) -> None:
        """Forget images."""
        self._data.pop(digest, None)

    def submit(self, job: Job) -> Ticket:
        """Queue a job."""
        refuse_closed(self._closed)
        refuse_unloaded(job, self._data)
        ticket = Ticket(next(self._tickets))
        self._queue.append((ticket, job))
        return ticket

    def completed(self, timeout_s: float) -> list[Completion]:  # noqa: ARG002  # nothing to wait for
        """Run the oldest job and return its completion; nothing when the queue is empty."""
        if not self._queue:
            return []
        ticket, job = self._queue.popleft()
        start = partial(evaluate, job, self._data[job.data_digest], device=self._device, threads=self._threads)
        outcome, setbacks = tried(start, "inline", self._max_attempts)
        attempts = 1 + len(setbacks)
        return [Completion(ticket=ticket, outcome=outcome, worker="inline", attempts=attempts, setbacks=setbacks)]

    def workers(self) -> list[WorkerInfo]:
        """This process; never busy, as nobody can ask while it is."""
        return [] if self._closed else [WorkerInfo(name="inline", pid=os.getpid(), node=platform.node())]

    def cancel(self, ticket: Ticket) -> None:
        """Forget a queued job."""
        self._queue = deque(entry for entry in self._queue if entry[0] != ticket)

    def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._queue.clear()
        self._data.clear()
