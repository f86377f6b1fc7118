"""The verbs that come before a search: a spec to begin with, and what one will take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from nas.cli_options import Json
from nas.console import err, make_app, out, print_json
from nas.display import warning_lines
from nas.documents import read_spec
from nas.estimating.documents import Estimate, Seconds
from nas.figures import giga
from nas.presets import PRESETS, Preset
from nas.uploads import human
from search_space.errors import InvalidInput, Problem, meant

from .answers import Url
from .client import DEFAULT_URL, Client
from .dashboard.wording import span

app = make_app("Plan a search.")

READABLE = 100
"""Columns at most of a table of sentences, which a pipe would otherwise get one line each of."""


@app.command(epilog="Example: srnas estimate spec.toml")
def estimate(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A JSON or TOML file, or - for JSON on stdin.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Check a spec and foretell what its search will take, from what the service has trained before; queues nothing."""
    document = read_spec(spec)
    with Client(url) as client:
        found = client.estimate(document)
    for line in warning_lines(found.warnings):
        err.print(line, soft_wrap=True)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    table = Table.grid(padding=(0, 2))
    for name, value in _lines(found.estimate):
        table.add_row(name, Text(value))
    out.print(table)
    for note in found.estimate.notes:
        out.print(f"note: {note}", soft_wrap=True)


@app.command(epilog="Example: srnas preset balanced --dataset photos > spec.json")
def preset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which one; without it, all of them are told.")] = "",
    dataset: Annotated[str, typer.Option(help="Name of the dataset of training images.")] = "photos",
    as_json: Json = False,
) -> None:
    """Print a spec to begin with, ready for `srnas submit`; without a name, what there is. Asks no service."""
    if not name:
        _tell_all(as_json=as_json)
        return
    if name not in PRESETS:
        raise InvalidInput([Problem("NAME", name, f"one of {', '.join(PRESETS)}{meant(name, PRESETS)}")])
    print_json(PRESETS[name].for_images(dataset))


def _tell_all(*, as_json: bool) -> None:
    if as_json:
        print_json([_document(preset) for preset in PRESETS.values()])
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("preset", "purpose"):
        table.add_column(heading, no_wrap=heading == "preset")
    for preset in PRESETS.values():
        table.add_row(preset.name, preset.purpose)
    out.print(table, width=min(out.width, READABLE))


def _document(preset: Preset) -> dict[str, object]:
    """A preset as the service lists it."""
    return {
        "name": preset.name,
        "title": preset.title,
        "purpose": preset.purpose,
        "document": dict(preset.document),
    }


def _lines(found: Estimate) -> Iterator[tuple[str, str]]:
    """What an estimate says, and what of."""
    more = f", and at most {found.confirmations:,} to confirm the front" if found.confirmations else ""
    yield "trainings", f"{found.trainings:,}{more}"
    yield "ends by", str(found.limited_by)
    yield "steps", f"{found.steps:,}"
    yield "network", f"{giga(found.mult_adds)} mult-adds"
    yield "one training", _range(found.training_s)
    yield "on the clock", f"{_range(found.wall_s)} with {found.workers:,} worker{'' if found.workers == 1 else 's'}"
    yield "worker time", _range(found.worker_s)
    free = "" if found.disk_free_bytes is None else f" of {human(found.disk_free_bytes)} free"
    yield "disk", f"{human(found.disk_bytes)}{free}"
    yield "known", found.basis


def _range(seconds: Seconds | None) -> str:
    """A time and its range."""
    if seconds is None:
        return "not known"
    return f"about {span(seconds.likely)} ({span(seconds.low)} to {span(seconds.high)})"
