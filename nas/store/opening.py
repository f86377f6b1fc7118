"""Open the store that a URL names: the only module, beside the composition roots, that knows every kind of store."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import final

from search_space.errors import InvalidInput, Problem

from ..settings import without_password
from .base import Store, StoreInUse, StoreUnavailable
from .memory import MemoryStore
from .sql.engine import Engine, connect
from .sql.migrate import require_current, upgrade
from .sql.store import SqlStore

MEMORY, SQLITE, POSTGRESQL = "memory://", "sqlite:///", "postgresql+psycopg://"
POSTGRESQL_ALIASES = ("postgresql://", "postgres://")
"""How other programs write the URL of a PostgreSQL database; the driver is added."""
ALLOWED = f"{SQLITE}FILE or {POSTGRESQL}USER:PASSWORD@HOST/DATABASE"


def open_store(url: str, *, exclusive: bool = False, migrate: bool = True) -> Store:
    """Open the store at a URL and bring its tables up to date.

    Args:
        url: ``sqlite:///FILE`` (relative; four slashes for an absolute path), ``postgresql+psycopg://...`` (with or
            without the driver's name) or ``memory://``, which is for tests: no other process sees what is in it. The
            folder of a file is made.
        exclusive: Refuse a SQLite file that another process opened so, under whatever name, until the store is closed.
            The other kinds are made for sharing, or cannot be shared.
        migrate: Run missing migrations; otherwise a database that misses one is refused.

    Raises:
        InvalidInput: The URL names no kind of store.
        StoreInUse: Another process holds the file exclusively.
        StoreUnavailable: The database cannot be reached, or the file is not a database.
        WrongSchema: A newer srnas made the database, or migrations are missing and ``migrate`` is false.

    Example:
        >>> open_store("memory://").searches()
        []
    """
    if url == MEMORY:
        return MemoryStore()
    if url.startswith(SQLITE):
        return _open_file(url, exclusive=exclusive, migrate=migrate)
    return _open_sql(url, None, migrate=migrate)


def engine_of(url: str, *, new: bool = False) -> Engine:
    """A way to a database that is not in memory, whatever its tables; nothing is connected yet.

    Args:
        url: As for `open_store`.
        new: Make the folder of a file; otherwise the file must be there.

    Raises:
        InvalidInput: The URL names no such database.
        StoreUnavailable: There is no such file, or its folder cannot be made.
    """
    if url.startswith(SQLITE):
        path = _file(url)
        if not new and not path.is_file():
            error = StoreUnavailable(f"{path}: there is no such file")
            error.hint = "name the database with --home or --database-url; `srnas db upgrade` makes a new one"
            raise error
        _make_folder(path)
    return _connected(url)


def _open_file(url: str, *, exclusive: bool, migrate: bool) -> Store:
    path = _file(url)
    _make_folder(path)
    try:
        lock = _Lock(Path(os.path.realpath(path))) if exclusive else None
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    return _open_sql(url, lock, migrate=migrate)


def _file(url: str) -> Path:
    name = url.removeprefix(SQLITE)
    if not name or name.startswith((":memory:", "file:")):
        raise _invalid(url)
    return Path(name.partition("?")[0])


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error}") from error


def _connected(url: str) -> Engine:
    for alias in POSTGRESQL_ALIASES:
        if url.startswith(alias):
            url = POSTGRESQL + url.removeprefix(alias)
    if not url.startswith((SQLITE, POSTGRESQL)):
        raise _invalid(url)
    try:
        return connect(url)
    except ValueError as error:
        raise _invalid(url) from error


def _open_sql(url: str, lock: _Lock | None, *, migrate: bool) -> Store:
    release = lock.release if lock else lambda: None
    try:
        engine = _connected(url)
    except InvalidInput:
        release()
        raise
    try:
        (upgrade if migrate else require_current)(engine)
    except BaseException:
        engine.dispose()
        release()
        raise
    return SqlStore(engine, on_close=release)


def _invalid(url: str) -> InvalidInput:
    return InvalidInput([Problem("database_url", without_password(url), ALLOWED)])


@final
class _Lock:
    """A lock beside a database file; the system gives it up when the process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._file, 32).strip()
            os.close(self._file)
            raise StoreInUse(str(database), int(holder) if holder.isdigit() else None) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others in; the file stays, for a file that is deleted could be locked twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
