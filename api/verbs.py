"""Every verb of `srnas`: those that talk to a service, those that are one, and those that need none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from nas import cli as local
from nas.cli_options import DatabaseUrl, Home, ImagesRoot, Json, Workers
from nas.console import (
    FAILED,
    INTERRUPTED,
    MISUSED,
    Verbs,
    complain,
    configure_logging,
    err,
    make_app,
    out,
    print_json,
)
from nas.display import failures, no_network, progress_bar
from nas.documents import read_spec
from nas.records import CandidateState, ExportFormat, SearchState
from nas.settings import Settings, without_password
from search_space.errors import InvalidInput, Problem

from .client import DEFAULT_URL, ApiError, Client
from .display import standing, table_of_candidates, table_of_front, table_of_searches
from .schemas import ArtifactView, FrontView, SearchView

POLL_S = 1.0


class RemoteVerbs(Verbs):
    """Verbs that may be refused by a service."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except ApiError as error:
            complain([*map(str, error.problems)] or [f"{error.title}: {error.detail}"], error.hint)
            raise typer.Exit(MISUSED if error.problems else FAILED) from None


FrontForm = Literal["table", "json", "csv", "markdown", "html"]

app = make_app("Neural architecture search for lightweight image super-resolution.", group=RemoteVerbs)

