"""What is stored: searches, candidates, evaluations, events and artifacts as frozen values, and the legal transitions.

These are the rows as people and code speak of them; how they lie in a database is the store's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NewType, get_args

from evaluator.outcome import Bands
from search_space.genotype import Genotype

from .spec import SearchSpec

SearchId = NewType("SearchId", str)
CandidateId = NewType("CandidateId", str)
ArtifactId = NewType("ArtifactId", str)

ExportFormat = Literal["onnx", "safetensors"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
"""The forms of a trained network's file, each the suffix of its name too."""

ANALYSIS = "analysis.zip"
"""The form of a candidate's analysis: a page, its pictures and its figures in one archive."""


class SearchState(StrEnum):
    """Where a search stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing can follow."""
        return not TRANSITIONS[self]


TRANSITIONS: Mapping[SearchState, frozenset[SearchState]] = {
    SearchState.QUEUED: frozenset({SearchState.RUNNING, SearchState.PAUSED, SearchState.CANCELLED}),
    SearchState.RUNNING: frozenset(
        {
            SearchState.QUEUED,  # its controller went away
            SearchState.PAUSED,
            SearchState.COMPLETED,
            SearchState.CANCELLED,
            SearchState.FAILED,
        }
    ),
    SearchState.PAUSED: frozenset({SearchState.QUEUED, SearchState.CANCELLED}),
    SearchState.COMPLETED: frozenset(),
    SearchState.CANCELLED: frozenset(),
    SearchState.FAILED: frozenset(),
}


class IllegalTransition(ValueError):
    """A search cannot go from its state to the one asked for."""

    def __init__(self, search_id: str, state: SearchState, wanted: SearchState) -> None:
        self.search_id, self.state, self.wanted = search_id, state, wanted
        allowed = ", ".join(sorted(TRANSITIONS[state]))
        why = f"it can become {allowed}" if allowed else "it has ended"
        super().__init__(f"search {search_id} is {state} and cannot become {wanted}; {why}")


def check_transition(search_id: str, state: SearchState, wanted: SearchState) -> None:
    """Raise `IllegalTransition` unless the table allows the step."""
    if wanted not in TRANSITIONS[state]:
        raise IllegalTransition(search_id, state, wanted)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a search has reached so far.

    Attributes:
        evaluated: Candidates told to the engine, failures and cache hits included.
        failed: Those of them that failed.
        cached: Those of them whose outcome was already known.
        in_flight: Candidates being trained now.
        best_psnr_db: Best PSNR of a feasible candidate.
        hypervolume: Of the feasible front, at the search's reference point.
        train_s: Seconds of training, summed over workers.
    """

    evaluated: int = 0
    failed: int = 0
    cached: int = 0
    in_flight: int = 0
    best_psnr_db: float | None = None
    hypervolume: float = 0.0
    train_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Search:
    """One search.

    Attributes:
        id: Eight hexadecimal characters.
        spec: What was asked for.
        state: Where it stands.
        reason: Why it ended or stands still, for a person; empty otherwise.
        created_at: When it was submitted (UTC, like every time here).
        started_at: When a controller first took it.
        finished_at: When it ended.
        data_digest: Digest of its images, once they were decoded.
        data_notes: What was found in the image folders: layout, counts, files that were skipped.
        baseline: Bicubic's scores on the validation images, by column.
        reference_point: Reference of the hypervolume, by metric.
        progress: What it has reached.
    """

    id: SearchId
    spec: SearchSpec
    state: SearchState
    created_at: datetime
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    data_digest: str | None = None
    data_notes: tuple[str, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    reference_point: Mapping[str, float] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)


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
        failure_kind: Cause of a failure, None for a success.
        failure_message: What happened.
        train_s: Seconds of training.
        validate_s: Seconds of validation.
        loss_curve: (step, mean loss) points.
        bands: What was learnt of each band of frequencies; None for a failure.
        weights: Path of the trained weights below the data directory, None where they were not kept.
        worker: Name of the worker slot.
        attempts: How often the work was started.
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
    failure_kind: str | None = None
    failure_message: str = ""
    train_s: float = 0.0
    validate_s: float = 0.0
    loss_curve: tuple[tuple[int, float], ...] = ()
    bands: Bands | None = None
    weights: str | None = None
    worker: str = ""
    attempts: int = 1

    @property
    def scores(self) -> dict[str, float]:
        """The figures by column, empty for a failure."""
        if self.failure_kind is not None:
            return {}
        columns = {
            "psnr_db": self.psnr_db,
            "ssim": self.ssim,
            "fsds_db": self.fsds_db,
            "fsds_si_db": self.fsds_si_db,
            "params": self.params,
            "mult_adds": self.mult_adds,
        }
        return {name: value for name, value in columns.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One network that a search asked about.

    The pair (``tells_before``, ``told_ordinal``) is the log from which an engine is rebuilt: candidate number
    ``ordinal`` was asked for after ``tells_before`` tells, and was itself the ``told_ordinal``-th tell.

    Attributes:
        id: ``SEARCH-ORDINAL``.
        search_id: Whose.
        ordinal: Number of the ask, from 0.
        tells_before: Number of tells before the ask.
        genotype: The network.
        state: Where it stands.
        params: Learned parameters, known before training.
        mult_adds: Multiply-adds, known before training, the recipe's overhead included.
        evaluation_key: Address of its outcome.
        operator: What bred it: "initial", "random", "variation", ...
        parents: Digests of the genotypes that it came from.
        asked_at: When it was asked for.
        told_ordinal: Number of its tell, from 0; None while it is in flight.
        told_at: When it was told.
        cached: Whether its outcome was already known.
        violation: Sum of its relative constraint violations; 0 is feasible; None before it is told.
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
    parents: tuple[str, ...] = ()
    told_ordinal: int | None = None
    told_at: datetime | None = None
    cached: bool = False
    violation: float | None = None
    evaluation: Evaluation | None = None

    @property
    def feasible(self) -> bool:
        """Whether it was scored and violates nothing."""
        return self.state is CandidateState.SCORED and self.violation == 0.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of a search, numbered from 1 within it.

    Attributes:
        search_id: Whose.
        ordinal: Its number.
        at: When.
        kind: "submitted", "started", "asked", "told", "paused", "completed", ...
        detail: What a reader needs to know, as JSON values.
    """

    search_id: SearchId
    ordinal: int
    at: datetime
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)


class ArtifactState(StrEnum):
    """Where an artifact stands."""

    REQUESTED = "requested"
    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file made of a candidate, on request, by a controller.

    Attributes:
        id: Twelve hexadecimal characters.
        candidate_id: Of which candidate.
        format: One of `EXPORT_FORMATS`, or `ANALYSIS`; the suffix of the file's name too.
        state: Where it stands.
        created_at: When it was asked for.
        finished_at: When it was ready or failed.
        path: Below the data directory, once it is ready.
        sha256: Of the file.
        size_bytes: Of the file.
        detail: What was checked, e.g. the largest difference from the torch network; or why it failed.
    """

    id: ArtifactId
    candidate_id: CandidateId
    format: str
    state: ArtifactState
    created_at: datetime
    finished_at: datetime | None = None
    path: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
