"""Queries about searches and their leases; each runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, tuple_, update

from ...records import Action, Pulse, Request, Search, SearchId, SearchState, Totals, check_action
from ...spec import BudgetSpec
from .. import entries, rules, trail
from ..base import AlreadyStored, Lease
from .book import carried_out, made_by, note
from .changes import change_search, held_search, insert_unless_stored, locked_search, only_row
from .log import abandon, revive
from .mapping import PROGRESS, data_columns, search_columns, to_progress, to_search
from .tables import searches
from .trainings import counted

_NO_LEASE = {"lease_owner": None, "lease_expires_at": None}


def add(connection: Connection, search: Search, request: Request | None) -> Search:
    """Store a new search, or give the one that the same request made before; `AlreadyStored`, `KeyReused`."""
    known = None if request is None else carried_out(connection, request, search)
    if known is not None:
        return with_id(connection, known)
    if not insert_unless_stored(connection, searches, search_columns(search)):
        raise AlreadyStored("search", search.id)
    note(connection, trail.submitted(search))
    return to_search(change_search(connection, search.id, entries.submitted(search)))


def answered(connection: Connection, request: Request, at: datetime) -> Search | None:
    """The search that came of a request that is not forgotten by then; `KeyReused`."""
    known = made_by(connection, request, at)
    return None if known is None else with_id(connection, known)


def with_id(connection: Connection, search_id: SearchId) -> Search:
    """One search; `NotFound`."""
    return to_search(only_row(connection, select(searches).where(searches.c.id == search_id), "search", search_id))


def newest(
    connection: Connection, *, states: Sequence[SearchState], before: SearchId | None, limit: int
) -> list[Search]:
    """Newest first; `NotFound` when there is no search ``before``."""
    age = (searches.c.created_at, searches.c.id)
    query = select(searches).order_by(*(column.desc() for column in age)).limit(limit)
    if states:
        query = query.where(searches.c.state.in_([state.value for state in states]))
    if before is not None:
        last = with_id(connection, before)
        query = query.where(tuple_(*age) < tuple_(last.created_at, last.id, types=[c.type for c in age]))
    return [to_search(row) for row in connection.execute(query)]


def move(
    connection: Connection,
    search_id: SearchId,
    state: SearchState,
    at: datetime,
    reason: str,
    action: Action | None,
    by: str,
) -> Search:
    """Make a legal transition; `NotFound`, `IllegalTransition`."""
    row = locked_search(connection, search_id)
    rules.check_move(search_id, SearchState(row.state), state, action)
    if action is not None:
        note(connection, trail.acted(search_id, action, at, by))
    # The old lease outlives a pause, for what is in flight, but it must not come back to life in a running search.
    lease = _NO_LEASE if state is SearchState.RUNNING else {}
    return _move(connection, row, state, at, reason, lease)


def set_parallelism(
    connection: Connection, search_id: SearchId, parallelism: int | None, at: datetime, by: str
) -> Search:
    """Change how many candidates may be in flight; `NotFound`, `ValueError`, `IllegalAction`."""
    row = locked_search(connection, search_id)
    rules.check_parallelism(search_id, SearchState(row.state), parallelism)
    note(connection, trail.acted(search_id, Action.CHANGE, at, by, parallelism=parallelism))
    entry = entries.parallelism(row.parallelism, parallelism, at)
    return to_search(change_search(connection, search_id, entry, parallelism=parallelism))


def set_priority(connection: Connection, search_id: SearchId, priority: int, at: datetime, by: str) -> Search:
    """Change which searches it goes before; `NotFound`, `IllegalAction`."""
    row = locked_search(connection, search_id)
    check_action(search_id, SearchState(row.state), Action.CHANGE)
    note(connection, trail.acted(search_id, Action.CHANGE, at, by, priority=priority))
    entry = entries.priority(row.priority, priority, at)
    return to_search(change_search(connection, search_id, entry, priority=priority))


def extend(
    connection: Connection, search_id: SearchId, budget: BudgetSpec, at: datetime, by: str, present: BudgetSpec | None
) -> Search:
    """Give another budget, and queue a completed search again; `NotFound`, `IllegalAction`, `BudgetChanged`."""
    row = locked_search(connection, search_id)
    search = to_search(row)
    check_action(search_id, search.state, Action.EXTEND)
    rules.check_budget(search, present)
    note(connection, trail.acted(search_id, Action.EXTEND, at, by, budget=budget.model_dump(mode="json")))
    columns: dict[str, Any] = {"spec": search.spec.model_copy(update={"budget": budget}).to_json()}
    if search.state is SearchState.COMPLETED:
        revive(connection, search_id, at)
        columns |= {"state": SearchState.QUEUED.value, "reason": "", "finished_at": None}
    entry = entries.extended(search.state, search.spec.budget, budget, at)
    return to_search(change_search(connection, search_id, entry, **columns))


def pulse(connection: Connection, search_id: SearchId) -> Pulse:
    """How far a search's record is; `NotFound`."""
    query = select(searches.c.event_count, searches.c.evaluated).where(searches.c.id == search_id)
    row = only_row(connection, query, "search", search_id)
    return Pulse(event_count=row.event_count, told=row.evaluated)


