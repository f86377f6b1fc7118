"""Full trainings of candidates: what was asked for, how far each is, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from evaluator.executor import Setback
from evaluator.finishing import FinishingRecipe
from evaluator.outcome import Bands

from .candidates import CandidateId
from .searches import SearchId

TrainingId = NewType("TrainingId", str)


class TrainingStatus(StrEnum):
    """Where a full training stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing goes on any more."""
        return self in (TrainingStatus.COMPLETED, TrainingStatus.FAILED, TrainingStatus.CANCELLED)


class TrainingEnded(ValueError):
    """A training that has ended cannot be cancelled."""

    hint = "ask for a new training of its candidate instead"

    def __init__(self, training_id: str, status: TrainingStatus) -> None:
        self.training_id, self.status = training_id, status
        super().__init__(f"training {training_id} is {status}: it has ended")


@dataclass(frozen=True, kw_only=True)
class TrainingPoint:
    """What a full training had reached at the end of one stretch.

    Attributes:
        step: Optimiser steps done.
        loss: Mean loss in that stretch.
        psnr_db: Mean PSNR of the averaged weights on the validation images, in dB; as are the others.
        ssim: Mean SSIM.
        fsds_db: Mean FSDS in dB.
        fsds_si_db: Mean shift-averaged FSDS in dB.
        bands: What was learnt of each band of frequencies.
        train_s: Seconds of training up to here.
    """

    step: int
    loss: float | None
    psnr_db: float
    ssim: float
    fsds_db: float
    fsds_si_db: float
    bands: Bands | None = None
    train_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Training:
    """The full training of a candidate; once it is completed, a finished model under the same id.

    Attributes:
        id: Twelve hexadecimal characters.
        candidate_id: Whose network.
        search_id: Of which search.
        recipe: How it is trained, in the wrapping of its search.
        dataset: The images, as a spec's `dataset`.
        seed: Seed of the patches, and of the weights where it starts afresh.
        digest: Equal for requests of one candidate that ask for the same: recipe, images and seed.
        status: Where it stands.
        created_at: When it was asked for.
        owner: Who asked; empty where nobody was asked.
        reason: Why it failed or was cancelled, for a person; empty otherwise.
        started_at: When a controller first took it.
        finished_at: When it ended.
        expected_s: Seconds of training that were foretold when it was asked for; None where nothing was known.
        step: Optimiser steps that are safe on disk.
        points: What it had reached at the end of each stretch, oldest first; of very many stretches, of some.
        train_s: Seconds of training so far; what was lost with a worker is not counted.
        validate_s: Seconds of validation so far.
        data_digest: Digest of its images, once they were decoded.
        code_digest: Of the sources that trained it.
        device: Name of the device of its last stretch.
        precision: What that computed in.
        protocol: Identifier of the protocol that its points were scored under.
        setbacks: Starts of its stretches that came to nothing, and times that steps were lost, oldest first.
        weights: Path of the finished weights below the data directory; None before.
        claims: How often controllers took it since its last stretch: one that kills them is not taken for ever.
    """

    id: TrainingId
    candidate_id: CandidateId
    search_id: SearchId
    recipe: FinishingRecipe
    dataset: Mapping[str, Any]
    seed: int
    digest: str
    status: TrainingStatus
    created_at: datetime
    owner: str = ""
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expected_s: float | None = None
    step: int = 0
    points: tuple[TrainingPoint, ...] = field(default=(), repr=False)
    train_s: float = 0.0
    validate_s: float = 0.0
    data_digest: str | None = None
    code_digest: str = ""
    device: str = ""
    precision: str = ""
    protocol: str = ""
    setbacks: tuple[Setback, ...] = ()
    weights: str | None = None
    claims: int = 0

    @property
    def steps(self) -> int:
        """Optimiser steps that its recipe has."""
        return self.recipe.training.steps

    @property
    def final(self) -> TrainingPoint | None:
        """What the finished model scores on the validation images; None until it is completed."""
        return self.points[-1] if self.status is TrainingStatus.COMPLETED and self.points else None
