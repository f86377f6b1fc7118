"""Row <-> record, one pair of functions per noun. Asks the database nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from evaluator.executor import Setback
from evaluator.outcome import Bands
from evaluator.progress import TrainingProgress
from search_space.genotype import Genotype

from ...objectives import Prediction
from ...records import (
    SCORE_COLUMNS,
    Artifact,
    ArtifactState,
    AuditEntry,
    Candidate,
    CandidateState,
    Dataset,
    DatasetKind,
    Evaluation,
    Event,
    LedgerRow,
    Progress,
    Role,
    Search,
    SearchState,
    Token,
    Worker,
)
from ...spec import SearchSpec

Columns = dict[str, Any]

PROGRESS = tuple(field.name for field in fields(Progress))
EVALUATION = tuple(field.name for field in fields(Evaluation))
WORKER = tuple(field.name for field in fields(Worker) if field.name != "progress")
TRAINING = tuple(field.name for field in fields(TrainingProgress))
ARTIFACT = tuple(field.name for field in fields(Artifact))
DATASET = tuple(field.name for field in fields(Dataset))
TOKEN = tuple(field.name for field in fields(Token))
AUDIT = tuple(field.name for field in fields(AuditEntry))
STANDING = ("owner", "priority", "cloned_from", "running_since", "ran_s", "claims")
"""Columns of a search that are as its record has them."""

_parse = lru_cache(maxsize=20_000)(Genotype.parse)
"""Genotypes are frozen, and readers ask for the same ones again and again."""


def search_columns(search: Search) -> Columns:
    """Every column of a new search; nobody holds it."""
    return {
        "id": search.id,
        "created_at": search.created_at,
        "state": search.state.value,
        "reason": search.reason,
        "spec": search.spec.to_json(),
        "started_at": search.started_at,
        "finished_at": search.finished_at,
        "data_digest": search.data_digest,
        "data_notes": list(search.data_notes),
        "baseline": _to_json(search.baseline),
        "reference_point": _to_json(search.reference_point),
        "warnings": list(search.warnings),
        "parallelism": search.parallelism,
        **{name: getattr(search, name) for name in STANDING},
        "event_count": 0,
        "lease_token": 0,
        **progress_columns(search.progress),
    }


def progress_columns(progress: Progress) -> Columns:
    """The columns of a search that say how far it is."""
    columns = {name: getattr(progress, name) for name in PROGRESS}
    return columns | {"failures": dict(progress.failures)}


def to_progress(row: Row[Any]) -> Progress:
    """How far a search is, from its row."""
    return Progress(**{name: getattr(row, name) for name in PROGRESS})


def data_columns(
    data_digest: str,
    data_notes: tuple[str, ...],
    baseline: Mapping[str, float],
    reference_point: Mapping[str, float],
) -> Columns:
    """The columns of a search that say what its images turned out to be."""
    return {
        "data_digest": data_digest,
        "data_notes": list(data_notes),
        "baseline": _to_json(baseline),
        "reference_point": _to_json(reference_point),
    }


def to_search(row: Row[Any]) -> Search:
    """A search from its row."""
    return Search(
        id=row.id,
        spec=SearchSpec.model_validate(row.spec),
        state=SearchState(row.state),
        reason=row.reason,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        data_digest=row.data_digest,
        data_notes=tuple(row.data_notes),
        baseline=_from_json(row.baseline),
        reference_point=_from_json(row.reference_point),
        warnings=tuple(row.warnings),
        parallelism=row.parallelism,
        progress=to_progress(row),
        **{name: getattr(row, name) for name in STANDING},
    )


def candidate_columns(candidate: Candidate) -> Columns:
    """Every column of a candidate in flight."""
    return {
        "id": candidate.id,
        "search_id": candidate.search_id,
        "ordinal": candidate.ordinal,
        "tells_before": candidate.tells_before,
        "genotype": str(candidate.genotype),
        "genotype_digest": candidate.genotype.digest,
        "params": candidate.params,
        "mult_adds": candidate.mult_adds,
        "latency_ms": candidate.latency_ms,
        "operator": candidate.operator,
        "parents": list(candidate.parents),
        "rung": candidate.rung,
        "replicate": candidate.replicate,
        "steps": candidate.steps,
        "arm": candidate.arm,
        "predicted": {
            metric: {"mean": _number(expected.mean), "std": _number(expected.std)}
            for metric, expected in candidate.predicted.items()
        },
        "asked_at": candidate.asked_at,
        **told_columns(candidate, candidate.evaluation_key),
    }


def told_columns(candidate: Candidate, evaluation_key: str) -> Columns:
    """The columns of a candidate that its outcome changes."""
    return {
        "state": candidate.state.value,
        "evaluation_key": evaluation_key,
        "told_ordinal": candidate.told_ordinal,
        "told_at": candidate.told_at,
        "cached": candidate.cached,
        "violation": candidate.violation,
        "survived": candidate.survived,
        "hypervolume": candidate.hypervolume,
    }


def to_candidate(row: Row[Any]) -> Candidate:
    """A candidate from its row, joined with its outcome's columns under the prefix ``outcome_``."""
    return Candidate(
        id=row.id,
        search_id=row.search_id,
        ordinal=row.ordinal,
        tells_before=row.tells_before,
        genotype=_parse(row.genotype),
        state=CandidateState(row.state),
        params=row.params,
        mult_adds=row.mult_adds,
        latency_ms=row.latency_ms,
        evaluation_key=row.evaluation_key,
        operator=row.operator,
        parents=tuple(row.parents),
        rung=row.rung,
        replicate=row.replicate,
        steps=row.steps,
        arm=row.arm,
        predicted=_predictions(row.predicted),
        asked_at=row.asked_at,
        told_ordinal=row.told_ordinal,
        told_at=row.told_at,
        cached=row.cached,
        violation=row.violation,
        survived=row.survived,
        hypervolume=row.hypervolume,
        evaluation=None if row.told_ordinal is None else to_evaluation(row, "outcome_"),
    )


