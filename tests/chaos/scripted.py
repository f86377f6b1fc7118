"""Trainings that only wait, each noted in a journal when it begins and when it ends. Imports nothing heavy."""

from __future__ import annotations

import math
import os
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

from evaluator.data.sets import EvaluationData
from evaluator.executor import Job
from evaluator.outcome import Failure, Outcome, Success
from evaluator.progress import Report
from evaluator.provenance import code_digest
from evaluator.testing import synthetic
from evaluator.worker import Hello

SHORTEST_S, LONGEST_S = 0.2, 0.5
"""How long a training takes."""

DIVERGING = 11
"""One network in so many diverges, always the same ones."""


def outcome_of(job: Job) -> Outcome:
    """What becomes of a job, by nothing but the job: longer trainings score better, and some networks diverge."""
    if int(job.genotype.digest, 16) % DIVERGING == 0:
        return Failure(kind="diverged", message="the loss grew", train_s=1.0)
    outcome = synthetic(job)
    assert isinstance(outcome, Success)
    psnr_db = outcome.scores.psnr_db + math.log2(job.recipe.steps)
    return replace(outcome, scores=replace(outcome.scores, psnr_db=psnr_db))


def signed(outcome: Outcome, owner: str) -> Outcome:
    """The same outcome, whose device names the controller that asked for it: so it is seen who recorded it."""
    if isinstance(outcome, Failure):
        return replace(outcome, device=owner)
    return replace(outcome, provenance=replace(outcome.provenance, device=owner))


def wait_s(job: Job) -> float:
    """How long the training of a job takes."""
    return SHORTEST_S + (LONGEST_S - SHORTEST_S) * int(job.key[:4], 16) / 0xFFFF


@dataclass(frozen=True)
class Note:
    """A line of the journal.

    Attributes:
        verb: "begin" or "end".
        key: Address of the evaluation.
        owner: The controller that asked for it, by its name in leases.
        at_s: When, in seconds since the epoch.
    """

    verb: str
    key: str
    owner: str
    at_s: float


class Journal:
    """A file of what was trained, to which any process appends; a line is written whole or not at all.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, verb: str, key: str, owner: str) -> None:
        """Append a line."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, f"{verb} {key} {owner} {time.time():.6f}\n".encode())
        finally:
            os.close(file)

    @property
    def length(self) -> int:
        """Lines so far."""
        return self._path.read_bytes().count(b"\n") if self._path.exists() else 0

    def notes(self) -> list[Note]:
        """Every line, oldest first."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        fields = (line.split() for line in lines)
        return [Note(verb, key, owner, float(at_s)) for verb, key, owner, at_s in fields]


class ScriptedWorker:
    """What runs in a Ray worker's process instead of `evaluator.worker.Worker`.

    Args:
        journal: Path of the journal.
        owner: The controller that it works for.
        device: Is not used.
        threads: Is not used.
    """

    def __init__(self, journal: str, owner: str, device: str, threads: int) -> None:
        self._journal, self._owner = Journal(Path(journal)), owner

    def hello(self) -> Hello:
        """Introduce the process."""
        return Hello(pid=os.getpid(), node=platform.node(), code_digest=code_digest())

    def evaluate(self, job: Job, data: EvaluationData, report: Report | None = None) -> Outcome:
        """Wait, then say what the script says."""
        self._journal.note("begin", job.key, self._owner)
        time.sleep(wait_s(job))
        self._journal.note("end", job.key, self._owner)
        return signed(outcome_of(job), self._owner)
