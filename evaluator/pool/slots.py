"""One slot for each place: its worker is hired, given work and killed here. Queues and retries are elsewhere."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from ..executor import WorkerInfo
from ..progress import TrainingProgress
from ..worker import Hello
from .crew import Crew, Member, Place
from .sharing import SharedDevice
from .tasks import Task

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a worker may give no sign.

    Attributes:
        start_timeout_s: Seconds in which it must be up.
        margin_s: A job is given up once it has run for twice its own time-out and this.
        silence_s: A training that has reported is given up once the pool has listened for so long and heard of no
            further step.
    """

    start_timeout_s: float
    margin_s: float
    silence_s: float


class Slot:
    """A place that is empty, starting, idle or busy, in this order; from each it may become empty again.

    Args:
        place: Where its worker runs.
        shared: The device whose memory it shares; None when its memory is not counted.

    Attributes:
        member: The worker process; None when empty.
        task: What runs; None unless busy.
        progress: The newest report of what runs.
        silent_s: For how long somebody has listened since its training came further; 0 as long as it reports none.
        since_s: When the process or, if busy, the task was started.
        failed_starts: How many starts failed in a row.
    """

    def __init__(self, place: Place, shared: SharedDevice | None) -> None:
        self.place = place
        self.shared = shared
        self.member: Member | None = None
        self.task: Task | None = None
        self.progress: TrainingProgress | None = None
        self.silent_s = 0.0
        self.since_s = 0.0
        self.failed_starts = 0
        self._hello: Hello | None = None

    @property
    def name(self) -> str:
        """The name of its place."""
        return self.place.name

    @property
    def starting(self) -> bool:
        """Whether there is a process that was not heard of yet."""
        return self.member is not None and self._hello is None

    @property
    def info(self) -> WorkerInfo | None:
        """The worker, once it is up."""
        if self._hello is None:
            return None
        return WorkerInfo(
            name=self.name,
            pid=self._hello.pid,
            node=self._hello.node,
            device=self._hello.device or self.place.device,
            busy_ticket=self.task.ticket if self.task else None,
            progress=self.progress,
        )

    def hire(self, crew: Crew, now_s: float) -> None:
        """Start a worker process; it is up once its hello arrives."""
        self.member, self.since_s = crew.hire(self.place), now_s

    def welcome(self, hello: Hello) -> None:
        """Take the worker into service."""
        self._hello, self.failed_starts = hello, 0
        if self.shared is not None:
            self.shared.workers += 1
            self.shared.total_bytes = hello.device_memory_bytes
        log.info("worker up: name=%s pid=%d node=%s device=%s", self.name, hello.pid, hello.node, self.place.device)

    def give(self, task: Task, now_s: float) -> None:
        """Have the idle worker run a task."""
        if self.member is None:
            raise ValueError(f"{self.name} has no worker")
        task.attempts, task.worker = task.attempts + 1, self.name
        self.task, self.since_s = task, now_s
        if self.shared is not None:
            self.shared.enter(task)
        self.member.give(task.job)

    def report(self, progress: TrainingProgress) -> None:
        """Take in how far the task has come."""
        before, self.progress = self.progress, progress
        if before is None or (before.phase, before.step) != (progress.phase, progress.step):
            self.silent_s = 0.0

    def listened(self, listened_s: float) -> None:
        """Take in that somebody listened for so long; other phases than training may be long and say nothing."""
        if self.progress is not None and self.progress.phase == "training":
            self.silent_s += listened_s

    def finish(self) -> Task | None:
        """Take note that the worker runs nothing any more; what it ran."""
        task, self.task, self.progress, self.silent_s = self.task, None, None, 0.0
        if task is not None and self.shared is not None:
            self.shared.leave(task)
        return task

    def vacate(self) -> Task | None:
        """Kill the worker, whatever it is doing; what it ran."""
        if self.member is not None:
            self.member.kill()
        if self._hello is not None and self.shared is not None:
            self.shared.workers -= 1
        self.member = self._hello = None
        return self.finish()

    def limit_s(self, limits: Limits) -> float:
        """The time at which a start or a task is given up; infinite when empty or idle."""
        if self.task is not None:
            return self.since_s + 2 * self.task.job.timeout_s + limits.margin_s
        return self.since_s + limits.start_timeout_s if self.starting else math.inf
