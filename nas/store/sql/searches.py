"""Queries about searches and their leases; each runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, tuple_, update

from ...records import Search, SearchId, SearchState, check_transition
from .. import entries, rules
from ..base import AlreadyStored, Lease, NotFound
from .changes import change_search, held_search, insert_unless_stored, locked_search
from .log import abandon
from .mapping import data_columns, search_columns, to_search
from .tables import searches

_NO_LEASE = {"lease_owner": None, "lease_expires_at": None}


def add(connection: Connection, search: Search) -> None:
    """Store a new search; `AlreadyStored`."""
    if not insert_unless_stored(connection, searches, search_columns(search)):
        raise AlreadyStored("search", search.id)
    change_search(connection, search.id, entries.submitted(search))


def with_id(connection: Connection, search_id: SearchId) -> Search:
    """One search; `NotFound`."""
    row = connection.execute(select(searches).where(searches.c.id == search_id)).one_or_none()
    if row is None:
        raise NotFound("search", search_id)
    return to_search(row)


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


def move(connection: Connection, search_id: SearchId, state: SearchState, at: datetime, reason: str) -> Search:
    """Make a legal transition; `NotFound`, `IllegalTransition`."""
    row = locked_search(connection, search_id)
    # The old lease outlives a pause, for what is in flight, but it must not come back to life in a running search.
    lease = _NO_LEASE if state is SearchState.RUNNING else {}
    return _move(connection, row, state, at, reason, lease)


def set_parallelism(connection: Connection, search_id: SearchId, parallelism: int | None, at: datetime) -> Search:
    """Change how many candidates may be in flight; `NotFound`, `ValueError`, `SearchEnded`."""
    row = locked_search(connection, search_id)
    rules.check_parallelism(search_id, SearchState(row.state), parallelism)
    entry = entries.parallelism(row.parallelism, parallelism, at)
    return to_search(change_search(connection, search_id, entry, parallelism=parallelism))


def end(connection: Connection, lease: Lease, state: SearchState, at: datetime, reason: str) -> Search:
    """Make a legal transition and give the lease back; `LeaseLost`, `IllegalTransition`."""
    row = held_search(connection, lease)
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
    check_transition(row.id, was, state)
    if state.ended:
        abandon(connection, row.id, at)
    finished_at = at if state.ended else None
    columns = {"state": state.value, "reason": reason, "finished_at": finished_at, **lease}
    return to_search(change_search(connection, row.id, entries.moved(was, state, at, reason), **columns))


def claim(connection: Connection, owner: str, at: datetime, lease_s: float, only: SearchId | None) -> Lease | None:
    """Take the oldest search that nobody works on, or only one search; None when there is none."""
    row = _oldest_claimable(connection, at, only)
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
        lease_owner=lease.owner,
        lease_token=lease.token,
        lease_expires_at=lease.expires_at,
    )
    return lease


def _oldest_claimable(connection: Connection, at: datetime, only: SearchId | None) -> Row[Any] | None:
    """The oldest search that is queued, or running without a valid lease, and that nobody is changing now."""
    running, expires_at = searches.c.state == SearchState.RUNNING.value, searches.c.lease_expires_at
    silent = and_(running, or_(expires_at.is_(None), expires_at <= at))
    query = (
        select(searches)
        .where(or_(searches.c.state == SearchState.QUEUED.value, silent))
        .order_by(searches.c.created_at, searches.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite has no row locks: its transaction is the only writer
    )
    if only is not None:
        query = query.where(searches.c.id == only)
    return connection.execute(query).one_or_none()


def renew(connection: Connection, lease: Lease, at: datetime, lease_s: float) -> tuple[Lease, SearchState]:
    """Extend a lease and say where the search stands; `LeaseLost`."""
    row = held_search(connection, lease)
    expires_at = at + timedelta(seconds=lease_s)
    query = update(searches).where(searches.c.id == lease.search_id).values(lease_expires_at=expires_at)
    connection.execute(query)
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
) -> Search:
    """Record what the images turned out to be; `LeaseLost`."""
    held_search(connection, lease, rules.ASKING)
    entry = entries.started(at, data_digest, data_notes, baseline, reference_point)
    columns = data_columns(data_digest, tuple(data_notes), baseline, reference_point)
    return to_search(change_search(connection, lease.search_id, entry, **columns))
