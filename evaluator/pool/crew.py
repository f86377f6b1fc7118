"""The port between a pool and worker processes: where workers may run, and how one of them is spoken to.

A crew knows nothing of queues, retries or limits; a pool knows nothing of Ray, pipes or processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..data.sets import EvaluationData
from ..executor import Job
from ..outcome import Outcome
from ..progress import TrainingProgress
from ..worker import Hello


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one worker process may run.

    Attributes:
        name: Unique for ever: a node that leaves and comes back brings new places. What completions call the worker.
        node: Name of its machine.
        device: The torch device of its process: "cpu" or "cuda".
        threads: Threads of its torch.
        shared: Names the device whose memory it shares with other places, e.g. "node-a/gpu-0"; empty when its
            memory is not counted.
    """

    name: str
    node: str
    device: str
    threads: int
    shared: str = ""


@dataclass(frozen=True)
class Answer:
    """A job has ended."""

    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """The process is gone, or cannot be reached, for the reason given; nothing more comes from it."""

    reason: str


Message = Hello | TrainingProgress | Answer | Lost


class Member(Protocol):
    """One worker process: greets once, then runs one job at a time and answers each."""

    def give(self, job: Job) -> None:
        """Send it a job; its images were loaded. A dead process does not raise here: `Lost` follows."""
        ...

    def messages(self) -> list[Message]:
        """What it has said since the last call, oldest first, without waiting.

        Of a running job at most one report a second. After `Lost` nothing.
        """
        ...

    def kill(self) -> None:
        """End the process at once, whatever it does; a second call does nothing."""
        ...


class Crew(Protocol):
    """Starts and reaches worker processes of one kind."""

    def places(self) -> Sequence[Place]:
        """Where workers may run now. Places of nodes that joined appear, those of nodes that left are gone."""
        ...

    def hire(self, place: Place) -> Member:
        """Start a process, without waiting for it."""
        ...

    def wait(self, members: Sequence[Member], timeout_s: float) -> None:
        """Return once one of them has said something that ends waiting (not a mere report), or the time is over."""
        ...

    def load(self, data: EvaluationData) -> None:
        """Put images where every process can read them without a copy of its own, once per node."""
        ...

    def unload(self, digest: str) -> None:
        """Let images go that no job in flight needs."""
        ...

    def close(self) -> None:
        """Release everything that the crew itself started; members were killed before."""
        ...
