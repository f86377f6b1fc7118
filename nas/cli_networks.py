"""The verbs that look at one network or at several: describe, score, upscale, analyse. The heavy load when called."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluator.metrics.protocol import get_protocol
from search_space.cost import LR_PIXELS
from search_space.errors import InvalidInput, Problem

from .cli_options import Json
from .console import err, make_app, out, print_json
from .describing import Description
from .describing import describe as describe_network
from .display import counting_bar, statistics_table
from .documents import read_genotype
from .figures import giga

app = make_app("Describe, score, upscale with and analyse networks.")


@app.command(epilog="Example: srnas describe falsr-a --svg falsr-a.svg")
def describe(
    genotype: Annotated[
        str, typer.Argument(metavar="GENOTYPE", help="A published name, a genotype text, or a JSON file.")
    ],
    scale: Annotated[int, typer.Option(help="Upscaling factor: 2, 3 or 4.")] = 2,
    channels: Annotated[int, typer.Option(help="1 for luma, 3 for RGB.")] = 1,
    svg: Annotated[Path | None, typer.Option(help="Draw the network into this file.")] = None,
    as_json: Json = False,
) -> None:
    """Count the parameters and multiply-adds of a network, without building it."""
    found = describe_network(genotype, scale=scale, channels=channels)
    if svg is not None:
        svg.write_text(found.drawing(), encoding="utf-8")
    if as_json:
        print_json(found.to_json())
        return
    _print_description(found)


@app.command(epilog="Example: srnas upscale network.onnx holiday/ photo.png --output larger")
def upscale(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An exported .onnx, .safetensors or .pth file.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES", help="Pictures, or folders of them.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder; or, for one picture, a file. Folders are mirrored in it.")
    ] = Path("upscaled"),
    tile: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pixels a side of the parts that large pictures are cut into; by default as 1 GiB allows."
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Put bicubic beside the network, with labels.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make files again that are there already.")] = False,
    as_json: Json = False,
) -> None:
    """Enlarge pictures by an exported network."""
    from . import models
    from .upscaling import errands, rounds

    upscaler = models.load_model(model)
    plan = errands.plan(images, output, upscaler.scale, overwrite=overwrite)
    label = model.name if compare else None
    done: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    with counting_bar(err) as step:
        for told in rounds.go(upscaler, plan, clock=time.perf_counter, step=step, tile_px=tile, compared_as=label):
            (done if isinstance(told, rounds.Done) else skipped).append(told.to_json())
            if not as_json:
                (out if isinstance(told, rounds.Done) else err).print(str(told), soft_wrap=True)
    if as_json:
        print_json({"model": str(model), "scale": upscaler.scale, "outputs": done, "skipped": skipped})


@app.command(epilog="Example: srnas score falsr-b bicubic --weights falsr_b.npz --data Set5 --protocol falsr --compare")
def score(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL", help="bicubic, exported .onnx, .safetensors or .pth files, genotypes with --weights."
        ),
    ],
    data: Annotated[list[Path], typer.Option(help="Folder of images; give it again for more sets.")],
    weights: Annotated[
        list[Path] | None,
        typer.Option(help="Weights of a genotype, .npz, .safetensors or .pth; one for each genotype, in order."),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="What PSNR and SSIM compare: falsr, y-float, y-rounded, rgb.")
    ] = "y-float",
    scale: Annotated[
        int | None, typer.Option(help="Upscaling factor, that of the networks unless bicubic is alone.")
    ] = None,
    metrics: Annotated[str, typer.Option(help="Of psnr, ssim, fsds and fsds_si, commas between.")] = "psnr,ssim,fsds",
    swap_fsds: Annotated[
        bool,
        typer.Option("--swap-fsds", help="Compare with the prediction's spectrum, as FSDS's printed table does."),
    ] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Put published figures beside the measured ones.")] = False,
    per_image: Annotated[bool, typer.Option("--per-image", help="Print a row for each image too.")] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead, with a row for each image.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table instead.")] = False,
) -> None:
    """Score networks on folders of images, and bicubic beside them."""
    if as_json + as_csv + as_markdown > 1:
        raise InvalidInput([Problem("--json, --csv, --markdown", "several of them", "one at most")])
    chosen = get_protocol(protocol, field="--protocol")

    from . import contenders, scoring
    from .export import score_table

    columns = scoring.read_metrics(metrics)
    entered = contenders.read_contenders(models, weights or [])
    with counting_bar(err) as step:
        table = scoring.score(
            entered,
            data,
            chosen,
            scale=contenders.common_scale(entered, scale),
            metrics=columns,
            denominator="prediction" if swap_fsds else "target",
            compare=compare,
            step=step,
        )
    if as_json:
        print_json(score_table.to_json(table))
    elif as_csv:
        typer.echo(score_table.to_csv(table), nl=False)
    else:
        write = score_table.to_markdown if as_markdown else score_table.to_text
        typer.echo(write(table, per_image=per_image), nl=False)


@app.command(epilog="Example: srnas analyse network.onnx photo.png --output analysis")
def analyse(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="An exported network, or published .npz weights."),
    ],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture for the network to upscale.")],
    output: Annotated[Path, typer.Option(help="Folder for the page, the pictures and the figures.")] = Path("analysis"),
    genotype: Annotated[str, typer.Option(help="Whose weights an .npz holds: a published name or a genotype.")] = "",
    as_json: Json = False,
) -> None:
    """Show what a network does to frequencies: its impulse response, and its linear and non-linear parts."""
    from .analysing.model import analyse as analyse_network
    from .analysing.writing import to_json, write
    from .models import open_model
    from .upscaling import open_image

    network = open_model(model, read_genotype(genotype) if genotype else None)
    found = analyse_network(network, open_image(image))
    page, *_ = write(found, output, model=model.name, image=image.name)
    figures = to_json(found, model=model.name, image=image.name)
    if as_json:
        print_json(figures | {"page": str(page)})
        return
    out.print(statistics_table({name: figures[name] for name in ("network", "bicubic")}))
    out.print(f"page {page}", soft_wrap=True)


def _print_description(found: Description) -> None:
    lines = {
        "name": found.name or "not a published network",
        "genotype": str(found.genotype),
        "digest": found.genotype.digest,
        "params": f"{found.params:,}",
        "mult-adds": f"{found.mult_adds:,} ({giga(found.mult_adds)}) for {LR_PIXELS:,} LR pixels, x{found.scale}",
    }
    if found.published is not None:
        printed = found.published
        lines["reported"] = f"{printed.reported_params:,} params, {giga(printed.reported_mult_adds)}"
        for score in printed.scores:
            lines[f"  {score.dataset}"] = f"{score.psnr_db} dB / {score.ssim} (protocol {score.protocol})"
        lines["source"] = printed.source
    for label, text in lines.items():
        out.print(f"{label:<11} {text}", soft_wrap=True)
