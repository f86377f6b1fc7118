"""The verbs that make more of a search: more budget for it, or another one like it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from nas.cli_options import Json
from nas.console import err, make_app, out, print_json
from nas.display import warning_lines
from nas.documents import read_spec
from search_space.errors import InvalidInput, Problem

from .answers import SearchName, Url
from .client import DEFAULT_URL, Client

NO_LIMIT = "none"

app = make_app("Make more of searches.")


@app.command(epilog="Example: srnas extend 1f2e3d4c --evaluations 200")
def extend(
    search: SearchName,
    evaluations: Annotated[str | None, typer.Option(help="Candidates looked at, all in all.")] = None,
    steps: Annotated[
        str | None, typer.Option(help="Training steps, or `none` to lift the limit; the next too.")
    ] = None,
    wall_time_s: Annotated[str | None, typer.Option(help="Seconds for which it runs.")] = None,
    worker_hours: Annotated[str | None, typer.Option(help="Hours of training and scoring.")] = None,
    patience: Annotated[str | None, typer.Option(help="Outcomes in a row that raise the hypervolume no more.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Give a search more budget; one that has completed goes on."""
    given = {
        "evaluations": evaluations,
        "steps": steps,
        "wall_time_s": wall_time_s,
        "worker_hours": worker_hours,
        "patience": patience,
    }
    with Client(url) as client:
        found = client.extend(search, {name: _limit(text) for name, text in given.items() if text is not None})
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        limits = found.spec.budget.model_dump(exclude_none=True)
        budget = ", ".join(f"{name} {value:,.10g}" for name, value in limits.items())
        out.print(f"search {found.id} is {found.state}, with a budget of {budget}", soft_wrap=True)


@app.command(epilog="Example: srnas clone 1f2e3d4c --set seed=7 --set budget.evaluations=50")
def clone(
    search: SearchName,
    changes: Annotated[
        str | None, typer.Argument(metavar="[CHANGES]", help="A JSON or TOML file with what differs, or - for stdin.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="What differs, on top of that; null is the default's."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Queue another search with the spec of this one and some changes."""
    document = changed({} if changes is None else read_spec(changes, field="CHANGES"), settings or ())
    with Client(url) as client:
        found = client.clone(search, document)
    for line in warning_lines(found.warnings):
        err.print(line, soft_wrap=True)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        told = f"search {found.id}, a clone of {found.cloned_from}, is {found.state}"
        out.print(f"{told}; follow it with: srnas watch {found.id}", soft_wrap=True)


def changed(document: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """A document with fields set, each as ``field.field=value`` with a JSON value or a text.

    Raises:
        InvalidInput: One of them is not of that form.
    """
    result: dict[str, Any] = json.loads(json.dumps(document))
    for setting in settings:
        path, equals, text = setting.partition("=")
        *parents, name = path.split(".")
        if not equals or not all((*parents, name)):
            raise InvalidInput([Problem("--set", setting, "FIELD=VALUE, such as budget.evaluations=50")])
        holder = result
        for parent in parents:
            if not isinstance(holder.get(parent), dict):
                holder[parent] = {}
            holder = holder[parent]
        holder[name] = _value(text)
    return result


def _value(text: str) -> Any:
    """What a text says in JSON, or the text itself: nobody quotes a name on a command line."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _limit(text: str) -> Any:
    """A limit as the service takes it; what is no number goes there as it is, and is refused with what is allowed."""
    return None if text.lower() == NO_LIMIT else _value(text)
