"""Queries about artifacts; each runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select, update

from ...records import Artifact, ArtifactId, ArtifactState, CandidateId
from .. import rules, trail
from ..base import AlreadyStored
from .book import note
from .changes import insert_unless_stored, only_row
from .mapping import artifact_columns, to_artifact
from .tables import artifacts, candidates, trainings

_UNFINISHED = artifacts.c.state.in_([ArtifactState.REQUESTED.value, ArtifactState.WRITING.value])


def add(connection: Connection, artifact: Artifact, by: str) -> Artifact:
    """Store a request, or give the live one of the same network and format; `NotFound`, `AlreadyStored`."""
    known = select(candidates.c.id).where(candidates.c.id == artifact.candidate_id)
    only_row(connection, known, "candidate", artifact.candidate_id)
    if artifact.training_id is not None:
        model = select(trainings.c.candidate_id).where(trainings.c.id == artifact.training_id)
        rules.check_model(artifact, only_row(connection, model, "training", artifact.training_id).candidate_id)
    if insert_unless_stored(connection, artifacts, artifact_columns(artifact)):
        note(connection, trail.requested(artifact, by))
        return artifact
    live = select(artifacts).where(
        artifacts.c.candidate_id == artifact.candidate_id,
        artifacts.c.training_id.is_not_distinct_from(artifact.training_id),
        artifacts.c.format == artifact.format,
        artifacts.c.state != ArtifactState.FAILED.value,
    )
    row = connection.execute(live).one_or_none()
    if row is None:
        raise AlreadyStored("artifact", artifact.id)
    return to_artifact(row)


def with_id(connection: Connection, artifact_id: ArtifactId) -> Artifact:
    """One artifact; `NotFound`."""
    query = select(artifacts).where(artifacts.c.id == artifact_id)
    return to_artifact(only_row(connection, query, "artifact", artifact_id))


def of_candidate(connection: Connection, candidate_id: CandidateId) -> list[Artifact]:
    """Artifacts of a candidate, oldest first, those of its finished models included."""
    query = select(artifacts).where(artifacts.c.candidate_id == candidate_id)
    rows = connection.execute(query.order_by(artifacts.c.created_at, artifacts.c.id))
    return [to_artifact(row) for row in rows]


def claim(connection: Connection, at: datetime, stale_after_s: float) -> Artifact | None:
    """Take the oldest artifact that nobody writes; None when there is none."""
    stale = and_(
        artifacts.c.state == ArtifactState.WRITING.value,
        artifacts.c.claimed_at < at - timedelta(seconds=stale_after_s),
    )
    query = (
        select(artifacts.c.id)
        .where(or_(artifacts.c.state == ArtifactState.REQUESTED.value, stale))
        .order_by(artifacts.c.created_at, artifacts.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite has no row locks: its transaction is the only writer
    )
    oldest = connection.execute(query).scalar_one_or_none()
    if oldest is None:
        return None
    taken = {"state": ArtifactState.WRITING.value, "claimed_at": at}
    change = update(artifacts).where(artifacts.c.id == oldest).values(taken).returning(*artifacts.c)
    return to_artifact(connection.execute(change).one())


def renew(connection: Connection, artifact_id: ArtifactId, at: datetime) -> bool:
    """Say that an artifact is still being written; whether it is."""
    written = and_(artifacts.c.id == artifact_id, artifacts.c.state == ArtifactState.WRITING.value)
    return bool(connection.execute(update(artifacts).where(written).values(claimed_at=at)).rowcount)


def finish(connection: Connection, artifact: Artifact) -> None:
    """Store the finished form of an artifact, unless it was finished before; `NotFound`."""
    rules.check_finished(artifact)
    columns = artifact_columns(artifact)
    identity = ("id", "candidate_id", "training_id", "format", "created_at")
    outcome = {name: value for name, value in columns.items() if name not in identity}
    change = update(artifacts).where(artifacts.c.id == artifact.id, _UNFINISHED).values(outcome)
    if not connection.execute(change).rowcount:
        with_id(connection, artifact.id)
