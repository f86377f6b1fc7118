"""The executor without other processes: a job runs inside `completed`, on the caller's thread."""

from __future__ import annotations

import os
import platform
from collections import deque
from itertools import count

from .data.sets import EvaluationData
from .evaluate import evaluate
from .executor import Completion, Job, Ticket, WorkerInfo, refuse_closed, refuse_unloaded


class InlineExecutor:
    """Runs one job at a time, in the order of submission; see `Executor` for what it guarantees.

    ``completed`` runs a job to its end however short its ``timeout_s``: there is nobody else to run it.

    Args:
        device: Name of the torch device, e.g. "cpu" or "cuda".
        threads: Threads of torch while a job runs; as torch is set up when None.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None) -> None:
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
        outcome = evaluate(job, self._data[job.data_digest], device=self._device, threads=self._threads)
        return [Completion(ticket=ticket, outcome=outcome, worker="inline")]

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