Url = Annotated[str, typer.Option(envvar="SRNAS_URL", help="Where the service is.")]
SearchName = Annotated[str, typer.Argument(metavar="SEARCH", help="Id of a search, as `srnas list` shows it.")]
Host = Annotated[str | None, typer.Option(help="Loopback address to listen on [SRNAS_HOST, 127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="TCP port; 0 takes a free one [SRNAS_PORT, 8000].")]


@app.command(epilog="Example: srnas serve --images-root photos --workers 2")
def serve(
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the whole service here: web pages, REST, controller and workers, until Ctrl-C."""
    configure_logging(logging.WARNING)

    from . import serving
    from .settings import read_api_settings

    settings = read_api_settings(
        home=home, images_root=images_root, database_url=database_url, workers=workers, host=host, port=port
    )
    serving.serve(settings, lambda address: _announce(address, settings))


@app.command(epilog="Example: SRNAS_DATABASE_URL=postgresql+psycopg://... srnas api --port 8000")
def api(
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the web process alone, beside controllers that share its database."""
    configure_logging(logging.INFO)

    from . import serving
    from .settings import read_api_settings

    settings = read_api_settings(home=home, images_root=images_root, database_url=database_url, host=host, port=port)
    serving.serve_web(settings, lambda address: _announce(address, settings))


@app.command(epilog="Example: srnas submit spec.toml --watch")
def submit(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A JSON or TOML file, or - for JSON on stdin.")],
    watch: Annotated[bool, typer.Option("--watch", help="Follow the search to its end.")] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Queue a search."""
    document = read_spec(spec)
    with Client(url) as client:
        found = client.submit(document)
        if watch:
            _follow(client, found.id, as_json=as_json)
        elif as_json:
            print_json(found.model_dump(mode="json"))
        else:
            out.print(f"search {found.id} is {found.state}; follow it with: srnas watch {found.id}")


@app.command("list", epilog="Example: srnas list --state running")
def list_searches(
    state: Annotated[list[SearchState] | None, typer.Option(help="Only searches in this state; repeatable.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, newest first.")] = 20,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List searches, newest first."""
    with Client(url) as client:
        found = list(islice(client.searches(states=state or ()), limit))
    if as_json:
        print_json([search.model_dump(mode="json") for search in found])
    else:
        out.print(table_of_searches(found))


@app.command(epilog="Example: srnas watch 1f2e3d4c")
def watch(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Follow a search to its end and show its front; Ctrl-C leaves it running."""
    with Client(url) as client:
        _follow(client, search, as_json=as_json)


@app.command(epilog="Example: srnas front 1f2e3d4c --objectives psnr,params --format csv > front.csv")
def front(
    search: SearchName,
    form: Annotated[FrontForm, typer.Option("--format", help="Form of the answer.")] = "table",
    objectives: Annotated[str, typer.Option(help="Metrics to compare, with commas; the search's own if empty.")] = "",
    infeasible: Annotated[bool, typer.Option("--infeasible", help="Compare those that break constraints too.")] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the Pareto front of a search, over its own objectives or any metrics."""
    if as_json and form not in ("table", "json"):
        raise InvalidInput([Problem("--format", form, "json, or nothing, beside --json")])
    query: dict[str, Any] = {"objectives": objectives.split(",") if objectives else (), "feasible_only": not infeasible}
    with Client(url) as client:
        if as_json or form == "json":
            print_json(client.front(search, **query).model_dump(mode="json"))
        elif form == "table":
            _print_front(client, client.front(search, **query))
        else:
            typer.echo(client.front_as(form, search, **query), nl=False)


@app.command(epilog="Example: srnas candidates 1f2e3d4c --state failed")
def candidates(
    search: SearchName,
    state: Annotated[list[CandidateState] | None, typer.Option(help="Only those in this state; repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most so many; all by default.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the candidates of a search, oldest first, with their figures or why they have none."""
    with Client(url) as client:
        every = client.candidates(search)
        found = list(islice((one for one in every if not state or one.state in state), limit))
    if as_json:
        print_json([candidate.model_dump(mode="json") for candidate in found])
    else:
        out.print(table_of_candidates(found))


@app.command(epilog="Example: srnas pause 1f2e3d4c")
def pause(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Let a search propose nothing more; trainings under way are finished."""
    _steer(Client.pause, search, url, as_json=as_json)


@app.command(epilog="Example: srnas resume 1f2e3d4c")
def resume(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Queue a paused search again."""
    _steer(Client.resume, search, url, as_json=as_json)


@app.command(epilog="Example: srnas cancel 1f2e3d4c")
def cancel(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """End a search; what it recorded stays."""
    _steer(Client.cancel, search, url, as_json=as_json)


@app.command(epilog="Example: srnas export 1f2e3d4c-17 --format onnx --output network.onnx")
def export(
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help="Id, as `srnas front` shows it.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="Form of the file.")] = "onnx",
    output: Annotated[Path | None, typer.Option(help="A file, or an existing folder; by default this folder.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Fetch a trained network as a verified file."""
    with Client(url) as client:
        with err.status(Text(f"exporting {candidate} to {form}")):
            artifact = client.wait_for_artifact(_ask_for_export(client, candidate, form).id)
        target = Path(artifact.filename) if output is None else output
        if target.is_dir():
            target /= artifact.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        client.download(artifact.id, target)
    if as_json:
        print_json(artifact.model_dump(mode="json") | {"path": str(target)})
        return
    difference = artifact.detail.get("max_difference")
    checked = "" if difference is None else f", within {difference:.1e} of the trained network"
    out.print(f"{target} ({artifact.size_bytes:,} bytes{checked})", soft_wrap=True)


app.add_typer(local.app)


def _announce(address: str, settings: Settings) -> None:
    """Say where all lies, once the service accepts requests."""
    out.print(f"srnas is ready at {address} (REST: {address}/docs)", soft_wrap=True)
    out.print(f"  database  {without_password(settings.database)}", soft_wrap=True)
    out.print(f"  home      {settings.home.resolve()}", soft_wrap=True)
    out.print(f"  images    {settings.images_root.resolve()}", soft_wrap=True)
    out.print("  Ctrl-C stops it; what was recorded is kept, and unfinished searches go on at the next start")
    out.file.flush()


def _follow(client: Client, search_id: str, *, as_json: bool) -> None:
    """Show a search to its end, then its front; a search that failed fails the verb."""
    try:
        with progress_bar(err) as show:
            ended = client.wait(search_id, on_progress=lambda seen: show(standing(seen)), poll_s=POLL_S)
    except KeyboardInterrupt:
        err.print(f"search {search_id} goes on; come back with: srnas watch {search_id}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json(ended.model_dump(mode="json"))
    else:
        out.print(f"search {ended.id} is {ended.state}: {ended.reason}".rstrip(": "), soft_wrap=True)
        for line in failures(one.failure.kind for one in client.candidates(search_id) if one.failure is not None):
            out.print(line, soft_wrap=True)
        _print_front(client, client.front(search_id))
        out.print(f"page {_write_page(client, search_id)}", soft_wrap=True)
    if ended.state is SearchState.FAILED:
        raise typer.Exit(FAILED)


def _print_front(client: Client, front: FrontView) -> None:
    """Print a front, or why it is empty."""
    if front.members:
        out.print(table_of_front(front))
        return
    reached = client.search(front.search_id).progress
    why = no_network(reached.evaluated, reached.failed)
    out.print(f"{why}; see: srnas candidates {front.search_id}", soft_wrap=True)


def _ask_for_export(client: Client, candidate: str, form: ExportFormat) -> ArtifactView:
    """Ask for a file; where there is no such candidate or it has no weights, say which ones have."""
    try:
        return client.export(candidate, form)
    except ApiError as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            search = candidate.rpartition("-")[0] or "SEARCH"
            error.hint = f"choose one of: srnas candidates {search} --state scored"
        raise


def _write_page(client: Client, search_id: str) -> Path:
    """Write a search's front as a page into this folder; returns where."""
    page = Path(f"front-{search_id}.html")
    page.write_text(client.front_as("html", search_id), encoding="utf-8")
    return page.resolve()


def _steer(act: Callable[[Client, str], SearchView], search: str, url: str, *, as_json: bool) -> None:
    with Client(url) as client:
        found = act(client, search)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(f"search {found.id} is {found.state}")
