"""The verbs around the images that searches on a service may name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from zipfile import ZIP_STORED, ZipFile

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from evaluator.data.folders import DEPTH, SUFFIXES
from nas.cli_options import Json
from nas.console import err, make_app, out, print_json
from search_space.errors import InvalidInput, Problem

from .answers import Url
from .client import DEFAULT_URL, Client
from .display import table_of_datasets
from .schemas import DatasetView

app = make_app("Look after the images that searches may name.")
datasets = make_app("List, upload, register and remove datasets of a service.")
app.add_typer(datasets, name="datasets")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What specs call it.")]


@datasets.command("list", epilog="Example: srnas datasets list")
def list_datasets(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List what a spec may name."""
    with Client(url) as client:
        found = client.datasets()
    if as_json:
        print_json([dataset.model_dump(mode="json") for dataset in found])
    else:
        out.print(table_of_datasets(found))


@datasets.command(epilog="Example: srnas datasets upload holiday ~/pictures/holiday")
def upload(
    name: Name,
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="A zip file of images, or a folder to pack.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Send photographs of this machine to the service."""
    with Client(url) as client, _archive(images) as archive, _bar(name) as bar:
        task = bar.add_task("sending", total=archive.stat().st_size)

        def show(sent: int, total: int) -> None:
            bar.update(task, completed=sent, description="sending" if sent < total else "being unpacked")

        found = client.upload(name, archive, on_progress=show)
    _tell(found, as_json=as_json)


@datasets.command(epilog="Example: srnas datasets add div2k archives/DIV2K")
def add(
    name: Name,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Its path on the server, below the images root.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Register a folder of the server under a name; takes an admin."""
    with Client(url) as client:
        _tell(client.add_folder(name, folder), as_json=as_json)


@datasets.command(epilog="Example: srnas datasets remove holiday")
def remove(name: Name, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Forget a dataset that no unfinished search names; what was uploaded is deleted."""
    with Client(url) as client:
        found = client.remove_dataset(name)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(f"dataset {found.name} is removed", soft_wrap=True)


def _tell(found: DatasetView, *, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(f"dataset {found.name} has {found.images} images; a spec names it in dataset.train", soft_wrap=True)


def _bar(name: str) -> Progress:
    """How far an upload is; on stderr, and gone when it is over."""
    columns = TextColumn(name, markup=False), TextColumn("{task.description}"), BarColumn()
    return Progress(
        *columns, DownloadColumn(), TransferSpeedColumn(), console=err, transient=True, disable=not err.is_terminal
    )


@contextmanager
def _archive(images: Path) -> Iterator[Path]:
    """A zip file as it is, or one of the images of a folder that lasts as long as the context."""
    if not images.is_dir():
        yield images
        return
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        with ZipFile(file, "w", ZIP_STORED) as packed:
            for path in _images(images):
                packed.write(path, path.relative_to(images))
        yield Path(file.name)


def _images(folder: Path) -> list[Path]:
    """The images that a search would find in a folder; `InvalidInput` when there is none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    inside = [(path, path.relative_to(folder).parts) for path in paths]
    found = [path for path, parts in inside if len(parts) <= DEPTH and not any(part.startswith(".") for part in parts)]
    if not found:
        raise InvalidInput([Problem("IMAGES", str(folder), f"a folder with images ({', '.join(sorted(SUFFIXES))})")])
    return found
