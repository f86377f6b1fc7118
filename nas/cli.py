"""The verbs that work on this machine alone, without a server. The heavy load late."""

from __future__ import annotations

import logging
import platform
import shlex
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer

from search_space.errors import InvalidInput, Problem

from . import cli_db, cli_latency, cli_models, cli_networks, cli_replay, cli_tokens
from .benchmarking import verb as benchmarking
from .cli_options import DatabaseUrl, Home, ImagesRoot, Json, Workers
from .console import FAILED, INTERRUPTED, complain, err, make_app, out
from .display import Standing, progress_bar
from .documents import read_spec
from .logs import configure_logging
from .rating import verb as rating
from .records import Search, SearchState, Worker
from .results import print_result
from .service import Service, utc_now
from .settings import Settings, read_settings
from .stopping import StopRequest

app = make_app("Search, describe and upscale on this machine.")
app.add_typer(cli_networks.app)
app.command(epilog=cli_replay.EPILOG)(cli_replay.replay)
app.command(epilog=cli_latency.EPILOG)(cli_latency.profile_device)
app.command(epilog=benchmarking.EPILOG)(benchmarking.bench_search)
app.command(epilog=cli_models.EPILOG)(cli_models.convert)
app.command(epilog=rating.EPILOG)(rating.benchmark)
app.add_typer(cli_db.app, name="db")
app.add_typer(cli_tokens.app, name="token")


@app.command(epilog="Example: srnas search spec.toml --images-root photos --workers 2")
def search(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A JSON or TOML file, or - for JSON on stdin.")] = "",
    resume: Annotated[str, typer.Option(help="Go on with this search of the database.", metavar="SEARCH")] = "",
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    inline: Annotated[bool, typer.Option("--inline", help="Train in this process, without Ray.")] = False,
    as_json: Json = False,
) -> None:
    """Run one search in this process, without a server, and print its front; fails if the search does.

    What an interrupted search recorded is kept, and --resume goes on from there.
    """
    if bool(spec) == bool(resume):
        raise InvalidInput([Problem("SPEC", spec, "a file, or --resume with the id of a search, not both")])
    document = resume or read_spec(spec)
    settings = read_settings(home=home, images_root=images_root, database_url=database_url, workers=workers)
    configure_logging(logging.WARNING, settings.log)

    from .worker import run_search

    seen: list[Search] = []
    try:
        with progress_bar(err) as show:

            def on_progress(now: Search, workers: Sequence[Worker]) -> None:
                seen[:] = [now]
                show(Standing.of(now, utc_now(), workers))

            ended = run_search(document, settings, on_progress, inline=inline)
    except KeyboardInterrupt:
        if not seen:
            raise
        err.print(
            f"search {seen[0].id} is kept; go on with: {_resuming(seen[0], settings, database_url)}", soft_wrap=True
        )
        raise typer.Exit(INTERRUPTED) from None
    print_result(ended, settings, as_json=as_json)
    if ended.state is SearchState.FAILED:
        raise typer.Exit(FAILED)


@app.command(epilog="Example: SRNAS_DATABASE_URL=postgresql://... RAY_ADDRESS=10.0.0.1:6379 srnas controller")
def controller(
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether one of this machine was heard of.")] = False,
    parent: Annotated[int | None, typer.Option(help="Stop once this process is not the parent.", hidden=True)] = None,
) -> None:
    """Advance the searches of a database with Ray workers, until it is stopped."""
    settings = read_settings(home=home, images_root=images_root, database_url=database_url, workers=workers)
    if check:
        _check_controller(settings)
        return
    configure_logging(logging.INFO, settings.log)

    from .worker import run_controller

    stop = StopRequest(parent)
    run_controller(settings, stop)
    if stop.interrupted:
        raise typer.Exit(INTERRUPTED)


def _check_controller(settings: Settings) -> None:
    """Fail unless workers of a controller of this machine were heard of within a lease."""
    from .store.opening import open_store

    machine = platform.node()
    with closing(open_store(settings.database, migrate=False)) as store:
        workers = Service(store, settings).workers()
    own = [worker for worker in workers if worker.owner.rpartition(":")[0] == machine]
    if not own:
        complain([f"no workers of a controller on {machine} were heard of"], "look into the log of the controller")
        raise typer.Exit(FAILED)
    out.print(f"{len(own)} workers of a controller on {machine} were heard of")


def _resuming(search: Search, settings: Settings, database_url: str | None) -> str:
    """The command that goes on with a search of this process."""
    places = ["--home", str(settings.home), "--images-root", str(settings.images_root)]
    if database_url is not None:
        places += ["--database-url", "..."]  # it may hold a password
    return shlex.join(["srnas", "search", "--resume", search.id, *places])
