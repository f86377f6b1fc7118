"""Queries about full trainings and their leases; each runs in the caller's transaction.

Rows are locked in one order, so that nobody waits for who waits for him: a training, then its search, then the audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select, tuple_, update

from ...records import CandidateId, SearchId, Training, TrainingId, TrainingStatus
from .. import entries, rules, trail
from ..base import AlreadyStored, LeaseLost, TrainingLease
from .book import note
from .changes import change_search, insert_unless_stored, only_row
from .mapping import advanced_columns, to_training, training_columns
from .tables import candidates, trainings

_NO_LEASE: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None}


def add(connection: Connection, training: Training, by: str) -> Training:
    """Store a request, or give the live one that asks for the same; `NotFound`, `AlreadyStored`."""
    known = select(candidates.c.id).filter_by(id=training.candidate_id, search_id=training.search_id)
    only_row(connection, known, "candidate", training.candidate_id)
    if insert_unless_stored(connection, trainings, training_columns(training) | {"lease_token": 0}):
        change_search(connection, training.search_id, entries.training_requested(training))
        note(connection, trail.training_requested(training, by))
        return training
    live = select(trainings).where(
        trainings.c.candidate_id == training.candidate_id,
        trainings.c.digest == training.digest,
        trainings.c.status.not_in([TrainingStatus.FAILED.value, TrainingStatus.CANCELLED.value]),
    )
    row = connection.execute(live).one_or_none()
    if row is None:
        raise AlreadyStored("training", training.id)
    return to_training(row)


def with_id(connection: Connection, training_id: TrainingId) -> Training:
    """One training; `NotFound`."""
    return to_training(only_row(connection, _only(training_id), "training", training_id))


def newest(
    connection: Connection,
    *,
    search_id: SearchId | None,
    candidate_id: CandidateId | None,
    statuses: Sequence[TrainingStatus],
    before: TrainingId | None,
    limit: int | None,
) -> list[Training]:
    """Newest first; nothing after one that is not there."""
    age = (trainings.c.created_at, trainings.c.id)
    last = None if before is None else connection.execute(select(*age).where(trainings.c.id == before)).one_or_none()
    if before is not None and last is None:
        return []
    query = select(trainings).order_by(*(column.desc() for column in age)).limit(limit)
    if search_id is not None:
        query = query.where(trainings.c.search_id == search_id)
    if candidate_id is not None:
        query = query.where(trainings.c.candidate_id == candidate_id)
    if statuses:
        query = query.where(trainings.c.status.in_([status.value for status in statuses]))
    if last is not None:
        query = query.where(tuple_(*age) < tuple_(*last, types=[column.type for column in age]))
    return [to_training(row) for row in connection.execute(query)]


def counted(connection: Connection) -> dict[TrainingStatus, int]:
    """How many trainings there are in each status."""
    query = select(trainings.c.status, func.count()).group_by(trainings.c.status)
    return {TrainingStatus(status): number for status, number in connection.execute(query)}


def claim(connection: Connection, owner: str, at: datetime, lease_s: float) -> tuple[TrainingLease, Training] | None:
    """Take the oldest training that nobody advances; None when there is none."""
    row = _oldest_claimable(connection, at)
    if row is None:
        return None
    taken = rules.taken(to_training(row), at)
    lease = TrainingLease(
        training_id=taken.id, owner=owner, token=row.lease_token + 1, expires_at=at + timedelta(seconds=lease_s)
    )
    held = {"lease_owner": owner, "lease_token": lease.token, "lease_expires_at": lease.expires_at}
    _write(connection, taken, held)
    if row.started_at is None:
        change_search(connection, taken.search_id, entries.training_started(taken, at))
    return lease, taken


def _oldest_claimable(connection: Connection, at: datetime) -> Row[Any] | None:
    """The oldest training that is queued, or runs without a valid lease, but what somebody is changing now."""
    running, expires_at = trainings.c.status == TrainingStatus.RUNNING.value, trainings.c.lease_expires_at
    silent = and_(running, or_(expires_at.is_(None), expires_at <= at))
    query = (
        select(trainings)
        .where(or_(trainings.c.status == TrainingStatus.QUEUED.value, silent))
        .order_by(trainings.c.created_at, trainings.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite has no row locks: its transaction is the only writer
    )
    return connection.execute(query).one_or_none()


def keep(
    connection: Connection, lease: TrainingLease, training: Training, at: datetime, lease_s: float
) -> TrainingLease:
    """Write how far a training is, and extend the lease; `LeaseLost`, `ValueError`."""
    rules.check_kept(training)
    row = _locked(connection, lease.training_id)
    if not _holds(row, lease):
        raise LeaseLost(lease)
    kept = rules.kept(to_training(row), training, at)
    expires_at = at + timedelta(seconds=lease_s)
    _write(connection, kept, _NO_LEASE if kept.status.ended else {"lease_expires_at": expires_at})
    if kept.status.ended:
        change_search(connection, kept.search_id, entries.training_ended(kept, at))
    return TrainingLease(training_id=kept.id, owner=lease.owner, token=lease.token, expires_at=expires_at)


def release(connection: Connection, lease: TrainingLease) -> None:
    """Queue a training again, if the lease is still held."""
    row = connection.execute(_only(lease.training_id).with_for_update()).one_or_none()
    if row is not None and _holds(row, lease):
        _write(connection, rules.released(to_training(row)), _NO_LEASE)


def cancel(connection: Connection, training_id: TrainingId, at: datetime, by: str) -> Training:
    """End a training for good; `NotFound`, `TrainingEnded`."""
    training = to_training(_locked(connection, training_id))
    if training.status is TrainingStatus.CANCELLED:
        return training
    cancelled = rules.cancelled(training, at, by)
    _write(connection, cancelled, _NO_LEASE)
    change_search(connection, cancelled.search_id, entries.training_ended(cancelled, at))
    note(connection, trail.training_cancelled(cancelled, at, by))
    return cancelled


def _only(training_id: TrainingId) -> Select[Any]:
    return select(trainings).where(trainings.c.id == training_id)


def _locked(connection: Connection, training_id: TrainingId) -> Row[Any]:
    """The row of a training, that nobody else changes until this transaction ends; `NotFound`."""
    return only_row(connection, _only(training_id).with_for_update(), "training", training_id)


def _holds(row: Row[Any], lease: TrainingLease) -> bool:
    """Whether a lease is the present one of a training that runs; one that does not has no owner."""
    return (row.lease_owner, row.lease_token) == (lease.owner, lease.token)


def _write(connection: Connection, training: Training, lease: dict[str, Any]) -> None:
    columns = advanced_columns(training) | lease
    connection.execute(update(trainings).where(trainings.c.id == training.id).values(columns))
