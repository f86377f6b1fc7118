"""Queries about a search's log: candidates, their outcomes and events; each runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Label, Select, and_, exc, select, update

from ...records import (
    Candidate,
    CandidateId,
    CandidateState,
    Evaluation,
    Event,
    LedgerRow,
    Progress,
    SearchId,
)
from .. import entries, rules
from ..base import AlreadyStored, Lease, NotFound
from ..entries import Entry
from .changes import change_search, held_search, insert_unless_stored, only_row
from .mapping import (
    EVALUATION,
    LEDGER_CANDIDATE,
    LEDGER_OUTCOME,
    candidate_columns,
    evaluation_columns,
    progress_columns,
    to_candidate,
    to_evaluation,
    to_event,
    to_ledger_row,
    told_columns,
)
from .tables import candidates, evaluations, events, searches
from .workers import forget_progress

_IN_FLIGHT = candidates.c.state == CandidateState.EVALUATING.value
_TOLD = and_(evaluations.c.key == candidates.c.evaluation_key, candidates.c.told_ordinal.is_not(None))
"""Joins a candidate with its outcome; one in flight has none, whatever is known under its address."""

_ASKED = [candidates.c[name] for name in ("ordinal", "operator", "arm", "rung", "replicate", "latency_ms")]
"""What a "told" event repeats of the ask."""


def record_ask(connection: Connection, lease: Lease, candidate: Candidate) -> None:
    """Append a candidate in flight; `LeaseLost`, `AlreadyStored`."""
    rules.check_asked(candidate)
    held_search(connection, lease, rules.ASKING)
    if not insert_unless_stored(connection, candidates, candidate_columns(candidate)):
        raise AlreadyStored("candidate", candidate.id)
    in_flight = searches.c.in_flight + 1
    change_search(connection, lease.search_id, entries.asked(candidate), in_flight=in_flight)


def record_tell(
    connection: Connection, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress
) -> None:
    """Record a candidate's outcome; `LeaseLost`, `NotFound`, `AlreadyStored`."""
    at, candidate = rules.told_at(candidate), rules.told_without_nan(candidate)
    held_search(connection, lease, rules.TELLING)
    kept = _kept(connection, rules.without_nan(evaluation))
    query = (
        update(candidates)
        .where(candidates.c.id == candidate.id, candidates.c.search_id == lease.search_id, _IN_FLIGHT)
        .values(told_columns(candidate, kept.key))
        .returning(*_ASKED)
    )
    try:
        told = connection.execute(query).one_or_none()
    except exc.IntegrityError as error:
        raise AlreadyStored("told candidate", candidate.id) from error
    if told is None:
        raise NotFound("candidate in flight", candidate.id)
    entry = entries.told(replace(candidate, **told._mapping), kept, at)
    forget_progress(connection, lease.search_id, candidate.id)
    change_search(connection, lease.search_id, entry, claims=0, **progress_columns(progress))


