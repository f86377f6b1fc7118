"""What the event log says of each change: the same words from every store. Knows no store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ..records import Candidate, CandidateState, Evaluation, Search, SearchState, Training
from ..spec import BudgetSpec
from .base import Lease, TrainingReport

TRAINING_FIGURES = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")
"""What a full training is told by: figures of a `TrainingPoint`."""


class Entry(NamedTuple):
    """An event before the store numbers it; ``detail`` holds JSON values only."""

    at: datetime
    kind: str
    detail: Mapping[str, Any]


def submitted(search: Search) -> Entry:
    """A search was handed in."""
    spec = search.spec
    engine = getattr(spec.engine, "name", spec.engine)
    detail = {"name": spec.name, "space": spec.space, "scale": spec.scale, "engine": engine}
    detail |= {"owner": search.owner, "priority": search.priority, "cloned_from": search.cloned_from}
    return Entry(search.created_at, "submitted", {**detail, "evaluations": spec.budget.evaluations})


def moved(was: SearchState, state: SearchState, at: datetime, reason: str) -> Entry:
    """A search went from one state to another; the event bears the new state's name."""
    return Entry(at, state.value, {"was": was.value, "reason": reason})


def claimed(lease: Lease, was: SearchState, at: datetime) -> Entry:
    """A controller took a search; ``was`` is "running" when it took it over from another."""
    return Entry(at, "claimed", {"owner": lease.owner, "token": lease.token, "was": was.value})


def started(
    at: datetime,
    data_digest: str,
    data_notes: Sequence[str],
    baseline: Mapping[str, float],
    reference_point: Mapping[str, float],
    environment: Mapping[str, str] | None,
) -> Entry:
    """The images were decoded and the search goes to work on them."""
    detail = {"data_digest": data_digest, "data_notes": list(data_notes), "environment": dict(environment or {})}
    return Entry(
        at,
        "started",
        {**detail, "baseline": finite(baseline), "reference_point": finite(reference_point)},
    )


def asked(candidate: Candidate) -> Entry:
    """A network went to training."""
    return Entry(candidate.asked_at, "asked", _training(candidate))


def told(candidate: Candidate, evaluation: Evaluation, at: datetime) -> Entry:
    """What became of a network: its figures, or the kind of its failure."""
    detail: dict[str, Any] = {
        **_training(candidate),
        "told_ordinal": candidate.told_ordinal,
        "state": candidate.state.value,
        "cached": candidate.cached,
        "hypervolume": None,
    }
    known = {"violation": candidate.violation, "hypervolume": candidate.hypervolume}
    detail |= finite({name: value for name, value in known.items() if value is not None})
    if candidate.state is CandidateState.FAILED:
        detail["failure_kind"] = evaluation.failure_kind
    elif candidate.latency_ms is not None:
        detail["latency_ms"] = candidate.latency_ms
    return Entry(at, "told", {**detail, **finite(evaluation.scores)})


def _training(candidate: Candidate) -> dict[str, Any]:
    """Which training of which network."""
    return {
        "candidate": candidate.id,
        "ordinal": candidate.ordinal,
        "operator": candidate.operator,
        "arm": candidate.arm,
        "rung": candidate.rung,
        "replicate": candidate.replicate,
    }


def training_progress(report: TrainingReport, at: datetime) -> Entry:
    """Where a training stood; gone with its outcome."""
    told = report.progress
    figures = {"loss": told.loss, "psnr_db": told.psnr_db, "patches_per_s": told.patches_per_s}
    detail = {
        "candidate": report.candidate_id,
        "ordinal": report.ordinal,
        "worker": report.worker,
        "phase": told.phase,
        "step": told.step,
        "steps": told.steps,
        "memory_bytes": told.memory_bytes,
    }
    return Entry(at, "training_progress", {**detail, **finite(figures)})


def training_requested(training: Training) -> Entry:
    """The full training of a candidate was asked for."""
    detail = {"recipe": training.recipe.name, "steps": training.steps, "expected_s": training.expected_s}
    return Entry(training.created_at, "training_requested", _full_training(training) | detail)


def training_started(training: Training, at: datetime) -> Entry:
    """A controller took a full training for the first time."""
    return Entry(at, "training_started", _full_training(training))


def training_ended(training: Training, at: datetime) -> Entry:
    """A full training was completed, failed or was cancelled; the event bears its status."""
    detail: dict[str, Any] = {"step": training.step, "reason": training.reason}
    if training.final is not None:
        detail |= finite({name: getattr(training.final, name) for name in TRAINING_FIGURES})
    return Entry(at, f"training_{training.status}", _full_training(training) | detail)


def _full_training(training: Training) -> dict[str, Any]:
    """Which full training of which candidate."""
    return {"training": training.id, "candidate": training.candidate_id}


def parallelism(was: int | None, now: int | None, at: datetime) -> Entry:
    """A search may have more or fewer candidates in flight; None stands for every worker."""
    return Entry(at, "parallelism", {"was": was, "parallelism": now})


def priority(was: int, now: int, at: datetime) -> Entry:
    """A search goes before others, or after them."""
    return Entry(at, "priority", {"was": was, "priority": now})


def extended(was: SearchState, before: BudgetSpec, budget: BudgetSpec, at: datetime) -> Entry:
    """A search was given another budget; ``was`` is "completed" when it goes on for that."""
    detail = {"was": was.value, "before": before.model_dump(mode="json"), "budget": budget.model_dump(mode="json")}
    return Entry(at, "extended", detail)


def revived(candidates: Sequence[str], at: datetime) -> Entry:
    """Networks that were given up with their search are in flight again."""
    return Entry(at, "revived", {"candidates": list(candidates)})


def abandoned(candidates: Sequence[str], at: datetime) -> Entry:
    """Networks in flight were given up with their search."""
    return Entry(at, "abandoned", {"candidates": list(candidates)})


def finite(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Figures as JSON knows them: it has neither infinity nor not-a-number, so these become None."""
    return {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}
