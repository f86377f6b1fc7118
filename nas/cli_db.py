"""The verbs of `srnas db`: they look after the database of the settings, whether or not a service runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from .cli_options import DatabaseUrl, Home, Json
from .console import FAILED, complain, err, make_app, out, print_json
from .service import utc_now
from .settings import Settings, read_settings, without_password

if TYPE_CHECKING:
    from .store.upkeep import Health, Manifest, OnRows

app = make_app("Look after the database.")

Archive = Annotated[Path, typer.Argument(metavar="FILE", help="An archive of a database, e.g. srnas-2026-03-01.zip.")]


@app.command(epilog="Example: srnas db upgrade --home srnas-data")
def upgrade(home: Home = None, database_url: DatabaseUrl = None) -> None:
    """Bring a database's tables up to date; a new database gets them."""
    from .store import upkeep

    before, after = upkeep.upgrade(_settings(home, database_url).database)
    out.print(f"nothing to do: it is at revision {after}" if before == after else _went(before, after))


@app.command(epilog="Example: srnas db downgrade 0004 --home srnas-data")
def downgrade(
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="An older one, or base for no tables at all.")],
    home: Home = None,
    database_url: DatabaseUrl = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a database's tables back to those of an older srnas; what only newer ones can hold is lost.

    Make a backup before, and stop every process that works on it.
    """
    from .store import upkeep

    settings = _settings(home, database_url)
    if not yes:
        place = without_password(settings.database)
        typer.confirm(f"Take {place} back to revision {revision}? What it cannot hold is lost.", abort=True, err=True)
    out.print(_went(*upkeep.downgrade(settings.database, revision)))


@app.command(epilog="Example: srnas db check --json")
def check(home: Home = None, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Look at all of a database: revision, tables, pages, and what rows point to; fails unless all is well."""
    from .store import upkeep

    health = upkeep.check(_settings(home, database_url).database)
    if as_json:
        print_json(_document(health))
    else:
        for table, rows in health.rows.items():
            out.print(f"{table:12} {rows:>12,} rows")
        out.print(f"revision {health.revision or 'none'}: {'sound' if health.sound else 'not as it should be'}")
    if not health.sound:
        complain(_complaints(health), _advice(health))
        raise typer.Exit(FAILED)


@app.command(epilog="Example: srnas db backup srnas-2026-03-01.zip --home srnas-data")
def backup(file: Archive, home: Home = None, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Write all that a database holds to one archive, while a service goes on working on it.

    Trained weights, exports and uploaded photographs are files of the home folder: copy that folder too.
    """
    from .store import upkeep

    settings = _settings(home, database_url)
    with _progress() as on_rows:
        manifest = upkeep.back_up(settings.database, file, at=utc_now(), srnas=version("srnas"), on_rows=on_rows)
    _say("written to", file, manifest, as_json=as_json)
    err.print(f"note: weights, exports and uploaded photographs lie in {settings.home}: copy it too", soft_wrap=True)


@app.command(epilog="Example: srnas db restore srnas-2026-03-01.zip --database-url postgresql://...")
def restore(file: Archive, home: Home = None, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Put all that an archive holds into an empty database, of whichever kind; all of it or nothing."""
    from .store import upkeep

    settings = _settings(home, database_url)
    with _progress() as on_rows:
        manifest = upkeep.restore(settings.database, file, on_rows=on_rows)
    _say("restored from", file, manifest, as_json=as_json)
    err.print(f"note: the files that its searches speak of belong into {settings.home}", soft_wrap=True)


def _settings(home: Path | None, database_url: str | None) -> Settings:
    return read_settings(home=home, database_url=database_url)


@contextmanager
def _progress() -> Iterator[OnRows]:
    """A bar for each table, where somebody looks."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def show(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(table, total=total)
            bar.update(tasks[table], completed=done)

        yield show


def _say(done: str, file: Path, manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        tables = {name: contents.rows for name, contents in manifest.tables.items()}
        print_json({"file": str(file), "revision": manifest.revision, "tables": tables, "rows": manifest.rows})
        return
    out.print(f"{manifest.rows:,} rows of {len(manifest.tables)} tables, revision {manifest.revision}, {done} {file}")


def _document(health: Health) -> dict[str, object]:
    return {
        "sound": health.sound,
        "revision": health.revision,
        "needed": health.head,
        "differences": list(health.differences),
        "damages": list(health.damages),
        "rows": dict(health.rows),
    }


def _complaints(health: Health) -> list[str]:
    wrong = [*health.damages, *health.differences]
    if health.revision != health.head:
        wrong.insert(0, f"it is at revision {health.revision or 'none'}, and this srnas needs {health.head}")
    return wrong


def _advice(health: Health) -> str:
    if health.damages:
        return "stop what works on it, keep a copy of it, and restore the newest backup into a new database"
    return "run `srnas db upgrade`; if it has nothing to do, somebody changed the tables by hand"


def _went(before: str | None, after: str | None) -> str:
    return f"from {'an empty database' if before is None else before} to {after or 'an empty database'}"