def totals(connection: Connection) -> Totals:
    """What all searches together have come to."""
    columns = (searches.c.id, searches.c.state, searches.c.created_at, searches.c.started_at)
    rows = connection.execute(select(*columns, *(searches.c[name] for name in PROGRESS)))
    standing = (
        rules.Standing(row.id, SearchState(row.state), row.created_at, row.started_at, to_progress(row)) for row in rows
    )
    return rules.summed(standing, counted(connection))


def end(
    connection: Connection, lease: Lease, state: SearchState, at: datetime, reason: str, present: BudgetSpec | None
) -> Search:
    """Make a legal transition for a spent budget, and give the lease back; `LeaseLost`, `IllegalTransition`."""
    row = held_search(connection, lease)
    state, reason = rules.ending(to_search(row), state, reason, present)
    return _move(connection, row, state, at, reason, _NO_LEASE)


def _move(
    connection: Connection,
    row: Row[Any],
    state: SearchState,
    at: datetime,
    reason: str,
    lease: Mapping[str, Any],
) -> Search:
    was = SearchState(row.state)
    rules.check_move(row.id, was, state, None)
    if state.ended:
        abandon(connection, row.id, at)
    if was.ended:
        revive(connection, row.id, at)
    finished_at = at if state.ended else None
    ran = rules.running_time(was, row.running_since, row.ran_s, state, at)
    columns = {"state": state.value, "reason": reason, "finished_at": finished_at, **ran, **lease}
    return to_search(change_search(connection, row.id, entries.moved(was, state, at, reason), **columns))


def claim(
    connection: Connection, owner: str, at: datetime, lease_s: float, only: SearchId | None, above: int | None
) -> Lease | None:
    """Take the first search that nobody works on, or only one search; None when there is none."""
    row = _first_claimable(connection, at, only, above)
    if row is None:
        return None
    expires_at = at + timedelta(seconds=lease_s)
    lease = Lease(search_id=row.id, owner=owner, token=row.lease_token + 1, expires_at=expires_at)
    change_search(
        connection,
        row.id,
        entries.claimed(lease, SearchState(row.state), at),
        state=SearchState.RUNNING.value,
        reason="",
        started_at=row.started_at or at,
        claims=row.claims + 1,
        lease_owner=lease.owner,
        lease_token=lease.token,
        lease_expires_at=lease.expires_at,
        **rules.running_since(row.running_since, row.ran_s, row.lease_expires_at, at),
    )
    return lease


def _first_claimable(connection: Connection, at: datetime, only: SearchId | None, above: int | None) -> Row[Any] | None:
    """The oldest search of the highest priority that is queued, or runs without a valid lease.

    One that somebody is changing now is passed over.
    """
    running, expires_at = searches.c.state == SearchState.RUNNING.value, searches.c.lease_expires_at
    silent = and_(running, or_(expires_at.is_(None), expires_at <= at))
    query = (
        select(searches)
        .where(or_(searches.c.state == SearchState.QUEUED.value, silent))
        .order_by(searches.c.priority.desc(), searches.c.created_at, searches.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite has no row locks: its transaction is the only writer
    )
    if only is not None:
        query = query.where(searches.c.id == only)
    if above is not None:
        query = query.where(searches.c.priority > above)
    return connection.execute(query).one_or_none()


def renew(
    connection: Connection, lease: Lease, at: datetime, lease_s: float, settled: bool
) -> tuple[Lease, SearchState]:
    """Extend a lease and say where the search stands; `LeaseLost`."""
    row = held_search(connection, lease)
    expires_at = at + timedelta(seconds=lease_s)
    columns: dict[str, Any] = {"lease_expires_at": expires_at} | ({"claims": 0} if settled else {})
    connection.execute(update(searches).where(searches.c.id == lease.search_id).values(columns))
    renewed = Lease(search_id=lease.search_id, owner=lease.owner, token=lease.token, expires_at=expires_at)
    return renewed, SearchState(row.state)


def release(connection: Connection, lease: Lease) -> None:
    """Give a lease back, if it is still held."""
    held = and_(searches.c.lease_owner == lease.owner, searches.c.lease_token == lease.token)
    connection.execute(update(searches).where(searches.c.id == lease.search_id, held).values(_NO_LEASE))


def begin(
    connection: Connection,
    lease: Lease,
    *,
    at: datetime,
    data_digest: str,
    data_notes: Sequence[str],
    baseline: Mapping[str, float],
    reference_point: Mapping[str, float],
    environment: Mapping[str, str] | None,
) -> Search:
    """Record what the images turned out to be; `LeaseLost`."""
    held_search(connection, lease, rules.ASKING)
    entry = entries.started(at, data_digest, data_notes, baseline, reference_point, environment)
    columns = data_columns(data_digest, tuple(data_notes), baseline, reference_point)
    return to_search(change_search(connection, lease.search_id, entry, **columns))
