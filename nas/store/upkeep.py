"""Looking after a database: its schema, its health, and archives of all that it holds. Opens no store.

Raises, beside what each function names: `InvalidInput` when a URL names no SQLite file and no PostgreSQL database, and
`StoreUnavailable` when there is none, or it cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from search_space.errors import InvalidInput, Problem

from .opening import engine_of
from .sql import archive, migrate
from .sql.archive import Manifest, OnRows, read_manifest
from .sql.engine import Engine
from .sql.health import Health, examine

__all__ = ["Health", "Manifest", "OnRows", "back_up", "check", "downgrade", "read_manifest", "restore", "upgrade"]


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring a database's tables up to date; a new one gets them. The revisions before, None for a new one, and after.

    Raises:
        WrongSchema: A newer srnas made it.
    """
    with _engine(url, new=True) as engine:
        before = migrate.revision(engine)
        migrate.upgrade(engine)
        return before, migrate.head()


def downgrade(url: str, revision: str) -> tuple[str | None, str | None]:
    """Take a database's tables back to a revision, and what only newer ones can hold away. Before and after.

    Raises:
        InvalidInput: There is no such revision, or it is not an older one.
        WrongSchema: A newer srnas made it.
    """
    with _engine(url) as engine:
        before = migrate.revision(engine)
        older = migrate.older_than(before)
        if revision not in older:
            allowed = f"one before {before}: {', '.join(older)}" if older else "nothing: there is no older one"
            raise InvalidInput([Problem("REVISION", revision, allowed)])
        migrate.downgrade(engine, revision)
        return before, migrate.revision(engine)


def check(url: str) -> Health:
    """Look at all of a database; nothing is changed, nor made."""
    with _engine(url) as engine:
        return examine(engine)


def back_up(url: str, path: Path, *, at: datetime, srnas: str, on_rows: OnRows) -> Manifest:
    """Write all that a database holds at one moment to a new archive, while others go on working on it.

    Args:
        url: The database.
        path: The file to be.
        at: The time, for the manifest.
        srnas: The version of this program, for the manifest.
        on_rows: Told of the progress, table by table.

    Raises:
        InvalidInput: The file is there already.
        WrongSchema: The tables are not this version's.
        OSError: The file cannot be written.
    """
    if path.exists():
        problem = Problem("FILE", str(path), "a file that is not there yet")
        raise InvalidInput([problem], "Name another file, or move that one away.")
    with _engine(url) as engine:
        return archive.write(engine, path, at=at, srnas=srnas, on_rows=on_rows)


def restore(url: str, path: Path, *, on_rows: OnRows) -> Manifest:
    """Put all that an archive holds into a database without rows, or nothing of it; a new database gets its tables.

    Raises:
        BadArchive: The file is no archive, or not as it was written.
        WrongSchema: The archive or the database is of another revision than this version's tables.
        NotEmpty: The database holds something.
        OSError: The file cannot be read.
    """
    archive.require_current(path)
    with _engine(url, new=True) as engine:
        if migrate.revision(engine) is None:
            migrate.upgrade(engine)
        return archive.read(engine, path, on_rows=on_rows)


@contextmanager
def _engine(url: str, *, new: bool = False) -> Iterator[Engine]:
    engine = engine_of(url, new=new)
    try:
        yield engine
    finally:
        engine.dispose()
