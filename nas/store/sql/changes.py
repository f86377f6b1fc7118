"""The one way in which a search changes: its row is locked, the lease is checked, and the change bears its event."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Row, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ...records import SearchId, SearchState
from .. import rules
from ..base import Lease, NotFound
from ..entries import Entry
from .mapping import Columns
from .tables import events, searches

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_unless_stored(connection: Connection, table: Table, columns: Columns) -> bool:
    """Insert a row unless a unique constraint forbids it; whether it was inserted."""
    statement = _INSERTS[connection.dialect.name](table).values(columns).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key)).one_or_none() is not None


def insert_or_update(connection: Connection, table: Table, columns: Columns, *, where: ColumnElement[bool]) -> bool:
    """Insert a row, or put it in place of the one with its primary key where that may go; whether it was written.

    A row that stays is locked until the transaction ends.
    """
    statement = _INSERTS[connection.dialect.name](table).values(columns)
    changed = {name: value for name, value in columns.items() if name not in table.primary_key.columns}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed, where=where)
    return connection.execute(statement.returning(*table.primary_key)).one_or_none() is not None


def only_row(connection: Connection, query: Executable, noun: str, name: str) -> Row[Any]:
    """The row of what has an id or a name; `NotFound` where there is none."""
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(noun, name)
    return row


def locked_search(connection: Connection, search_id: SearchId) -> Row[Any]:
    """The row of a search, that nobody else changes until this transaction ends; `NotFound`."""
    query = select(searches).where(searches.c.id == search_id).with_for_update()
    return only_row(connection, query, "search", search_id)


def held_search(connection: Connection, lease: Lease, states: frozenset[SearchState] = rules.ANY) -> Row[Any]:
    """The locked row of a search that belongs to a lease; `LeaseLost` unless it does, in one of ``states``."""
    row = locked_search(connection, lease.search_id)
    state = SearchState(row.state)
    rules.check_lease(lease, owner=row.lease_owner, token=row.lease_token, state=state, states=states)
    return row


def change_search(connection: Connection, search_id: SearchId, entry: Entry, **columns: Any) -> Row[Any]:
    """Change columns of a search and append the event that says so; the new row."""
    count = searches.c.event_count + 1
    change = update(searches).where(searches.c.id == search_id).values(event_count=count, **columns)
    row = connection.execute(change.returning(*searches.c)).one()
    event = {"search_id": search_id, "ordinal": row.event_count, **entry._asdict()}
    connection.execute(insert(events).values(event))
    return row
