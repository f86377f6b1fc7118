"""Connections and transactions: what makes SQLite and PostgreSQL keep the same promises. Knows no table.

SQLite runs in write-ahead-log mode, so readers never wait for the writer, and with ``synchronous=FULL``: a commit is
on the disk when it returns, a power cut included. The driver's own handling of transactions is turned off, and every
transaction that writes takes the write lock when it begins (``BEGIN IMMEDIATE``); one that took it later, after a
read, could only fail when another had written in between. Processes wait for that lock by polling, with a long
patience; the threads of one process queue for it, first come, first served.

PostgreSQL is asked with as few messages as can be: a query that reads is a transaction of its own, so that nothing but
its statement and its rows cross the network. Whether a pooled connection still works is not asked beforehand: a
transaction that its connection, a deadlock or a restart of the server ended before the commit was sent did not happen,
and is tried once more. One whose commit was sent and never answered may have happened: it is not repeated here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, exc, make_url

from ...redaction import redacted
from ..base import StoreUnavailable
from .turns import Turns
from .wal import WriteAheadLog

__all__ = ["BUSY_TIMEOUT_S", "Database", "Engine", "available", "connect", "patient", "writing"]

BUSY_TIMEOUT_S = 60.0
"""How long a SQLite transaction waits for another process's; PostgreSQL has row locks and a server to end them."""

CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, LOCK_TIMEOUT_S, IDLE_TIMEOUT_S = 10, 60, 30, 15
"""How long PostgreSQL may take to answer a connection, carry out a statement and give a lock.

And how long it waits for the next statement of a transaction: who was stopped within one shall keep no search locked.
"""

POOL_TIMEOUT_S = 30.0
"""How long a thread waits for a connection while others use them all."""

POOLS = {"sqlite": {"pool_size": 16, "max_overflow": 48}, "postgresql": {"pool_size": 8, "max_overflow": 8}}
"""Connections of one process: those that stay open, and those that come in a rush.

A file has room for every thread of a web process. A server of PostgreSQL has 100 for all processes together, and
answers in less time than opening another one takes.
"""

POLL_S = 0.002
"""How often a process looks whether another one still has SQLite's write lock; one thread of each process looks."""

PAUSE_S = 0.1
"""For how long a transaction that the database ended waits before it is tried once more."""

TRANSIENT = frozenset({"40P01", "40001", "57P01", "57P02", "57P03"})
"""What PostgreSQL says when a transaction came to nothing and the next one may not: deadlock, serialization failure,
shutdown by an administrator, shutdown after a crash, still starting up."""

READ_ONLY = "25006"
"""What PostgreSQL says when a transaction would write on a server that only follows another, as after a failover."""

FORBIDDEN = "42501"
"""What PostgreSQL says when rights are missing: an administrator took them and may give them back."""

_WRITES = "srnas_writes"

P = ParamSpec("P")
R = TypeVar("R")


def connect(url: str) -> Engine:
    """An engine for a SQLite or a PostgreSQL URL; nothing is connected yet. `ValueError` when it is no such URL."""
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        arguments = {"timeout": BUSY_TIMEOUT_S} if kind == "sqlite" else _postgresql_arguments(parsed)
        pool: dict[str, Any] = {"pool_timeout": POOL_TIMEOUT_S, "pool_use_lifo": True, **POOLS.get(kind, {})}
        engine = create_engine(parsed, connect_args=arguments, **pool)
    except exc.ArgumentError as error:
        raise ValueError(str(error)) from error
    if kind == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "handle_error", _leave_standby)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine, whose transactions take SQLite's write lock when they begin."""
    return engine.execution_options(**{_WRITES: True})


def patient(connection: Connection) -> None:
    """Let the transaction of a connection take as long as it needs, as a migration or a backup may."""
    if connection.dialect.name == "postgresql":
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = 0")


def _postgresql_arguments(url: URL) -> dict[str, Any]:
    """Timeouts of a connection: nobody waits for ever for a server that is gone, nor it for a client that is.

    What the URL says itself goes before.
    """
    limits_ms = {
        "statement_timeout": STATEMENT_TIMEOUT_S * 1000,
        "lock_timeout": LOCK_TIMEOUT_S * 1000,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT_S * 1000,
    }
    arguments = {
        "application_name": "srnas",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": STATEMENT_TIMEOUT_S * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in limits_ms.items()),
    }
    return {name: value for name, value in arguments.items() if name not in url.query}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        _take_write_lock(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_write_lock(connection: Connection) -> None:
    """Begin a transaction that writes, as soon as no other process has one.

    SQLite itself would look for the lock ten times a second only: another process that writes without a pause always
    takes it first.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except exc.OperationalError as error:
                if not _busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
            else:
                return
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}")


def _busy(error: exc.OperationalError) -> bool:
    return getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY")


class Database:
    """One database, and its two kinds of transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        sqlite = engine.dialect.name == "sqlite"
        self._reader = engine if sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = writing(engine)
        self._turns: AbstractContextManager[object] = Turns() if sqlite else nullcontext()
        self._log = WriteAheadLog(engine) if sqlite else None

    def read(self, query: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What a query finds; of SQLite, all of it at one moment, of PostgreSQL, each statement of it."""

        def once() -> R:
            with self._reader.connect() as connection:
                return query(connection, *args, **kwargs)

        with available(self.engine):
            return _once_more(once)

    def write(self, query: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What a query gives that changes something: committed when this returns, undone when it raises.

        `StoreUnavailable` while the commit is on its way is the exception: then nobody knows.
        """

        def once() -> R:
            with self._writer.connect() as connection, connection.begin() as transaction:
                result = query(connection, *args, **kwargs)
                with available(self.engine):
                    transaction.commit()
                return result

        with self._turns, available(self.engine):
            result = _once_more(once)
            if self._log is not None:
                self._log.shorten()
            return result

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _once_more(once: Callable[[], R]) -> R:
    """Do something, and do it again if the database ended it for no fault of its own."""
    try:
        return once()
    except exc.DBAPIError as error:
        if not _passing(error):
            raise
    time.sleep(PAUSE_S)
    return once()


def _passing(error: exc.DBAPIError) -> bool:
    return error.connection_invalidated or _sqlstate(error) in TRANSIENT


def _leave_standby(context: ExceptionContext) -> None:
    """Close the connections to a server that may not write any more, so that the next ones find the one that may."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _sqlstate(error: BaseException) -> str | None:
    """What PostgreSQL says that an error is; None of SQLite."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


@contextmanager
def available(engine: Engine) -> Iterator[None]:
    """Turn the driver's complaints about a database that cannot be used into `StoreUnavailable`."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        ours = isinstance(error, exc.IntegrityError | exc.ProgrammingError | exc.DataError)
        if ours and _sqlstate(error) != FORBIDDEN:
            raise
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        raise StoreUnavailable(redacted(f"{engine.url.render_as_string()}: {cause}")) from error
