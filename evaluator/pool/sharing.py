"""One device whose memory several workers share: who runs there, and who waits until there is room."""

from __future__ import annotations

from collections import deque

from ..executor import Ticket
from ..memory import MemoryBook
from ..outcome import Outcome, Success
from .tasks import Task, TaskQueue


class SharedDevice:
    """Admits tasks by the memory that they are predicted to take, and learns from what they took.

    The oldest task is never passed over by smaller ones: once it was taken from the queue it waits here until it fits,
    and nothing else starts on this device meanwhile; other devices go on. A pool takes it away to one that is empty.

    Args:
        book: Predicts memory.

    Attributes:
        total_bytes: Memory of the device; 0, as long as no worker has told, admits as many as there are workers.
        workers: Processes that are up there; an idle one takes memory too.
    """

    def __init__(self, book: MemoryBook) -> None:
        self._book = book
        self._running: dict[Ticket, Task] = {}
        self._waiting: deque[Task] = deque()
        self.total_bytes = 0
        self.workers = 0

    @property
    def running(self) -> int:
        """How many tasks run there."""
        return len(self._running)

    def next(self, queue: TaskQueue, kind: str) -> Task | None:
        """The task that an idle worker of this device shall run now; None when there is none, or no room for it."""
        if not self._waiting and (task := queue.pop(kind)) is not None:
            self._waiting.append(task)
        if not self._waiting or not self._fits(self._waiting[0]):
            return None
        return self._waiting.popleft()

    def enter(self, task: Task) -> None:
        """Take in that a task was started here."""
        task.predicted_bytes = self._book.predicted_bytes(task.job)
        task.crowded = bool(self._running)
        for other in self._running.values():
            other.crowded = True
        self._running[task.ticket] = task

    def leave(self, task: Task) -> None:
        """Take in that it runs here no more."""
        self._running.pop(task.ticket, None)

    def retries(self, task: Task, outcome: Outcome) -> bool:
        """Learn from an outcome; whether the task is to be tried again, alone, for others took its memory."""
        if isinstance(outcome, Success):
            self._book.learn(task.job, outcome.peak_memory_bytes)
            return False
        if outcome.kind != "out_of_memory":
            return False
        task.alone = True  # the largest share that there is
        if not task.crowded:
            return False
        self._book.overflowed(task.job, task.predicted_bytes)
        self._waiting.appendleft(task)
        return True

    def discard(self, ticket: Ticket) -> None:
        """Forget a task that waits here, if it does."""
        self._waiting = deque(task for task in self._waiting if task.ticket != ticket)

    def abandon(self) -> list[Task]:
        """Give up every task that waits here."""
        waiting, self._waiting = list(self._waiting), deque()
        return waiting

    def _fits(self, task: Task) -> bool:
        running = self._running.values()
        if not running:
            return True
        if task.alone or any(other.alone for other in running):
            return False
        idle = self.workers - len(running) - 1
        left_bytes = self.total_bytes - idle * self._book.idle_bytes
        return self.total_bytes == 0 or self._book.fits(task.job, [other.job for other in running], left_bytes)