def _predictions(document: Mapping[str, Any]) -> dict[str, Prediction]:
    return {
        metric: Prediction(mean=float(expected["mean"]), std=float(expected["std"]))
        for metric, expected in document.items()
    }


LEDGER_CANDIDATE = (
    *("ordinal", "told_ordinal", "asked_at", "told_at", "genotype_digest", "state", "operator", "arm", "rung"),
    *("replicate", "cached", "violation", "survived", "hypervolume", "predicted", "params", "mult_adds", "latency_ms"),
)
LEDGER_OUTCOME = ("steps", "train_s", "validate_s", "failure_kind", *SCORE_COLUMNS)
"""The columns that `to_ledger_row` takes, in this order: those of a candidate, then those of its outcome."""

_STATES = {state.value: state for state in CandidateState}


def to_ledger_row(row: Sequence[Any]) -> LedgerRow:
    """A ledger's row from the columns `LEDGER_CANDIDATE` and `LEDGER_OUTCOME`; by place: it is done by the thousand."""
    # fmt: off
    (
        ordinal, told_ordinal, asked_at, told_at, digest, state, operator, arm, rung, replicate, cached, violation,
        survived, hypervolume, predicted, params, mult_adds, latency_ms, steps, train_s, validate_s, failure_kind,
        *figures,
    ) = row
    # fmt: on
    spent = told_ordinal is not None and not cached
    scores = {"params": params, "mult_adds": mult_adds}
    if latency_ms is not None:
        scores["latency_ms"] = latency_ms
    if failure_kind is None:
        scores |= {column: figure for column, figure in zip(SCORE_COLUMNS, figures, strict=True) if figure is not None}
    return LedgerRow(
        ordinal=ordinal,
        genotype_digest=digest,
        state=_STATES[state],
        operator=operator,
        asked_at=asked_at,
        arm=arm,
        rung=rung,
        replicate=replicate,
        told_ordinal=told_ordinal,
        told_at=told_at,
        cached=cached,
        violation=violation,
        survived=survived,
        hypervolume=hypervolume,
        predicted=_predictions(predicted),
        scores=scores,
        steps=steps if spent else 0,
        train_s=train_s if spent else 0.0,
        validate_s=validate_s if spent else 0.0,
    )


