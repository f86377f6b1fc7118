"""The verbs that submit, follow and steer searches of a service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from nas.cli_options import Json
from nas.console import FAILED, INTERRUPTED, err, make_app, out, print_json
from nas.display import failures, progress_bar, warning_lines
from nas.documents import read_spec
from nas.records import SearchState
from nas.statistics.tables import in_short
from search_space.errors import InvalidInput, Problem

from .answers import SearchName, Url, is_training, print_front
from .client import DEFAULT_URL, ApiError, Client
from .display import standing, table_of_searches
from .schemas import SearchChange, SearchView

POLL_S = 0.5

app = make_app("Submit, follow and steer searches.")


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
        if watch:  # which tells the warnings too
            _follow(client, found.id, as_json=as_json)
            return
        for line in warning_lines(found.warnings):
            err.print(line, soft_wrap=True)
        if as_json:
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


@app.command("set", epilog="Example: srnas set 1f2e3d4c --parallelism 4 --priority 10")
def change(
    search: SearchName,
    parallelism: Annotated[
        str | None, typer.Option(help="Most candidates in flight: a number, or `all` for every worker.")
    ] = None,
    priority: Annotated[
        int | None, typer.Option(min=-100, max=100, help="Searches of higher priority get free workers first.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Change how many workers a search may use, or its priority; what is being trained goes on."""
    wanted: dict[str, int | None] = {} if parallelism is None else {"parallelism": _workers(parallelism)}
    wanted |= {} if priority is None else {"priority": priority}
    if not wanted:
        raise InvalidInput([Problem("srnas set", search, "--parallelism, --priority or both")])
    with Client(url) as client:
        found = client.change(search, SearchChange.model_validate(wanted))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        most = "every worker" if found.parallelism is None else f"at most {found.parallelism} candidates in flight"
        out.print(f"search {found.id} is {found.state}, with {most} and priority {found.priority}")


def _workers(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or not int(text):
        raise InvalidInput([Problem("--parallelism", text, "a number from 1, or all")])
    return int(text)


@app.command(epilog="Example: srnas pause 1f2e3d4c")
def pause(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Let a search propose nothing more; trainings under way are finished."""
    _steer(Client.pause, search, url, as_json=as_json)


@app.command(epilog="Example: srnas resume 1f2e3d4c")
def resume(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Queue a search again that was paused, or that failed and whose cause was mended."""
    _steer(Client.resume, search, url, as_json=as_json)


@app.command(epilog="Example: srnas cancel 1f2e3d4c")
def cancel(
    name: Annotated[str, typer.Argument(metavar="ID", help="A search, or a full training of `srnas trainings`.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """End a search or a full training for good; what it recorded stays."""
    try:
        if not is_training(name):
            _steer(Client.cancel, name, url, as_json=as_json)
            return
        with Client(url) as client:
            found = client.cancel_training(name)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        what = f"no search or training has the id {name!r}"
        raise ApiError(error.status, error.title, what, "look at: srnas list; srnas trainings") from None
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(f"training {found.id} is {found.status}")


def _follow(client: Client, search_id: str, *, as_json: bool) -> None:
    """Show a search to its end, then its front; a search that failed fails the verb."""
    try:
        with progress_bar(err) as show:
            climbed = _Climbed(client, search_id)
            ended = client.wait(
                search_id,
                on_progress=lambda seen: show(standing(seen, climbed.by_rung(seen), client.workers())),
                on_link=_tell_link,
                poll_s=POLL_S,
            )
    except KeyboardInterrupt:
        err.print(f"search {search_id} goes on; come back with: srnas watch {search_id}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json(ended.model_dump(mode="json"))
    else:
        out.print(f"search {ended.id} is {ended.state}: {ended.reason}".rstrip(": "), soft_wrap=True)
        for line in failures(one.failure.kind for one in client.candidates(search_id) if one.failure is not None):
            out.print(line, soft_wrap=True)
        print_front(client, client.front(search_id))
        for label, text in in_short(client.statistics(search_id)):
            out.print(f"{label:<11} {text}", soft_wrap=True)
        out.print(f"page {_write_page(client, search_id)}", soft_wrap=True)
    if ended.state is SearchState.FAILED:
        raise typer.Exit(FAILED)


def _tell_link(up: bool) -> None:
    err.print("connected again" if up else "connection lost, trying again")


class _Climbed:
    """Counts the outcomes of a search by rung, from the events that came since it last looked."""

    def __init__(self, client: Client, search_id: str) -> None:
        self._client, self._search_id = client, search_id
        self._after = 0
        self._told: Counter[int] = Counter()

    def by_rung(self, search: SearchView) -> list[int]:
        """Outcomes at each rung, the shortest first; nothing where there is one rung."""
        rungs = search.spec.recipe.rungs
        if rungs == 1:
            return []
        for event in self._client.events(self._search_id, after=self._after, progress=False):
            self._after = event.ordinal
            if event.kind == "told" and not event.detail.get("replicate"):
                self._told[event.detail.get("rung", 0)] += 1
        return [self._told[rung] for rung in range(rungs)]


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
