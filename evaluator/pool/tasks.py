"""Jobs on their way, and those among them that wait for a worker. Knows neither workers nor clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from ..executor import Completion, Job, Setback, Ticket
from ..outcome import Outcome


@dataclass(eq=False)
class Task:
    """A job that was submitted and has not completed.

    Attributes:
        ticket: Its number; what was submitted earlier has a smaller one.
        job: What to do.
        attempts: How often it was started so far.
        worker: Name of the place where it runs or ran last.
        setbacks: What became of the starts that came to nothing, oldest first.
        faults: How many of those are its own, whatever becomes of the places where they happened.
        lost_at: Names of the places where it lost a worker.
        predicted_bytes: What it was predicted to take of its device's memory when it was started.
        crowded: Whether anything ran beside it on its device's memory in this attempt.
        alone: Whether nothing may: it ran out of memory beside others.
        named: Whether the log has said that there is no place for it.
    """

    ticket: Ticket
    job: Job
    attempts: int = 0
    worker: str = ""
    setbacks: list[Setback] = field(default_factory=list)
    faults: int = 0
    lost_at: list[str] = field(default_factory=list)
    predicted_bytes: int = 0
    crowded: bool = False
    alone: bool = False
    named: bool = False

    @property
    def started(self) -> bool:
        """Whether a start of it has neither ended nor come to nothing yet."""
        return self.attempts > len(self.setbacks)

    def completion(self, outcome: Outcome) -> Completion:
        """Its end, by the outcome of its latest start."""
        return Completion(
            ticket=self.ticket,
            outcome=outcome,
            worker=self.worker,
            attempts=self.attempts,
            setbacks=tuple(self.setbacks[: self.attempts - 1]),
        )

    def set_back(self, cause: str, message: str) -> None:
        """Take in that its latest start came to nothing."""
        self.setbacks.append(Setback(cause=cause, worker=self.worker, message=message))

    def lose(self, place: str, reason: str) -> None:
        """Take in that it lost its worker at a place."""
        self.set_back("worker_lost", reason)
        self.lost_at.append(place)

    def blame_node(self) -> None:
        """Take in that its latest setback came with the loss of a whole node."""
        self.setbacks[-1] = replace(self.setbacks[-1], cause="node_left")


class TaskQueue:
    """Tasks that wait for a worker: the oldest first, whatever order they come in.

    So a task that comes back, because it lost its worker, goes before all that never ran. Each operation takes time
    that grows with the logarithm of the queue.
    """

    def __init__(self) -> None:
        self._heaps: dict[str, list[tuple[Ticket, Task]]] = {"any": [], "cpu": [], "cuda": []}
        self._queued: dict[Ticket, Task] = {}

    def __len__(self) -> int:
        """Tasks that wait."""
        return len(self._queued)

    def push(self, task: Task) -> None:
        """Take a task in."""
        self._queued[task.ticket] = task
        heappush(self._heaps[task.job.recipe.device], (task.ticket, task))

    def pop(self, device: str) -> Task | None:
        """Hand out the oldest task that a "cpu" or "cuda" device may train; None when there is none."""
        heaps = [heap for heap in (self._live("any"), self._live(device)) if heap]
        if not heaps:
            return None
        ticket, task = heappop(min(heaps, key=lambda heap: heap[0][0]))
        del self._queued[ticket]
        return task

    def discard(self, ticket: Ticket) -> None:
        """Forget a task; one that does not wait is ignored."""
        self._queued.pop(ticket, None)

    def beyond(self, devices: set[str]) -> Iterator[Task]:
        """The tasks that none of these kinds of devices may train."""
        reach = devices | {"any"} if devices else set()
        return (task for task in self._queued.values() if task.job.recipe.device not in reach)

    def _live(self, device: str) -> list[tuple[Ticket, Task]]:
        """The heap of a kind, without forgotten tasks at its head."""
        heap = self._heaps[device]
        while heap and heap[0][0] not in self._queued:
            heappop(heap)
        return heap