def record_survival(connection: Connection, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
    """Mark which told candidates entered the population; `LeaseLost`, `NotFound`."""
    held_search(connection, lease, rules.TELLING)
    told = and_(candidates.c.search_id == lease.search_id, candidates.c.told_ordinal.is_not(None))
    for candidate_id, mark in survived.items():
        change = update(candidates).where(candidates.c.id == candidate_id, told).values(survived=mark)
        if not connection.execute(change).rowcount:
            raise NotFound("told candidate", candidate_id)
    if survived:
        count = update(searches).where(searches.c.id == lease.search_id)
        connection.execute(count.values(event_count=searches.c.event_count + 1))


def record_event(connection: Connection, lease: Lease, kind: str, detail: Mapping[str, Any], at: datetime) -> None:
    """Append an event about what no other verb records; `LeaseLost`."""
    held_search(connection, lease, rules.TELLING)
    change_search(connection, lease.search_id, Entry(at, kind, dict(detail)))


def _kept(connection: Connection, evaluation: Evaluation) -> Evaluation:
    """Store an evaluation unless its address is taken; what the address holds."""
    if insert_unless_stored(connection, evaluations, evaluation_columns(evaluation)):
        return evaluation
    return evaluation_at(connection, evaluation.key) or evaluation


def abandon(connection: Connection, search_id: SearchId, at: datetime) -> None:
    """Give up what is in flight in a search that ends."""
    query = (
        update(candidates)
        .where(candidates.c.search_id == search_id, _IN_FLIGHT)
        .values(state=CandidateState.ABANDONED.value)
        .returning(candidates.c.ordinal, candidates.c.id)
    )
    given_up = [row.id for row in sorted(connection.execute(query), key=lambda row: row.ordinal)]
    if given_up:
        forget_progress(connection, search_id)
        change_search(connection, search_id, entries.abandoned(given_up, at), in_flight=0)


def revive(connection: Connection, search_id: SearchId, at: datetime) -> None:
    """Take back into flight what was given up when a search ended."""
    query = (
        update(candidates)
        .where(candidates.c.search_id == search_id, candidates.c.state == CandidateState.ABANDONED.value)
        .values(state=CandidateState.EVALUATING.value)
        .returning(candidates.c.ordinal, candidates.c.id)
    )
    revived = [row.id for row in sorted(connection.execute(query), key=lambda row: row.ordinal)]
    if revived:
        change_search(connection, search_id, entries.revived(revived, at), in_flight=len(revived))


def evaluation_at(connection: Connection, key: str) -> Evaluation | None:
    """What is known under an address."""
    row = connection.execute(select(evaluations).where(evaluations.c.key == key)).one_or_none()
    return None if row is None else to_evaluation(row)


def candidate_with_id(connection: Connection, candidate_id: CandidateId) -> Candidate:
    """One candidate with its outcome; `NotFound`."""
    query = _with_outcomes().where(candidates.c.id == candidate_id)
    return to_candidate(only_row(connection, query, "candidate", candidate_id))


def candidates_after(
    connection: Connection,
    search_id: SearchId,
    *,
    after: int,
    limit: int | None,
    rung: int | None,
    operator: str | None,
    ordinals: Collection[int] | None,
) -> list[Candidate]:
    """Candidates of a search with their outcomes, by ordinal."""
    query = _with_outcomes().where(candidates.c.search_id == search_id)
    if ordinals is None:
        query = query.where(candidates.c.ordinal > after)
    else:  # without the range: SQLite would walk through that rather than look the numbers up
        query = query.where(candidates.c.ordinal.in_([ordinal for ordinal in ordinals if ordinal > after]))
    if rung is not None:
        query = query.where(candidates.c.rung == rung)
    if operator is not None:
        query = query.where(candidates.c.operator == operator)
    rows = connection.execute(query.order_by(candidates.c.ordinal).limit(limit))
    return [to_candidate(row) for row in rows]


def _with_outcomes() -> Select[Any]:
    """Candidates, each beside its outcome."""
    return select(candidates, *_outcome(EVALUATION)).join_from(candidates, evaluations, _TOLD, isouter=True)


def ledger_of(connection: Connection, search_id: SearchId) -> list[LedgerRow]:
    """The narrow rows of a search's candidates, by ordinal."""
    query = _narrow().where(candidates.c.search_id == search_id).order_by(candidates.c.ordinal)
    return [to_ledger_row(row) for row in connection.execute(query)]


def told_after(connection: Connection, search_id: SearchId, *, after: int, limit: int | None) -> list[LedgerRow]:
    """The narrow rows of a search's told candidates, by the number of their tell."""
    query = _narrow().where(candidates.c.search_id == search_id, candidates.c.told_ordinal > after)
    return [to_ledger_row(row) for row in connection.execute(query.order_by(candidates.c.told_ordinal).limit(limit))]


def untold(connection: Connection, search_id: SearchId) -> list[LedgerRow]:
    """The narrow rows of a search's candidates without an outcome, by ordinal."""
    query = _narrow().where(candidates.c.search_id == search_id, candidates.c.told_ordinal.is_(None))
    return [to_ledger_row(row) for row in connection.execute(query.order_by(candidates.c.ordinal))]


def _narrow() -> Select[Any]:
    """What the ledger has of candidates and their outcomes."""
    columns = [candidates.c[name] for name in LEDGER_CANDIDATE]
    return select(*columns, *_outcome(LEDGER_OUTCOME)).join_from(candidates, evaluations, _TOLD, isouter=True)


def _outcome(names: Sequence[str]) -> list[Label[Any]]:
    return [evaluations.c[name].label(f"outcome_{name}") for name in names]


def events_after(connection: Connection, search_id: SearchId, *, after: int, limit: int, progress: bool) -> list[Event]:
    """Events of a search in order, with or without those that tell of trainings in flight."""
    query = select(events).where(events.c.search_id == search_id, events.c.ordinal > after)
    if not progress:
        query = query.where(events.c.candidate_id.is_(None))
    return [to_event(row) for row in connection.execute(query.order_by(events.c.ordinal).limit(limit))]