def evaluation_columns(evaluation: Evaluation) -> Columns:
    """Every column of an evaluation."""
    columns = {name: getattr(evaluation, name) for name in EVALUATION}
    columns["loss_curve"] = [[step, _number(loss)] for step, loss in evaluation.loss_curve]
    columns["bands"] = _bands_to_json(evaluation.bands)
    columns["setbacks"] = [asdict(setback) for setback in evaluation.setbacks]
    return columns


def to_evaluation(row: Row[Any], prefix: str = "") -> Evaluation:
    """An evaluation from a row whose columns bear a prefix."""
    mapping = row._mapping
    columns = {name: mapping[prefix + name] for name in EVALUATION}
    columns["loss_curve"] = tuple((step, float(loss)) for step, loss in columns["loss_curve"])
    columns["bands"] = _bands_from_json(columns["bands"])
    columns["setbacks"] = tuple(Setback(**setback) for setback in columns["setbacks"])
    return Evaluation(**columns)


def _bands_to_json(bands: Bands | None) -> dict[str, list[float | str]] | None:
    if bands is None:
        return None
    return {
        "correspondence": [_number(value) for value in bands.correspondence],
        "log_ratio_db": [_number(value) for value in bands.log_ratio_db],
    }


def _bands_from_json(document: Mapping[str, Any] | None) -> Bands | None:
    if document is None:
        return None
    return Bands(**{name: tuple(float(value) for value in values) for name, values in document.items()})


def to_event(row: Row[Any]) -> Event:
    """An event from its row."""
    return Event(search_id=row.search_id, ordinal=row.ordinal, at=row.at, kind=row.kind, detail=row.detail)


def worker_columns(worker: Worker) -> Columns:
    """Every column of a worker."""
    columns = {name: getattr(worker, name) for name in WORKER}
    return columns | {name: getattr(worker.progress, name, None) for name in TRAINING}


def to_worker(row: Row[Any]) -> Worker:
    """A worker from its row."""
    told = None if row.phase is None else TrainingProgress(**{name: getattr(row, name) for name in TRAINING})
    return Worker(progress=told, **{name: getattr(row, name) for name in WORKER})


def artifact_columns(artifact: Artifact) -> Columns:
    """Every column of an artifact that its record knows."""
    columns = {name: getattr(artifact, name) for name in ARTIFACT}
    return columns | {"state": artifact.state.value, "detail": dict(artifact.detail)}


def to_artifact(row: Row[Any]) -> Artifact:
    """An artifact from its row."""
    columns = {name: getattr(row, name) for name in ARTIFACT}
    return Artifact(**columns | {"state": ArtifactState(row.state)})


def dataset_columns(dataset: Dataset) -> Columns:
    """Every column of a dataset."""
    return {name: getattr(dataset, name) for name in DATASET} | {"kind": dataset.kind.value}


def to_dataset(row: Row[Any]) -> Dataset:
    """A dataset from its row."""
    columns = {name: getattr(row, name) for name in DATASET}
    return Dataset(**columns | {"kind": DatasetKind(row.kind)})


def token_columns(token: Token) -> Columns:
    """Every column of a token."""
    return {name: getattr(token, name) for name in TOKEN} | {"role": token.role.value}


def to_token(row: Row[Any]) -> Token:
    """A token from its row."""
    columns = {name: getattr(row, name) for name in TOKEN}
    return Token(**columns | {"role": Role(row.role)})


def to_audit_entry(row: Row[Any]) -> AuditEntry:
    """An audit entry from its row."""
    return AuditEntry(**{name: getattr(row, name) for name in AUDIT})


def _to_json(figures: Mapping[str, float]) -> dict[str, float | str]:
    return {name: _number(value) for name, value in figures.items()}


def _from_json(document: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in document.items()}


def _number(value: float) -> float | str:
    """JSON has neither infinity nor NaN; Python reads both back from their names."""
    return float(value) if math.isfinite(value) else str(value)
