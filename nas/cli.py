"""The verbs that work on this machine alone: describe, search, upscale, controller and db. Heavy parts load when called."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from search_space.errors import InvalidInput, Problem

from .console import configure_logging, err, make_app, out
from .describing import describe as description
from .display import Standing, front_table, giga, progress_bar, shown_columns
from .settings import Settings, read_settings

app = make_app("nas", "Search, describe and upscale on this machine.")
database = make_app("db", "Look after the database.")
app.add_typer(database, name="db")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
Home = Annotated[
    Path | None, typer.Option(help="Folder of the database, weights and artifacts [SRNAS_HOME; ./srnas-data].")
]
ImagesRoot = Annotated[
    Path | None, typer.Option(help="Folder that a spec's folders are relative to [SRNAS_IMAGES_ROOT; .].")
]
Workers = Annotated[int | None, typer.Option(help="Trainings at once [SRNAS_WORKERS; one per CPU].")]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql+psycopg://... [SRNAS_DATABASE_URL; a file in the home].")
]


@app.command(epilog="Example: srnas describe falsr-a --svg falsr-a.svg")
def describe(
    genotype: Annotated[str, typer.Argument(help="A published name, a genotype text, or a JSON file.")],
    scale: Annotated[int, typer.Option(help="Upscaling factor: 2, 3 or 4.")] = 2,
    channels: Annotated[int, typer.Option(help="1 for luma, 3 for RGB.")] = 1,
    svg: Annotated[Path | None, typer.Option(help="Draw the network into this file.")] = None,
    as_json: Json = False,
) -> None:
    """Count parameters and multiply-adds of a network, without building it."""
    found = description(genotype, scale=scale, channels=channels)
    if svg is not None:
        svg.write_text(found.drawing(), encoding="utf-8")
    if as_json:
        _print_json(found.to_json())
        return
    out.print(f"name        {found.name or '-'}")
    out.print(f"genotype    {found.genotype}", soft_wrap=True)
    out.print(f"digest      {found.genotype.digest}")
    out.print(f"params      {found.params:,}")
    out.print(f"mult-adds   {found.mult_adds:,} ({giga(found.mult_adds)}) at 230,400 LR pixels, x{scale}")
    if found.published is not None:
        out.print(f"reported    {found.published.reported_params:,} params, {giga(found.published.reported_mult_adds)}")
        for score in found.published.scores:
            out.print(f"            {score.dataset}: {score.psnr_db} dB / {score.ssim} (protocol {score.protocol})")
        out.print(f"            {found.published.source}", soft_wrap=True)


@app.command(epilog="Example: srnas search examples/search.json --images-root examples/photos --workers 2")
def search(
    spec: Annotated[str, typer.Argument(help="A JSON or TOML file, or - for JSON on stdin.")] = "",
    resume: Annotated[str, typer.Option(help="Go on with this search of the database instead of a spec.")] = "",
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    inline: Annotated[bool, typer.Option("--inline", help="Train in this process, without Ray.")] = False,
    as_json: Json = False,
) -> None:
    """Run one search in this process, without a server, and print its front.

    What was recorded before an interruption is kept: --resume goes on from there.
    """
    if bool(spec) == bool(resume):
        raise InvalidInput([Problem("SPEC", spec, "either a spec or --resume with the id of a search")])
    document = resume or read_spec(spec)
    settings = read_settings(home=home, images_root=images_root, database_url=database_url, workers=workers)
    configure_logging(logging.WARNING)

    from .worker import run_search

    with progress_bar(err) as show:
        ended = run_search(document, settings, lambda found: show(Standing.of(found)), inline=inline)
    _print_front(ended.id, settings, as_json=as_json)


@app.command(epilog="Example: srnas upscale network.onnx photo.png --output larger.png --compare")
def upscale(
    model: Annotated[Path, typer.Argument(help="An exported .onnx or .safetensors file.")],
    images: Annotated[list[Path], typer.Argument(help="Pictures to enlarge.")],
    output: Annotated[Path, typer.Option(help="A folder; or, for one picture, a file.")],
    compare: Annotated[
        bool, typer.Option("--compare", help="Put bicubic beside the network in one labelled picture.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Enlarge pictures by an exported network."""
    from . import upscaling

    upscaler = upscaling.load_model(model)
    written = []
    for path, target in _targets(images, output, upscaler.scale):
        image = upscaling.open_image(path)
        result = upscaling.upscale(upscaler, image)
        if compare:
            smooth = upscaling.bicubic(image, upscaler.scale)
            result = upscaling.side_by_side([("bicubic", smooth), (model.name, result)])
        target.parent.mkdir(parents=True, exist_ok=True)
        result.save(target)
        written.append({"image": str(path), "output": str(target), "width": result.width, "height": result.height})
        if not as_json:
            out.print(f"{target}: {result.width} x {result.height}", soft_wrap=True)
    if as_json:
        _print_json({"model": str(model), "scale": upscaler.scale, "outputs": written})


