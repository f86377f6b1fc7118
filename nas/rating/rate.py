"""Everything that a paper's row says of a model, measured: its scores on sets of images, and its latency. Heavy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Literal

import torch

from evaluator.cost import costs
from evaluator.data.folders import SUFFIXES
from evaluator.metrics.protocol import get_protocol
from evaluator.provenance import cpu_name
from evaluator.score import METRICS
from search_space.genotype import Genotype

from ..contenders import BICUBIC, Contender, common_scale
from ..environment import environment
from ..export.benchmark_document import BenchmarkDocument, BenchmarkSet, SetScore, of_its_size
from ..export.score_table import Images, ScoreTable, notes
from ..models import Upscaler, open_model
from ..scoring import Step, score_under
from .timing import latencies

PROTOCOLS = ("y-float", "falsr")
"""What papers of today compare, and what FALSR's table was measured with."""

VERSIONS = ("srnas", "code_digest", "python", "torch", "numpy", "onnxruntime")
"""What a figure hangs on, besides the images and the device."""


def benchmark_sets(root: Path) -> list[Path]:
    """The benchmark sets of a folder, by name: its direct subfolders that hold images, at whatever depth.

    A folder that is not there holds none.
    """
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    return [folder for folder in folders if any(path.suffix.lower() in SUFFIXES for path in folder.rglob("*"))]


def rate_model(
    model: Path | Upscaler,
    sets: Sequence[Path],
    *,
    name: str,
    scale: int | None = None,
    genotype: Genotype | None = None,
    protocols: Iterable[str] = PROTOCOLS,
    latency: bool = True,
    step: Step | None = None,
) -> BenchmarkDocument:
    """Score a model and bicubic on sets of images, time it, and put published networks of its size beside it.

    Args:
        model: An exported file, an `.npz` of released weights, or a network ready to run.
        sets: Folders of images, in any layout that is known; LR images of the scale are made where there are none.
        name: What rows call the model.
        scale: Upscaling factor, which must be the model's; None for whatever that is.
        genotype: What an `.npz` holds.
        protocols: How to compare.
        latency: Whether to time it.
        step: Told of each image that was scored.

    Raises:
        InvalidInput: The model, a set or a protocol is unfit, or the model gives values that are not finite.
    """
    upscaler = open_model(model, genotype) if isinstance(model, Path) else model
    contenders = [Contender(name=name, upscaler=upscaler), Contender(name=BICUBIC, upscaler=None)]
    factor = common_scale(contenders, scale)
    tables = score_under(
        contenders,
        sets,
        [get_protocol(protocol) for protocol in protocols],
        scale=factor,
        metrics=METRICS,
        step=step,
    )
    made = upscaler.metadata
    cost = costs(made.genotype, made.recipe, scale=factor, channels=made.channels) if made else None
    params, mult_adds = (cost.params, cost.mult_adds) if cost else (None, None)
    file = model if isinstance(model, Path) and model.suffix.lower() == ".onnx" else None
    here = environment()
    return BenchmarkDocument(
        name=name,
        genotype=str(made.genotype) if made else None,
        scale=factor,
        channels=upscaler.channels,
        params=params,
        mult_adds=mult_adds,
        sets=tuple(_set(row.images, tables[0]) for row in tables[0].rows[:: len(contenders)]),
        scores=tuple(score for table in tables for score in _scores(table)),
        latencies=latencies(upscaler, file) if latency else (),
        published=of_its_size(params, mult_adds, factor),
        device=cpu_name(torch.get_num_threads()),
        versions={library: here[library] for library in VERSIONS if library in here},
        notes=tuple(dict.fromkeys(note for table in tables for note in notes(table))),
    )


def _set(images: Images, table: ScoreTable) -> BenchmarkSet:
    made = f"made from HR, {table.protocol.border} border"
    return BenchmarkSet(
        name=images.name, images=images.count, digest=images.digest, lr=made if images.lr_made else "as given"
    )


def _scores(table: ScoreTable) -> Iterator[SetScore]:
    """The rows of a table, which are the model's and bicubic's in turn."""
    networks: Iterator[Literal["model", "bicubic"]] = cycle(("model", "bicubic"))
    for network, row in zip(networks, table.rows, strict=False):
        yield SetScore(
            network=network,
            set=row.images.name,
            protocol=table.protocol.id,
            capped=dict(row.capped),
            **row.means,
        )
