"""The networks that a search asked about, what became of them, and the narrow rows that statistics read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from evaluator.executor import Setback
from evaluator.outcome import Bands
from search_space.genotype import Genotype

from ..objectives import METRICS, Prediction
from .searches import SearchId

CandidateId = NewType("CandidateId", str)

SCORE_COLUMNS: tuple[str, ...] = tuple(metric.column for metric in METRICS.values())
"""The figures that an outcome may have, each a field of `Evaluation`."""


class CandidateState(StrEnum):
    """Where a candidate stands."""

    EVALUATING = "evaluating"
    SCORED = "scored"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The outcome of one content-addressed piece of work; several candidates of several searches may share it.

    Attributes:
        key: The address: genotype, recipe, data, seed, scale, channels and code.
        genotype_digest: Which network.
        recipe_digest: How it was trained.
        data_digest: On what.
        code_digest: By which code.
        seed: From which seed.
        device: Name of the device.
        protocol: Identifier of the scoring protocol; empty for a failure.
        psnr_db: Mean PSNR in dB.
        ssim: Mean SSIM.
        fsds_db: Mean FSDS in dB, as published.
        fsds_si_db: Mean shift-averaged FSDS in dB.
        params: Learned parameters.
        mult_adds: Multiply-adds at 230,400 LR pixels, the recipe's overhead included.
        latency_ms: Milliseconds of one image, measured on the device; None where it was not measured.
        failure_kind: Cause of a failure, None for a success.
        failure_message: What happened.
        train_s: Seconds of training.
        validate_s: Seconds of validation.
        steps: Optimiser steps really taken; those that a resumed state brought along are not counted.
        loss_curve: (step, mean loss) points.
        bands: What was learnt of each band of frequencies; None for a failure.
        weights: Path of the trained weights below the data directory, None where they were not kept.
        worker: Name of the worker slot.
        attempts: How often the work was started.
        precision: What the training computed in, e.g. "bfloat16"; empty where that is not known, as for a failure.
        peak_memory_bytes: Largest memory that the device gave to it; 0 where that is not known, as on a CPU.
        setbacks: The starts that came to nothing before the one that gave this outcome, oldest first.
        created_at: When it ended.
    """

    key: str
    genotype_digest: str
    recipe_digest: str
    data_digest: str
    code_digest: str
    seed: int
    device: str
    created_at: datetime
    protocol: str = ""
    psnr_db: float | None = None
    ssim: float | None = None
    fsds_db: float | None = None
    fsds_si_db: float | None = None
    params: int | None = None
    mult_adds: int | None = None
    latency_ms: float | None = None
    failure_kind: str | None = None
    failure_message: str = ""
    train_s: float = 0.0
    validate_s: float = 0.0
    steps: int = 0
    loss_curve: tuple[tuple[int, float], ...] = ()
    bands: Bands | None = None
    weights: str | None = None
    worker: str = ""
    attempts: int = 1
    precision: str = ""
    peak_memory_bytes: int = 0
    setbacks: tuple[Setback, ...] = ()

    @property
    def scores(self) -> dict[str, float]:
        """The figures by column, empty for a failure."""
        if self.failure_kind is not None:
            return {}
        columns = {column: getattr(self, column) for column in SCORE_COLUMNS}
        return {column: value for column, value in columns.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One training of a network that a search asked about: the row of a genotype at a rung, from one seed.

    The pair (``tells_before``, ``told_ordinal``) is the log from which an engine is rebuilt: candidate number
    ``ordinal`` was asked for after ``tells_before`` tells, and was itself the ``told_ordinal``-th tell.

    Attributes:
        id: ``SEARCH-ORDINAL``.
        search_id: Whose.
        ordinal: Number of the ask, from 0.
        tells_before: Number of tells before the ask; where outcomes are told in order, of those that the engine had.
        genotype: The network.
        state: Where it stands.
        params: Learned parameters, known before training.
        mult_adds: Multiply-adds, known before training, the recipe's overhead included.
        latency_ms: Milliseconds of one image as its search predicts them; None where it measures them, or does not ask.
        evaluation_key: Address of its outcome.
        operator: What bred it: "initial", "random", a kind of mutation, "promotion", ...
        parents: Digests of the genotypes that it came from.
        rung: Which rung it is trained to, 0 the shortest.
        replicate: Number of the training seed: 0 is the search's, those from 1 confirm members of the final front.
        steps: Steps of its recipe at that rung.
        arm: "screened" or "control" where a model of the outcomes spoke, empty where it was silent.
        predicted: What that model expected of it, by metric; empty where there was none.
        asked_at: When it was asked for.
        told_ordinal: Number of its tell, from 0; None while it is in flight.
        told_at: When it was told.
        cached: Whether its outcome was already known.
        violation: Sum of its relative constraint violations; 0 is feasible; None before it is told.
        survived: Whether it entered the population; None until the engine was told.
        hypervolume: The search's after this tell; None before it.
        evaluation: Its outcome.
    """

    id: CandidateId
    search_id: SearchId
    ordinal: int
    tells_before: int
    genotype: Genotype
    state: CandidateState
    params: int
    mult_adds: int
    evaluation_key: str
    operator: str
    asked_at: datetime
    latency_ms: float | None = None
    parents: tuple[str, ...] = ()
    rung: int = 0
    replicate: int = 0
    steps: int = 0
    arm: str = ""
    predicted: Mapping[str, Prediction] = field(default_factory=dict)
    told_ordinal: int | None = None
    told_at: datetime | None = None
    cached: bool = False
    violation: float | None = None
    survived: bool | None = None
    hypervolume: float | None = None
    evaluation: Evaluation | None = None

    @property
    def feasible(self) -> bool:
        """Whether it was scored and violates nothing."""
        return self.state is CandidateState.SCORED and self.violation == 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRow:
    """What statistics need of a candidate, and no more: a search of thousands is read at once.

    Fields that a `Candidate` has mean what they mean there; the others are of its outcome.

    Attributes:
        steps: Optimiser steps really taken for it: 0 in flight, and 0 where its outcome was known already.
        train_s: Seconds of training spent on it, 0 likewise.
        validate_s: Seconds of validation spent on it, 0 likewise.
        scores: Its figures by column: those known before training, and those of its outcome.
    """

    ordinal: int
    genotype_digest: str
    state: CandidateState
    operator: str
    asked_at: datetime
    arm: str = ""
    rung: int = 0
    replicate: int = 0
    told_ordinal: int | None = None
    told_at: datetime | None = None
    cached: bool = False
    violation: float | None = None
    survived: bool | None = None
    hypervolume: float | None = None
    predicted: Mapping[str, Prediction] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    train_s: float = 0.0
    validate_s: float = 0.0