@app.command(epilog="Example: SRNAS_DATABASE_URL=postgresql+psycopg://... RAY_ADDRESS=10.0.0.1:6379 srnas controller")
def controller(
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is no longer the parent.")] = None,
) -> None:
    """Advance the searches of a database with Ray workers until it is stopped."""
    configure_logging(logging.INFO)
    settings = read_settings(home=home, images_root=images_root, database_url=database_url, workers=workers)

    from .worker import run_controller

    run_controller(settings, StopRequest(parent))


@database.command(epilog="Example: srnas db upgrade --home srnas-data")
def upgrade(home: Home = None, database_url: DatabaseUrl = None) -> None:
    """Bring a database's tables up to date; an empty one is made."""
    settings = read_settings(home=home, database_url=database_url)

    from .store.opening import open_store

    open_store(settings.database, migrate=True).close()
    out.print("the database is up to date")


@database.command(epilog="Example: srnas db check --home srnas-data")
def check(home: Home = None, database_url: DatabaseUrl = None) -> None:
    """Say whether a database can be reached and is up to date."""
    settings = read_settings(home=home, database_url=database_url)

    from .store.opening import open_store

    open_store(settings.database, migrate=False).close()
    out.print("the database is up to date")


class StopRequest:
    """Says whether a controller should stop: on SIGTERM, on SIGINT, or when its parent is gone.

    The handlers are set when it is first asked, since Ray sets handlers of its own when it starts.
    """

    def __init__(self, parent: int | None) -> None:
        self._parent = parent
        self._listening = False
        self._stopped = False

    def __call__(self) -> bool:
        """Whether to stop."""
        if not self._listening:
            self._listening = True
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._stop)
        return self._stopped or (self._parent is not None and os.getppid() != self._parent)

    def _stop(self, *_: object) -> None:
        self._stopped = True


def read_spec(name: str) -> dict[str, Any]:
    """The JSON object in a JSON or TOML file, or on stdin; `InvalidInput` says what is wrong with it."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        document = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidInput([Problem("SPEC", name, f"a readable JSON or TOML file: {error}")]) from error
    if not isinstance(document, dict):
        raise InvalidInput([Problem("SPEC", name, "one JSON object")])
    return document


def _print_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _print_front(search_id: str, settings: Settings, *, as_json: bool) -> None:
    """The front of an ended search, and where everything lies."""
    from .export.front import to_html, to_json
    from .service import Service
    from .store.opening import open_store

    store = open_store(settings.database)
    try:
        front = Service(store, settings).front(search_id)
    finally:
        store.close()
    page = settings.home / f"front-{search_id}.html"
    page.write_text(to_html(front), encoding="utf-8")
    if as_json:
        _print_json(to_json(front))
        return
    columns = shown_columns([objective.column for objective in front.objectives])
    rows = [(member.id, member.genotype.digest, scores_of(member)) for member in front.members]
    out.print(front_table(f"front of {search_id}: {len(rows)} of {front.scored} scored networks", columns, rows))
