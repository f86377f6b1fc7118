"""The verb `benchmark`: models on benchmark sets, as the rows that a paper prints. What is heavy loads when called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evaluator.metrics.protocol import get_protocol
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from ..console import err
from ..display import counting_bar
from ..documents import read_genotype
from ..export.benchmark_document import BenchmarkDocument
from ..export.benchmark_row import as_csv, as_markdown, to_json
from ..settings import read_settings

RELEASED = ".npz"
EPILOG = "Example: srnas benchmark network.onnx falsr_b.npz --genotype falsr-b --data Set5 --data Set14"


class Form(StrEnum):
    """What the rows are written as, by how a file's name ends."""

    MARKDOWN = ".md"
    JSON = ".json"
    CSV = ".csv"


def benchmark(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL", help="Exported files, and .npz weights with --genotype.")
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of images; give it again for more [SRNAS_BENCHMARKS_ROOT, every set in it]."),
    ] = None,
    genotype: Annotated[
        list[str] | None,
        typer.Option(help="Whose weights an .npz holds: a published name or a genotype; one for each, in their order."),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="What PSNR and SSIM compare, commas between: falsr, y-float, y-rounded, rgb.")
    ] = "y-float,falsr",
    latency: Annotated[bool, typer.Option(help="Time each model on the devices at hand.")] = True,
    output: Annotated[Path | None, typer.Option(help="Write into this file: .md, .json or .csv.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
    as_csv_rows: Annotated[bool, typer.Option("--csv", help="Print CSV instead.")] = False,
    as_markdown_tables: Annotated[bool, typer.Option("--markdown", help="Print Markdown, as without these.")] = False,
) -> None:
    """Score finished models on benchmark sets, beside bicubic and published networks of their size, and time them."""
    asked = {Form.JSON: as_json, Form.CSV: as_csv_rows, Form.MARKDOWN: as_markdown_tables}
    form = _form([one for one, wanted in asked.items() if wanted], output)
    protocols = [get_protocol(name.strip(), field="--protocol").id for name in protocol.split(",")]
    named = _genotypes(models, genotype or [])

    from ..models import open_model
    from .rate import benchmark_sets, rate_model

    sets = data or benchmark_sets(read_settings().benchmarks_root)
    if not sets:
        allowed = "folders of images; there is none in SRNAS_BENCHMARKS_ROOT"
        raise InvalidInput([Problem("--data", None, allowed)])
    for path in models:
        open_model(path, named.get(path))  # refuses a bad file before minutes of work
    documents = []
    for name, path in zip(_names(models), models, strict=True):
        with counting_bar(err) as step:
            found = rate_model(
                path, sets, name=name, genotype=named.get(path), protocols=protocols, latency=latency, step=step
            )
        documents.append(found)
    _write(_WRITERS[form](documents), output)


def _form(asked: Sequence[Form], output: Path | None) -> Form:
    """What is written: what was asked for, or what the file's name says."""
    if len(asked) > 1:
        raise InvalidInput([Problem("--json, --csv, --markdown", "several of them", "one at most")])
    if asked or output is None:
        return asked[0] if asked else Form.MARKDOWN
    if output.suffix.lower() not in tuple(Form):
        allowed = f"a name that ends in {', '.join(Form)}, or --json, --csv or --markdown"
        raise InvalidInput([Problem("--output", str(output), allowed)])
    return Form(output.suffix.lower())


def _genotypes(models: Iterable[Path], names: Sequence[str]) -> dict[Path, Genotype]:
    """What each `.npz` holds."""
    released = [path for path in models if path.suffix.lower() == RELEASED]
    if len(released) != len(names):
        allowed = f"one for each .npz, in their order: {len(released)}"
        raise InvalidInput([Problem("--genotype", f"{len(names)} of them", allowed)])
    return dict(zip(released, map(read_genotype, names), strict=True))


def _names(models: Sequence[Path]) -> list[str]:
    """What rows call the models: by the names of their files, or by their paths where two files have one name."""
    names = [path.name for path in models]
    return [str(path) if names.count(path.name) > 1 else path.name for path in models]


def _as_json(documents: Iterable[BenchmarkDocument]) -> str:
    found = {"benchmarks": [to_json(document) for document in documents]}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    err.print(f"wrote {output}", soft_wrap=True)


_WRITERS: dict[Form, Callable[[Sequence[BenchmarkDocument]], str]] = {
    Form.JSON: _as_json,
    Form.CSV: lambda documents: as_csv(*documents),
    Form.MARKDOWN: lambda documents: as_markdown(*documents),
}
