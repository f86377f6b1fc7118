"""Candidates, joined with their outcome or without."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from search_space.genotype import Genotype

from ....objectives import Prediction
from ....records import Candidate, CandidateState
from .evaluations import to_evaluation
from .figures import Columns, number

_parse = lru_cache(maxsize=20_000)(Genotype.parse)
"""Genotypes are frozen, and readers ask for the same ones again and again."""


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
            metric: {"mean": number(expected.mean), "std": number(expected.std)}
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
        predicted=predictions(row.predicted),
        asked_at=row.asked_at,
        told_ordinal=row.told_ordinal,
        told_at=row.told_at,
        cached=row.cached,
        violation=row.violation,
        survived=row.survived,
        hypervolume=row.hypervolume,
        evaluation=None if row.told_ordinal is None else to_evaluation(row, "outcome_"),
    )


def predictions(document: Mapping[str, Any]) -> dict[str, Prediction]:
    """What was expected of a candidate, by metric, from JSON."""
    return {
        metric: Prediction(mean=float(expected["mean"]), std=float(expected["std"]))
        for metric, expected in document.items()
    }
