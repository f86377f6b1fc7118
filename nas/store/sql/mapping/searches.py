"""Searches, how far they are, and their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from ....records import Event, Progress, Search, SearchState
from ....spec import SearchSpec
from .figures import Columns, from_json, to_json

PROGRESS = tuple(field.name for field in fields(Progress))
STANDING = ("owner", "priority", "cloned_from", "running_since", "ran_s", "claims")
"""Columns of a search that are as its record has them."""


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
        "baseline": to_json(search.baseline),
        "reference_point": to_json(search.reference_point),
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
        "baseline": to_json(baseline),
        "reference_point": to_json(reference_point),
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
        baseline=from_json(row.baseline),
        reference_point=from_json(row.reference_point),
        warnings=tuple(row.warnings),
        parallelism=row.parallelism,
        progress=to_progress(row),
        **{name: getattr(row, name) for name in STANDING},
    )


def to_event(row: Row[Any]) -> Event:
    """An event from its row."""
    return Event(search_id=row.search_id, ordinal=row.ordinal, at=row.at, kind=row.kind, detail=row.detail)
