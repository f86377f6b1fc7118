"""Queries about what workers do now, and the events that tell of their trainings; each in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from ...records import CandidateId, CandidateState, SearchId, TrainingStatus, Worker
from .. import entries, rules
from ..base import LeaseLost, NotFound, TrainingReport
from .changes import held_search
from .mapping import to_worker, worker_columns
from .tables import candidates, events, searches, trainings, workers


def record(
    connection: Connection,
    owner: str,
    rows: Sequence[Worker],
    reports: Sequence[TrainingReport],
    at: datetime,
    lease_s: float,
) -> None:
    """Replace what an owner's workers do, and append the reports whose lease is held; `ValueError`."""
    rules.check_workers(owner, rows)
    silent = workers.c.seen_at <= at - timedelta(seconds=lease_s)
    connection.execute(delete(workers).where(or_(workers.c.owner == owner, silent)))
    if rows:
        connection.execute(insert(workers), [worker_columns(rules.worker_without_nan(row)) for row in rows])
    for _, found in groupby(sorted(reports, key=rules.report_order), rules.report_order):
        with suppress(LeaseLost, NotFound):
            _append(connection, list(found), at)


def _append(connection: Connection, reports: Sequence[TrainingReport], at: datetime) -> None:
    """Number the reports under one lease as the next events of its search; `LeaseLost`, `NotFound`."""
    search_id = reports[0].lease.search_id
    held_search(connection, reports[0].lease, rules.TELLING)
    flying = _in_flight(connection, search_id, [report.candidate_id for report in reports])
    kept = [report for report in reports if report.candidate_id in flying]
    if not kept:
        return
    count = searches.c.event_count + len(kept)
    change = update(searches).where(searches.c.id == search_id).values(event_count=count)
    first = connection.execute(change.returning(searches.c.event_count)).scalar_one() - len(kept) + 1
    rows = [
        {
            "search_id": search_id,
            "ordinal": ordinal,
            "candidate_id": report.candidate_id,
            **entries.training_progress(report, at)._asdict(),
        }
        for ordinal, report in enumerate(kept, start=first)
    ]
    connection.execute(insert(events), rows)


def _in_flight(connection: Connection, search_id: SearchId, names: Sequence[CandidateId]) -> set[str]:
    flying = candidates.c.state == CandidateState.EVALUATING.value
    query = select(candidates.c.id).where(candidates.c.search_id == search_id, candidates.c.id.in_(names), flying)
    return set(connection.execute(query).scalars())


def forget_progress(connection: Connection, search_id: SearchId, candidate_id: CandidateId | None = None) -> None:
    """Drop the events that told of a candidate's training, or of every training of a search."""
    about = events.c.candidate_id.is_not(None) if candidate_id is None else events.c.candidate_id == candidate_id
    connection.execute(delete(events).where(events.c.search_id == search_id, about))


def seen(connection: Connection, at: datetime, lease_s: float) -> list[Worker]:
    """What workers do that were written within a lease, by node and name; nothing once what they train has an end."""
    told = and_(
        candidates.c.id == workers.c.candidate_id,
        candidates.c.state != CandidateState.EVALUATING.value,
        workers.c.training_id.is_(None),
    )
    ended = and_(
        trainings.c.id == workers.c.training_id,
        trainings.c.status.in_([status.value for status in TrainingStatus if status.ended]),
    )
    over = func.coalesce(candidates.c.id, trainings.c.id).label("over")
    query = select(workers, over).join_from(workers, candidates, told, isouter=True)
    query = query.join(trainings, ended, isouter=True)
    rows = connection.execute(query.where(workers.c.seen_at > at - timedelta(seconds=lease_s)))
    found = [to_worker(row) if row.over is None else rules.idle(to_worker(row)) for row in rows]
    return sorted(found, key=rules.worker_order)
