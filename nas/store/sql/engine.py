"""Connections and transactions: what makes SQLite and PostgreSQL keep the same promises. Knows no table.

SQLite runs in write-ahead-log mode, so readers never wait for the writer, and with ``synchronous=FULL``: a commit is
on the disk when it returns, a power cut included. The driver's own handling of transactions is turned off, and every
transaction that writes takes the write lock when it begins (``BEGIN IMMEDIATE``); one that took it later, after a
read, could only fail when another had written in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url

from ..base import StoreUnavailable

BUSY_TIMEOUT_S = 60.0
"""How long a SQLite transaction waits for another process's; PostgreSQL has row locks and a server to end them."""

_BEGIN = "sqlite_begin"


def connect(url: str) -> Engine:
    """An engine for a SQLite or a PostgreSQL URL; nothing is connected yet. `ValueError` when it is no such URL."""
    try:
        if make_url(url).get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    except exc.ArgumentError as error:
        raise ValueError(str(error)) from error
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine, whose transactions take SQLite's write lock when they begin."""
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


class Database:
    """One database, and its two kinds of transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = writing(engine)
        sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer anyway, and its waiting is polling: threads queue here instead.
        self._lock: AbstractContextManager[object] = threading.Lock() if sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads, and sees one moment of a SQLite database."""
        with available(self.engine), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: committed when the block ends, rolled back when it raises."""
        with self._lock, available(self.engine), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def available(engine: Engine) -> Iterator[None]:
    """Turn the driver's complaints about a database that cannot be used into `StoreUnavailable`."""
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError, exc.DataError):
        raise
    except (exc.DBAPIError, exc.TimeoutError) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        raise StoreUnavailable(f"{engine.url.render_as_string()}: {cause}") from error
