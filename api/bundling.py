"""The verb that fetches a search as one file, from a service or from a database of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

from nas.bundles import filename, open_bundle, pack
from nas.cli_options import DatabaseUrl, Home, Json
from nas.cli_replay import existing_store
from nas.console import err, make_app, out, print_json
from nas.records import SearchId
from nas.service import utc_now
from nas.settings import read_settings
from search_space.errors import InvalidInput, Problem

from .answers import SearchName, Url
from .arriving import Received, keep
from .client import DEFAULT_URL, Client

app = make_app("Keep a search as one file.")

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="A file, or an existing folder; by default this folder.")
]


@app.command(epilog="Example: srnas bundle 1f2e3d4c -o holiday.zip && srnas replay holiday.zip")
def bundle(
    search: SearchName,
    output: Output = None,
    url: Url = DEFAULT_URL,
    home: Home = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Fetch all that was recorded of a search in one file, from a service.

    With --home or --database-url it is read from that database instead; a server may be running on it. The search may
    run too: the file is as of the moment when it was begun. A file that is there already is left as it is.
    """
    target = Path(filename(search)) if output is None else output
    if target.is_dir():
        target /= filename(search)
    if target.exists():
        problem = Problem("--output", str(target), "a file that is not there yet")
        raise InvalidInput([problem], "Name another file, or move that one away.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _progress(search) as show:
        if home is None and database_url is None:
            with Client(url) as client:
                client.bundle(search, target, on_progress=show)
        else:
            _pack(search, read_settings(home=home, database_url=database_url).database, target, show)
    _tell(target, as_json=as_json)


def _pack(search_id: str, database: str, target: Path, show: Received) -> None:
    with existing_store(database) as store:
        keep(pack(store, SearchId(search_id), at=utc_now()), target, show)


@contextmanager
def _progress(search_id: str) -> Iterator[Callable[[int], None]]:
    """How much has come; on stderr, and gone when it is over. Nobody knows how much it will be."""
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"bundle of {search_id}", total=None)
        yield lambda received: bar.update(task, completed=received)


def _tell(path: Path, *, as_json: bool) -> None:
    """Say what has come: a file that broke off is no bundle."""
    with open_bundle(path) as found:
        manifest = found.manifest
    size_bytes = path.stat().st_size
    if as_json:
        counts = manifest.model_dump(include={"search_id", "last_event", "candidates", "told", "events"})
        print_json({**counts, "path": str(path), "size_bytes": size_bytes})
        return
    what = f"{manifest.candidates:,} candidates, {manifest.told:,} of them told, {manifest.events:,} events"
    out.print(f"{path} ({size_bytes:,} bytes: {what})", soft_wrap=True)
