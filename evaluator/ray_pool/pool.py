"""A pool of Ray workers: one queue, one job in flight for each worker, retries and time limits.

Ray holds no truth here: jobs queue in this process, and a worker that is lost takes nothing with it but the attempt.
The pool runs on the caller's thread; between calls it does nothing.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from ..data.sets import EvaluationData
from ..executor import (
    Completion,
    ExecutorError,
    Job,
    Ticket,
    WorkerInfo,
    WorkerMismatch,
    refuse_closed,
    refuse_unloaded,
)
from ..outcome import Failure, Outcome
from ..provenance import code_digest
from ..worker import Hello
from .session import error_text, join_or_start, refuse_missing
from .slots import Limits, Slot, Task

log = logging.getLogger(__name__)

MAX_START_FAILURES = 3


class RayExecutor:
    """Runs jobs on Ray actors; see `Executor` for what it guarantees.

    Starts a Ray of its own on this machine, open only to those who know its random token, unless ``address``
    or RAY_ADDRESS names a cluster to join or this process has joined one already. Workers on a cluster need
    the same sources installed.

    Args:
        workers: Jobs that run at once.
        cpus_per_worker: Processors that each worker reserves; torch gets as many threads, at least one.
        gpus_per_worker: GPUs, or a share of one, that each worker reserves; above 0 jobs run on "cuda".
        address: A cluster to join, e.g. "10.0.0.1:6379".
        max_attempts: How often a job is started before its workers' deaths are its own fault.
        start_timeout_s: Seconds in which a worker must be up.
        margin_s: A job is killed once it has run for twice its own time-out and this.
        clock: Seconds, from any origin.

    Raises:
        ExecutorError: Ray cannot be reached, or has not the resources that the workers ask for.
        WorkerMismatch: A worker has other sources than this process.
    """

    def __init__(
        self,
        *,
        workers: int,
        cpus_per_worker: float = 1,
        gpus_per_worker: float = 0,
        address: str | None = None,
        max_attempts: int = 3,
        start_timeout_s: float = 120.0,
        margin_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if workers < 1 or max_attempts < 1 or cpus_per_worker < 0 or gpus_per_worker < 0:
            raise ValueError("a pool needs at least one worker, one attempt and no negative resources")
        resources = {"num_cpus": cpus_per_worker, "num_gpus": gpus_per_worker}
        device = "cuda" if gpus_per_worker else "cpu"
        threads = max(1, int(cpus_per_worker))
        self._slots = [
            Slot(f"worker-{number}", device=device, threads=threads, resources=resources)
            for number in range(1, workers + 1)
        ]
        self._limits = Limits(start_timeout_s=start_timeout_s, margin_s=margin_s)
        self._max_attempts = max_attempts
        self._clock = clock
        self._queue: deque[Task] = deque()
        self._done: list[Completion] = []
        self._data: dict[str, Any] = {}
        self._tickets = count(1)
        self._closed = False
        self._owns_ray = join_or_start(address)
        try:
            refuse_missing(workers, resources)
            self._start_all()
        except BaseException:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """The number of workers."""
        return len(self._slots)

    def load(self, data: EvaluationData) -> None:
        """Put images into the object store, from where workers read them without a copy."""
        refuse_closed(self._closed)
        if data.digest not in self._data:
            self._data[data.digest] = ray.put(data)

    def unload(self, digest: str) -> None:
        """Drop the last reference to images in the object store; workers keep the sets that they used last."""
        self._data.pop(digest, None)

    def submit(self, job: Job) -> Ticket:
        """Queue a job."""
        refuse_closed(self._closed)
        refuse_unloaded(job, self._data)
        task = Task(Ticket(next(self._tickets)), job)
        self._queue.append(task)
        self._dispatch()
        return task.ticket

    def completed(self, timeout_s: float) -> list[Completion]:
        """Completions since the last call; waits up to ``timeout_s`` seconds for the first one.

        Raises:
            ExecutorError: A worker cannot be started, time after time; jobs stay queued.
        """
        deadline_s = self._clock() + timeout_s
        while True:
            self._dispatch()
            waiting = any(slot.pending is not None for slot in self._slots)
            if waiting and not self._done:
                self._wait(deadline_s)
            self._collect()
            self._kill_overdue()
            if self._done or not waiting or self._clock() >= deadline_s:
                self._dispatch()
                done, self._done = self._done, []
                return done

    def cancel(self, ticket: Ticket) -> None:
        """Forget a job; the worker that runs it is killed, and replaced when there is work for it."""
        self._queue = deque(task for task in self._queue if task.ticket != ticket)
        self._done = [completion for completion in self._done if completion.ticket != ticket]
        for slot in self._slots:
            if slot.task is not None and slot.task.ticket == ticket:
                slot.vacate()

    def workers(self) -> list[WorkerInfo]:
        """The processes that are up."""
        return [slot.info for slot in self._slots if slot.info is not None]

    def close(self) -> None:
        """Kill every worker; shut Ray down if this executor started it."""
        if self._closed:
            return
        self._closed = True
        self._queue.clear()
        self._done.clear()
        for slot in self._slots:
            slot.vacate()
        self._data.clear()
        if self._owns_ray:
            ray.shutdown()

    def _start_all(self) -> None:
        """Start every worker and wait until all are up."""
        for slot in self._slots:
            slot.start(self._clock())
        try:
            hellos = ray.get([slot.pending for slot in self._slots], timeout=self._limits.start_timeout_s)
        except GetTimeoutError as error:
            raise _not_started(f"workers were not up within {self._limits.start_timeout_s:g} s") from error
        except RayError as error:
            raise _not_started(f"a worker died at its start: {error_text(error)}") from error
        for slot, hello in zip(self._slots, hellos, strict=True):
            self._welcome(slot, hello)

    def _welcome(self, slot: Slot, hello: Hello) -> None:
        """Take a worker into service, if it would score as this process would."""
        if hello.code_digest != code_digest():
            slot.vacate()
            raise WorkerMismatch(
                f"{slot.name} on {hello.node} runs other sources: {hello.code_digest}, here {code_digest()}",
                retryable=False,
                hint="install the same version of srnas on every node, or set PYTHONPATH alike",
            )
        slot.welcome(hello)

    def _dispatch(self) -> None:
        """Give queued jobs to idle workers, and start workers in empty slots for the rest."""
        for slot in self._slots:
            if self._queue and slot.idle:
                task = self._queue.popleft()
                slot.give(task, self._data[task.job.data_digest], self._clock())
        starting = sum(slot.starting for slot in self._slots)
        empty = [slot for slot in self._slots if slot.empty]
        for slot in empty[: max(0, len(self._queue) - starting)]:
            slot.start(self._clock())

    def _wait(self, deadline_s: float) -> None:
        """Wait until an answer is there, a worker's time is over, or the deadline has come."""
        pending = [slot.pending for slot in self._slots if slot.pending is not None]
        until_s = min(deadline_s, *(slot.limit_s(self._limits) for slot in self._slots))
        ray.wait(pending, num_returns=1, timeout=max(0.0, until_s - self._clock()))

    def _collect(self) -> None:
        """Take in every answer that is there."""
        by_ref = {slot.pending: slot for slot in self._slots if slot.pending is not None}
        if not by_ref:
            return
        ready, _ = ray.wait(list(by_ref), num_returns=len(by_ref), timeout=0)
        for ref in ready:
            slot = by_ref[ref]
            if slot.task is None:
                self._collect_hello(slot)
            else:
                self._collect_outcome(slot, slot.task)

    def _collect_hello(self, slot: Slot) -> None:
        try:
            hello = ray.get(slot.pending)
        except RayError as error:
            self._failed_start(slot, f"died at its start: {error_text(error)}")
        else:
            self._welcome(slot, hello)

    def _failed_start(self, slot: Slot, what: str) -> None:
        """Leave the slot to the next dispatch, or give up when this has happened too often."""
        log.warning("worker failed to start: name=%s reason=%s", slot.name, what)
        slot.vacate()
        slot.failed_starts += 1
        if slot.failed_starts >= MAX_START_FAILURES:
            slot.failed_starts = 0
            raise _not_started(f"{slot.name} {what}")

    def _collect_outcome(self, slot: Slot, task: Task) -> None:
        try:
            outcome: Outcome = ray.get(slot.pending)
        except RayTaskError as error:
            # The worker lives, but could not even take the job in or send the outcome back.
            outcome = Failure(kind="error", message=error_text(error))
        except RayError as error:
            self._lost(slot, task, error_text(error))
            return
        self._complete(slot, task, outcome)
        slot.finish()

    def _lost(self, slot: Slot, task: Task, reason: str) -> None:
        """Put the job of a dead worker back at the head of the queue, unless that was its last attempt."""
        log.warning(
            "worker lost: name=%s ticket=%d attempt=%d reason=%s",
            slot.name,
            task.ticket,
            task.attempts,
            reason,
        )
        slot.vacate()
        if task.attempts < self._max_attempts:
            self._queue.appendleft(task)
        else:
            message = f"lost its worker {task.attempts} times; last: {reason}"
            self._complete(slot, task, Failure(kind="worker_lost", message=message))

    def _complete(self, slot: Slot, task: Task, outcome: Outcome) -> None:
        self._done.append(Completion(ticket=task.ticket, outcome=outcome, worker=slot.name, attempts=task.attempts))

    def _kill_overdue(self) -> None:
        now_s = self._clock()
        for slot in self._slots:
            if now_s < slot.limit_s(self._limits):
                continue
            if slot.task is None:
                self._failed_start(slot, f"was not up within {self._limits.start_timeout_s:g} s")
                continue
            ran_s = now_s - slot.since_s
            message = f"gave no sign for {ran_s:.0f} s and was killed"
            self._complete(slot, slot.task, Failure(kind="timeout", message=message, train_s=ran_s))
            slot.vacate()


def _not_started(message: str) -> ExecutorError:
    return ExecutorError(
        message,
        retryable=True,
        hint="look at the worker logs under /tmp/ray/session_latest/logs on the worker's node",
    )
