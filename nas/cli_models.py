"""The verb that turns a file of weights into any form that others run. Works on this machine; heavy when called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search_space.errors import InvalidInput, Problem

from .cli_options import Json
from .console import FAILED, complain, err, out, print_json
from .display import counting_bar
from .documents import read_genotype
from .records import ENDINGS, ExportFormat

if TYPE_CHECKING:
    from evaluator.data.images import ImagePair

    from .export.model import ExportReport

EPILOG = "Example: srnas convert falsr_b.npz --genotype falsr-b --format all --images photos --output exports"
PHOTOGRAPHS = 16
"""How many photographs INT8 is calibrated and scored on, at most."""
CROP_PX = 256
"""Side in LR pixels of what is taken from the middle of each."""


def convert(
    weights: Annotated[
        Path, typer.Argument(metavar="FILE", help="Weights: .safetensors or .pth of srnas, or published .npz.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")],
    form: Annotated[
        ExportFormat, typer.Option("--format", help="Form of the file; all is an archive of each.")
    ] = "onnx",
    genotype: Annotated[str, typer.Option(help="Whose weights an .npz holds: a published name or a genotype.")] = "",
    images: Annotated[
        Path | None,
        typer.Option(help="Photographs to verify on and to calibrate INT8 with; without them noise, and no INT8."),
    ] = None,
    name: Annotated[str, typer.Option(help="What files begin with; by default the name of FILE.")] = "",
    as_json: Json = False,
) -> None:
    """Write a network in a form that others run, verified in a process that has nothing of srnas.

    onnx, onnx-fp16, onnx-int8, torchscript and arch, which is source, take RGB and give RGB.
    """
    if name and Path(name).name != name:
        raise InvalidInput([Problem("--name", name, "a name without folders")])

    from .export.model import ExportError, export_network, training_of
    from .models import read_network

    target = output / f"{name or weights.stem}{ENDINGS[form]}"
    if target.resolve() == weights.resolve():
        raise InvalidInput([Problem("--output", str(target), "another file than the one that is converted")])
    model = read_network(weights, read_genotype(genotype) if genotype else None)
    photographs = _photographs(images, model.scale)
    try:
        with counting_bar(err) as step:
            report = export_network(
                model,
                file_format=form,
                path=target,
                check_image=photographs[0].hr if photographs else None,
                photographs=photographs,
                summary=training_of(weights.read_bytes()) if weights.suffix.lower() == ".safetensors" else {},
                step=step,
            )
    except ExportError as error:
        complain([str(error)], error.hint)
        raise typer.Exit(FAILED) from error
    if as_json:
        print_json(_document(report))
        return
    for line in _lines(report):
        out.print(line, soft_wrap=True)


def _photographs(folder: Path | None, scale: int) -> tuple[ImagePair, ...]:
    """RGB pairs of a folder, or none."""
    if folder is None:
        return ()
    from evaluator.data.folders import scan
    from evaluator.data.images import load

    found = scan(folder, scale=scale, field="--images")
    return load(found, scale=scale, channels=3, limit=PHOTOGRAPHS, crop=CROP_PX, field="--images").pairs


def _document(report: ExportReport) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "size_bytes": report.size_bytes,
        "sha256": report.sha256,
        "max_difference": report.max_difference,
        "detail": report.detail,
    }


def _lines(report: ExportReport) -> list[str]:
    """A line for the file, and in an archive for each file in it and each form that is not."""
    lines = [_line(str(report.path), _document(report) | report.detail)]
    lines += [f"  {_line(name, file)}" for name, file in report.detail.get("files", {}).items()]
    return lines + [f"  without {form}: {why}" for form, why in report.detail.get("left_out", {}).items()]


def _line(name: str, file: dict[str, Any]) -> str:
    from .export.facts import loss_in_words

    parts = [f"{name}: {file['size_bytes']:,} bytes", f"sha256 {file['sha256']}"]
    if file.get("max_difference") is not None:
        parts.append(f"within {file['max_difference']:.1e} of the network")
    if "psnr_loss_db" in file:
        parts.append(loss_in_words(file["psnr_loss_db"], file["photographs"]))
    return ", ".join(parts)
