"""The schema's history: bring a database to this version's tables, or say how it differs.

Alembic does the work, configured here: there is no file to edit. A migration is one transaction under a lock, so two
processes that start together do not both migrate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from ..base import WrongSchema
from .engine import available, patient, writing
from .tables import metadata

if TYPE_CHECKING:
    import sqlite3

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x73726E6173  # "srnas": PostgreSQL's advisory locks are numbers


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations that are missing, up to a revision; `WrongSchema` when a newer srnas made the database."""
    _migrate(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Undo migrations down to a revision; "base" removes every table, and what is in it."""
    _migrate(engine, lambda config: command.downgrade(config, revision))


def revision(engine: Engine) -> str | None:
    """The revision that a database is at; None when it was never migrated."""
    with available(engine), engine.connect() as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """The same, of the database at the other end of a connection."""
    return MigrationContext.configure(connection).get_current_revision()


def check(engine: Engine) -> list[str]:
    """How a database differs from this version's tables; empty when it does not."""
    with available(engine), engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]


def require_current(engine: Engine) -> None:
    """Raise `WrongSchema` unless a database is at this version's revision."""
    with available(engine), engine.connect() as connection:
        check_revision(connection)


def check_revision(connection: Connection) -> None:
    """The same, of the database at the other end of a connection."""
    engine, found, needed = connection.engine, revision_of(connection), head()
    if found != needed:
        _refuse_newer(engine, found)
        if found is None:
            raise _wrong(engine, "has no tables of srnas yet", "run `srnas db upgrade`")
        raise _wrong(engine, f"is at revision {found}, and this srnas needs {needed}", "run `srnas db upgrade`")


def _migrate(engine: Engine, run: Callable[[Config], None]) -> None:
    with available(engine), writing(engine).connect() as connection, _copyable(connection), connection.begin():
        _wait_for_others(connection)
        _refuse_newer(engine, revision_of(connection))
        run(_config(connection))


@contextmanager
def _copyable(connection: Connection) -> Iterator[None]:
    """Let SQLite change a table by copying it: rows that point to the old table would forbid to drop it.

    SQLite switches its foreign keys outside transactions only.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _wait_for_others(connection: Connection) -> None:
    """Take the migration lock; SQLite's write lock was taken when the transaction began."""
    patient(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _refuse_newer(engine: Engine, found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        hint = "install the srnas that made it, or a newer one; or give this one another database"
        raise _wrong(engine, f"was made by a newer srnas (revision {found})", hint)


@cache
def older_than(revision: str | None) -> list[str]:
    """The revisions to which a database can be taken back, oldest first, "base" for no tables among them."""
    if revision is None:
        return []
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions(revision, "base")
    return ["base", *reversed([script.revision for script in scripts if script.revision != revision])]


def head() -> str:
    """The revision of this version's tables."""
    return ScriptDirectory.from_config(_config()).get_current_head() or "base"


def _wrong(engine: Engine, finding: str, hint: str) -> WrongSchema:
    error = WrongSchema(f"{engine.url.render_as_string()} {finding}")
    error.hint = hint
    return error


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
