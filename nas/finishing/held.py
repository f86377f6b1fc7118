"""One full training in a controller's hands: what it needs, and its stretch that is under way. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, Job, Ticket

from ..aside import Aside
from ..records import Candidate, Training, TrainingId
from ..spec import SearchSpec
from ..store.base import TrainingLease


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a full training is about, as it was when the training was taken.

    Attributes:
        candidate: Its candidate.
        spec: Of its search.
        data: Its images.
    """

    candidate: Candidate
    spec: SearchSpec
    data: EvaluationData


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The same, once the workers have the images.

    Attributes:
        candidate: Its candidate.
        spec: Of its search.
        data_digest: Of its images.
    """

    candidate: Candidate
    spec: SearchSpec
    data_digest: str


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The next stretch of a training.

    Attributes:
        standing: The training as its file says that it stands, from where the stretch goes on.
        job: The stretch.
        until: The step at which it ends.
        lineage: Of the training: `Job.lineage`.
    """

    standing: Training
    job: Job
    until: int
    lineage: str


@dataclass(eq=False, kw_only=True)
class Held:
    """A full training that this controller has claimed.

    Attributes:
        lease: The right to write how far it is.
        training: Where it stands, as it was last written or found on disk.
        coming: What it is about, which is being looked up, and its images decoded; None once the workers have them.
        ready: What it is about; None before.
        planned: Its stretch, in flight or come back; None between two.
        ticket: Of that stretch.
        completion: How that ended, until it was recorded.
    """

    lease: TrainingLease
    training: Training
    coming: Aside[Subject] | None
    ready: Ready | None = None
    planned: Planned | None = None
    ticket: Ticket | None = None
    completion: Completion | None = None

    @property
    def id(self) -> TrainingId:
        """Of the training."""
        return self.training.id
