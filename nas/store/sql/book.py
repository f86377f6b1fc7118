"""Queries about datasets, tokens, requests and the audit; each runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, text, tuple_, update

from ...records import AuditEntry, Dataset, Request, Search, SearchId, Token, TokenId
from .. import trail
from ..base import REMEMBERED, AlreadyStored, KeyReused
from ..trail import Deed
from .changes import insert_or_update, insert_unless_stored, only_row
from .mapping import dataset_columns, to_audit_entry, to_dataset, to_token, token_columns
from .tables import audit, datasets, requests, tokens

_LOCK = 0x6175646974  # "audit": PostgreSQL's advisory locks are numbers


def note(connection: Connection, deed: Deed) -> None:
    """Number a deed and keep it; on PostgreSQL one transaction at a time, so that numbers are read in order."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = connection.execute(select(func.max(audit.c.ordinal))).scalar_one_or_none()
    connection.execute(insert(audit).values(ordinal=(last or 0) + 1, **deed._asdict()))


def audit_after(connection: Connection, *, after: int, limit: int) -> list[AuditEntry]:
    """Deeds in order."""
    query = select(audit).where(audit.c.ordinal > after).order_by(audit.c.ordinal).limit(limit)
    return [to_audit_entry(row) for row in connection.execute(query)]


def carried_out(connection: Connection, request: Request, search: Search) -> SearchId | None:
    """The search that came of a request before; None, and the request kept, if none did; `KeyReused`.

    Of two equal requests at once the second waits here until the first is committed.
    """
    forgotten = search.created_at - REMEMBERED
    identity = {"who": request.who, "key": request.key}
    found = {"digest": request.digest, "search_id": search.id, "at": search.created_at}
    fresh = insert_or_update(connection, requests, identity | found, where=requests.c.at <= forgotten)
    if fresh:
        _forget(connection, forgotten)
        return None
    return made_by(connection, request, search.created_at)


def made_by(connection: Connection, request: Request, at: datetime) -> SearchId | None:
    """The search that came of a request that is not forgotten by then; `KeyReused`."""
    query = select(requests).filter_by(who=request.who, key=request.key).where(requests.c.at > at - REMEMBERED)
    known = connection.execute(query).one_or_none()
    if known is None:
        return None
    if known.digest != request.digest:
        raise KeyReused(request.key)
    return SearchId(known.search_id)


def _forget(connection: Connection, until: datetime) -> None:
    """Forget what was asked for until a moment, but what somebody else is at: it is forgotten next time."""
    identity = (requests.c.who, requests.c.key)
    old = select(*identity).where(requests.c.at <= until).with_for_update(skip_locked=True)
    connection.execute(delete(requests).where(tuple_(*identity).in_(old)))


def add_dataset(connection: Connection, dataset: Dataset) -> None:
    """Register a dataset; `AlreadyStored`."""
    if not insert_unless_stored(connection, datasets, dataset_columns(dataset)):
        raise AlreadyStored("dataset", dataset.name)
    note(connection, trail.registered(dataset))


def dataset_named(connection: Connection, name: str) -> Dataset:
    """One dataset; `NotFound`."""
    return to_dataset(only_row(connection, select(datasets).where(datasets.c.name == name), "dataset", name))


def all_datasets(connection: Connection) -> list[Dataset]:
    """Every dataset, by name."""
    found = [to_dataset(row) for row in connection.execute(select(datasets))]
    return sorted(found, key=lambda dataset: dataset.name)  # by code point, whatever the database's collation


def remove_dataset(connection: Connection, name: str, at: datetime, by: str) -> Dataset:
    """Forget a dataset; `NotFound`."""
    removal = delete(datasets).where(datasets.c.name == name).returning(*datasets.c)
    removed = to_dataset(only_row(connection, removal, "dataset", name))
    note(connection, trail.removed(removed, at, by))
    return removed


def add_token(connection: Connection, token: Token) -> None:
    """Keep a token; `AlreadyStored`."""
    if not insert_unless_stored(connection, tokens, token_columns(token)):
        raise AlreadyStored("token", token.id)
    note(connection, trail.granted(token))


def token_with(connection: Connection, token_id: TokenId) -> Token:
    """One token; `NotFound`."""
    return to_token(only_row(connection, select(tokens).where(tokens.c.id == token_id), "token", token_id))


def all_tokens(connection: Connection) -> list[Token]:
    """Every token, oldest first."""
    return [to_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.id))]


def revoke_token(connection: Connection, token_id: TokenId, at: datetime, by: str) -> Token:
    """End a token; `NotFound`."""
    live = update(tokens).where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None)).values(revoked_at=at)
    row = connection.execute(live.returning(*tokens.c)).one_or_none()
    if row is None:
        return token_with(connection, token_id)
    revoked = to_token(row)
    note(connection, trail.revoked(revoked, at, by))
    return revoked
