"""Candidates on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from evaluator.outcome import HINTS, Bands
from nas.records import Candidate, CandidateState, Evaluation, Worker
from nas.scores import candidate_scores

from .wire import Figure, Figures, Links, Wire
from .workers import TrainingView


class FailureView(Wire):
    """Why a candidate has no scores."""

    kind: str = Field(description="Cause: diverged, non_finite, out_of_memory, timeout, worker_lost or error.")
    message: str = Field(description="What happened.")
    hint: str = Field(description="What to do next.")


class BandsView(Wire):
    """What a network has learnt of each band of frequencies, lowest first."""

    correspondence: list[Figure] = Field(description="Frequency-band correspondence, 0 to 1; 1 is a perfect fit.")
    log_ratio_db: list[Figure] = Field(description="Spectrum over the target's in dB; 0 is a perfect fit.")

    @classmethod
    def of(cls, bands: Bands) -> BandsView:
        """The wire form of bands."""
        return cls(correspondence=list(bands.correspondence), log_ratio_db=list(bands.log_ratio_db))


class EvaluationView(Wire):
    """How a candidate's outcome came about: enough to run it again."""

    key: str = Field(description="Address of the evaluation; candidates that share it share its outcome.")
    protocol: str = Field(description="Scoring protocol; scores under another do not compare. Empty for a failure.")
    recipe_digest: str = Field(description="Digest of the recipe that it was trained with.")
    data_digest: str = Field(description="Digest of the images.")
    code_digest: str = Field(description="Digest of the sources that decide a score.")
    seed: int = Field(description="Seed of its weights and patches.")
    device: str = Field(description="Name of the device.")
    worker: str = Field(description="Name of the worker.")
    attempts: int = Field(description="How often the work was started.")
    train_s: Figure = Field(description="Seconds of training.")
    validate_s: Figure = Field(description="Seconds of validation.")
    precision: str = Field(description="What it was computed in: float32, tf32 or bfloat16; empty where not known.")
    peak_memory_bytes: int = Field(description="Largest memory that the device gave to it; 0 where not known.")
    steps: int = Field(description="Optimiser steps really taken; those of a shorter training it went on from are not.")
    loss_curve: list[tuple[int, Figure]] = Field(description="Points (step, mean loss) of the training.")
    bands: BandsView | None = Field(description="What was learnt of each band of frequencies; null if not measured.")
    weights_kept: bool = Field(description="Whether its trained weights can be exported.")
    created_at: datetime = Field(description="When it ended.")

    @classmethod
    def of(cls, evaluation: Evaluation) -> EvaluationView:
        """The wire form of an evaluation."""
        return cls(
            key=evaluation.key,
            protocol=evaluation.protocol,
            recipe_digest=evaluation.recipe_digest,
            data_digest=evaluation.data_digest,
            code_digest=evaluation.code_digest,
            seed=evaluation.seed,
            device=evaluation.device,
            worker=evaluation.worker,
            attempts=evaluation.attempts,
            train_s=evaluation.train_s,
            validate_s=evaluation.validate_s,
            precision=evaluation.precision,
            peak_memory_bytes=evaluation.peak_memory_bytes,
            steps=evaluation.steps,
            loss_curve=list(evaluation.loss_curve),
            bands=None if evaluation.bands is None else BandsView.of(evaluation.bands),
            weights_kept=evaluation.weights is not None,
            created_at=evaluation.created_at,
        )


