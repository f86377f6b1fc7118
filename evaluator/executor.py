"""The port between a search and the machines that train: jobs go in, completions come out, in any order.

A job is a value; what it needs beyond itself (the images) is loaded once, by digest. An executor knows
nothing of searches, databases or fronts.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NewType, Protocol

from search_space.genotype import Genotype

from .data.sets import EvaluationData
from .finishing import Stretch
from .latency_target import LatencyTarget
from .outcome import Outcome
from .progress import TrainingProgress
from .provenance import code_digest
from .recipe import Recipe

Ticket = NewType("Ticket", int)


class ExecutorError(RuntimeError):
    """The machines cannot do what was asked: an infrastructure error, not a bad candidate.

    Attributes:
        retryable: Whether the same call may succeed later.
        hint: What to do next.
    """

    def __init__(self, message: str, *, retryable: bool, hint: str) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.hint = hint


class DeviceLost(ExecutorError):
    """A device answers nothing any more: whatever this process would still run there fails, good or bad."""


class WorkerMismatch(ExecutorError):
    """A worker runs other sources than this process: its scores could not be compared."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One evaluation: everything that decides its outcome, the time it may take, and how to save some of it.

    Attributes:
        genotype: The network to train.
        recipe: How.
        scale: 2, 3 or 4.
        channels: 1 (luma) or 3 (RGB).
        seed: Seed of initialisation and patches.
        data_digest: Digest of an `EvaluationData` that the executor has loaded.
        timeout_s: Seconds of training after which the job fails with kind "timeout".
        start: `Success.state` of a job of the same lineage with fewer steps, from where training goes on; on a CPU
            the outcome is as if every step had been taken. One that does not fit is ignored, with a warning; a stretch
            fails by it, since its training would begin anew unasked.
        keep_state: Whether the outcome shall carry the state at the end of the recipe's stable phase.
        latency: What to time the trained network on; it is not timed when None.
        stretch: Which stretch of a full training this is; None for a partial training. ``recipe`` is that of the whole
            training, ``timeout_s`` is for the stretch alone, and ``keep_state`` means nothing.
    """

    genotype: Genotype
    recipe: Recipe
    scale: int
    channels: int
    seed: int
    data_digest: str
    timeout_s: float
    start: bytes = field(default=b"", repr=False)
    keep_state: bool = field(default=False, repr=False)
    latency: LatencyTarget | None = None
    stretch: Stretch | None = None

    @property
    def key(self) -> str:
        """The address of its outcome, 32 hexadecimal characters: jobs with equal keys do equal work."""
        parts = (
            self.genotype.digest,
            self.recipe.digest,
            self.data_digest,
            str(self.seed),
            f"x{self.scale}c{self.channels}",
            code_digest(),
            *([] if self.latency is None else [f"latency {self.latency}"]),
            *([] if self.stretch is None else [f"stretch {self.stretch.digest}"]),
        )
        return blake2b("|".join(parts).encode(), digest_size=16).hexdigest()

    @property
    def lineage(self) -> str:
        """The address of the training that its state is of, 32 hexadecimal characters.

        Equal for partial trainings that differ in the recipe's steps alone, whose stable phases are one another's
        beginnings; and for the stretches of one full training, whose learning rate looks at the recipe's last step.
        """
        if self.stretch is not None:
            return replace(self, stretch=replace(self.stretch, until=0), latency=None).key
        return replace(self, recipe=replace(self.recipe, steps=1, rungs=1), latency=None).key


@dataclass(frozen=True, kw_only=True)
class Setback:
    """A start of a job that came to nothing, and after which it was tried again.

    Attributes:
        cause: A kind of failure, such as "worker_lost", "out_of_memory" or "error"; "node_left" where its node went;
            "set_back" where steps of a full training were lost.
        worker: Name of the worker slot, or of who found that out.
        message: What happened.
    """

    cause: str
    worker: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The end of one submitted job.

    Attributes:
        ticket: Which.
        outcome: What became of it.
        worker: Name of the worker slot.
        attempts: How often it was started, at least 1; more than 1 after a worker was lost.
        setbacks: What became of the starts before the last, oldest first.
    """

    ticket: Ticket
    outcome: Outcome
    worker: str
    attempts: int = 1
    setbacks: tuple[Setback, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """One worker process that is up.

    Attributes:
        name: Name of its place, which outlives the process; what completions call it.
        pid: Process number on its node.
        node: Host name of its node.
        device: Name of its device, e.g. "cpu (1 thread, x86_64, AMD EPYC 9354)".
        busy_ticket: The job it runs; None when idle.
        progress: The newest report of that job, at most a second old while it trains; None before the first.
    """

    name: str
    pid: int
    node: str
    device: str = ""
    busy_ticket: Ticket | None = None
    progress: TrainingProgress | None = None


class Executor(Protocol):
    """Runs jobs.

    Guarantees: every submitted ticket completes exactly once, unless it was cancelled, after which it never
    does; a lost worker is replaced and its job tried again, as is one that met an error or ran out of memory, a few
    times and each told in `Completion.setbacks`; nothing that a candidate does raises here.
    """

    @property
    def capacity(self) -> int:
        """How many jobs run at once; it changes as machines come and go, and may be 0 while there is none."""
        ...

    def workers(self) -> list[WorkerInfo]:
        """Who is up, and what each does now. Waits for nobody, so it may be called as often as one likes."""
        ...

    def load(self, data: EvaluationData) -> None:
        """Make images available to every worker, once per digest."""
        ...

    def unload(self, digest: str) -> None:
        """Let images go that no job in flight needs; a digest that is not loaded is ignored."""
        ...

    def submit(self, job: Job) -> Ticket:
        """Queue a job; `ValueError` when its data was not loaded, `ExecutorError` after `close`."""
        ...

    def completed(self, timeout_s: float) -> list[Completion]:
        """Completions since the last call; waits up to ``timeout_s`` seconds for the first one.

        Returns at once, with nothing, when nothing is queued or running.
        """
        ...

    def cancel(self, ticket: Ticket) -> None:
        """Forget a job and free its worker; a ticket that is not in flight is ignored."""
        ...

    def close(self) -> None:
        """Stop every worker and release every resource; a second call does nothing."""
        ...


def refuse_closed(closed: bool) -> None:
    """Raise `ExecutorError` when an executor is used after it was closed."""
    if closed:
        raise ExecutorError("this executor was closed", retryable=False, hint="make a new one")


def refuse_unloaded(job: Job, loaded: Container[str]) -> None:
    """Raise `ValueError` when a job's images were not loaded."""
    if job.data_digest not in loaded:
        raise ValueError(f"no images with digest {job.data_digest} were loaded: call load() first")
