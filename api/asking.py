"""The verbs that ask a service what a search has found: its front, its candidates, its statistics, its networks."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from nas.cli_options import Json
from nas.console import err, make_app, out, print_json
from nas.display import grid_table
from nas.records import CandidateState, ExportFormat
from nas.statistics.tables import grids
from search_space.errors import InvalidInput, Problem

from .answers import SearchName, Url, is_training, print_front
from .client import DEFAULT_URL, ApiError, Client
from .display import table_of_candidates
from .schemas import ArtifactView

FrontForm = Literal["table", "json", "csv", "markdown", "html"]

LONGEST_EXPORT_S = 1800.0
"""How long an archive of every form may take, with each of them checked."""

Form = Literal[ExportFormat, "pictures"]

FORMS = (
    "onnx: RGB in, RGB out, what upscaling programs take; onnx-fp16: half the size, for GPUs; onnx-int8: for fast CPUs "
    "and NPUs; onnx-luma: the bare luma network. pth, safetensors: weights for PyTorch and spandrel, arch: the Python "
    "source that loads them without srnas, torchscript: both in one. card: for people, openmodeldb: for the catalogue. "
    "all: one archive of everything. pictures: what it does to validation photographs, beside bicubic."
)
"""What each form of an export is for."""

app = make_app("Ask what a search has found.")


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
            print_front(client, client.front(search, **query))
        else:
            typer.echo(client.front_as(form, search, **query), nl=False)


@app.command(epilog="Example: srnas candidates 1f2e3d4c --state failed")
def candidates(
    search: SearchName,
    state: Annotated[list[CandidateState] | None, typer.Option(help="Only those in this state; repeatable.")] = None,
    rung: Annotated[int | None, typer.Option(min=0, help="Only those of this rung; 0 is the shortest.")] = None,
    operator: Annotated[str | None, typer.Option(help="Only those that this operator bred.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most so many; all by default.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the candidates of a search, oldest first, with their figures or why they have none."""
    with Client(url) as client:
        every = client.candidates(search, rung=rung, operator=operator)
        found = list(islice((one for one in every if not state or one.state in state), limit))
    if as_json:
        print_json([candidate.model_dump(mode="json") for candidate in found])
    else:
        out.print(table_of_candidates(found) if found else "none")


@app.command(epilog="Example: srnas statistics 1f2e3d4c")
def statistics(search: SearchName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show which operators, rungs and predictions of a search earned their keep, and how much scores owe to seeds."""
    with Client(url) as client:
        found = client.statistics(search)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    for grid in grids(found):
        out.print(grid_table(grid))


@app.command(epilog="Example: srnas export 0123456789ab --format all")
def export(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A finished model, as `srnas models` shows it, or a candidate.")
    ],
    form: Annotated[Form, typer.Option("--format", help=FORMS)] = "onnx",
    output: Annotated[Path | None, typer.Option(help="A file, or an existing folder; by default this folder.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Fetch a trained network as a verified file: of a finished model, or of a candidate with the search's weights."""
    with Client(url) as client:
        with err.status(Text(f"exporting {name} to {form}")):
            artifact = client.wait_for_artifact(_ask_for_export(client, name, form).id, LONGEST_EXPORT_S)
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


def _ask_for_export(client: Client, name: str, form: Form) -> ArtifactView:
    """Ask for a file; where there is no such model or candidate, or it has no weights, say which ones have."""
    is_model = is_training(name)
    try:
        if form == "pictures":
            return client.model_pictures(name) if is_model else client.pictures(name)
        return client.export_model(name, form) if is_model else client.export(name, form)
    except ApiError as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            search = name.rpartition("-")[0] or "SEARCH"
            error.hint = f"choose one of: srnas {'models' if is_model else f'candidates {search} --state scored'}"
        raise