class CandidateSummary(Wire):
    """One network that a search asked about, as it stands in lists and fronts."""

    id: str = Field(description="SEARCH-ORDINAL.")
    search_id: str = Field(description="Whose it is.")
    ordinal: int = Field(description="Number of the ask, from 0.")
    state: CandidateState = Field(description="Where it stands.")
    feasible: bool = Field(description="Whether it was scored and respects every constraint.")
    violation: Figure = Field(description="Sum of its relative constraint violations; null before its outcome.")
    genotype: str = Field(description="The network, as text.")
    digest: str = Field(description="Digest of the genotype: the same network everywhere.")
    scores: Figures = Field(description="Figures by column, such as psnr_db, params, latency_ms.")
    failure: FailureView | None = Field(description="Why it has no scores; null unless it failed.")
    operator: str = Field(description="What bred it.")
    cached: bool = Field(description="Whether its outcome was known already.")
    rung: int = Field(description="Which rung it is trained to; 0 is the shortest.")
    replicate: int = Field(description="Number of its training seed: 0 is the search's, others confirm the front.")
    steps: int = Field(description="Steps of its recipe at that rung.")
    arm: str = Field(description="`screened` or `control` where a model of the outcomes spoke; empty where it did not.")
    survived: bool | None = Field(description="Whether it entered the population; null until the engine was told.")
    hypervolume: Figure = Field(description="Hypervolume of the search after its outcome; null before it.")
    links: Links

    @classmethod
    def of(cls, candidate: Candidate) -> CandidateSummary:
        """The short wire form of a candidate."""
        return cls(**summary(candidate))


class PredictionView(Wire):
    """What a model expected of one metric of a network before it was trained."""

    mean: Figure = Field(description="Expected value, in the metric's unit.")
    std: Figure = Field(description="Standard deviation of that, the noise of training included.")


class CandidateView(CandidateSummary):
    """One candidate, in full."""

    genes: dict[str, Any] = Field(description="The network as a JSON genotype: features, cells, tail.")
    parents: list[str] = Field(description="Digests of the genotypes that it was bred from.")
    predicted: dict[str, PredictionView] = Field(description="What a model expected, by metric; empty without one.")
    asked_at: datetime = Field(description="When it was asked for.")
    told_at: datetime | None = Field(description="When its outcome was told to the engine.")
    worker: str | None = Field(description="Who trains it now, by the name in `/v1/workers`; null when nobody does.")
    training: TrainingView | None = Field(description="How far that training is; null before its first word.")
    evaluation: EvaluationView | None = Field(description="How its outcome came about; null before that.")

    @classmethod
    def of(cls, candidate: Candidate, worker: Worker | None = None) -> CandidateView:
        """The wire form of a candidate, and of who trains it now."""
        progress = None if worker is None else worker.progress
        return cls(
            **summary(candidate),
            genes=candidate.genotype.to_json(),
            parents=list(candidate.parents),
            predicted={metric: PredictionView(mean=p.mean, std=p.std) for metric, p in candidate.predicted.items()},
            asked_at=candidate.asked_at,
            told_at=candidate.told_at,
            worker=None if worker is None else worker.name,
            training=None if progress is None else TrainingView.of(progress),
            evaluation=None if candidate.evaluation is None else EvaluationView.of(candidate.evaluation),
        )


class CandidatePage(Wire):
    """Some candidates of a search, in the order of their asks."""

    items: list[CandidateSummary] = Field(description="The candidates.")
    next: int | None = Field(description="Give it as `after` for the next page; null on the last.")


def summary(candidate: Candidate) -> dict[str, Any]:
    """The fields of a `CandidateSummary`."""
    path = f"/v1/candidates/{candidate.id}"
    return {
        "id": candidate.id,
        "search_id": candidate.search_id,
        "ordinal": candidate.ordinal,
        "state": candidate.state,
        "feasible": candidate.feasible,
        "violation": candidate.violation,
        "genotype": str(candidate.genotype),
        "digest": candidate.genotype.digest,
        "scores": candidate_scores(candidate),
        "failure": _failure(candidate.evaluation),
        "operator": candidate.operator,
        "cached": candidate.cached,
        "rung": candidate.rung,
        "replicate": candidate.replicate,
        "steps": candidate.steps,
        "arm": candidate.arm,
        "survived": candidate.survived,
        "hypervolume": candidate.hypervolume,
        "links": {
            "self": path,
            "search": f"/v1/searches/{candidate.search_id}",
            "drawing": f"{path}/drawing.svg",
            "exports": f"{path}/exports",
        },
    }


def _failure(evaluation: Evaluation | None) -> FailureView | None:
    if evaluation is None or evaluation.failure_kind is None:
        return None
    kind = evaluation.failure_kind
    hint = next((text for known, text in HINTS.items() if known == kind), "")
    return FailureView(kind=kind, message=evaluation.failure_message, hint=hint)
