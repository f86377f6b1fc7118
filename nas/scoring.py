"""Networks, ours, published or exported, scored on folders of images: what `srnas score` does. Heavy.

Whatever is wrong with the networks or the images is told before anything is computed, all at once: a mean over part of
a set would be another figure under the same name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from evaluator.data import folders, images
from evaluator.data.decoding import conversion, size
from evaluator.data.folders import Folder
from evaluator.data.images import ImagePair, ImageSet
from evaluator.metrics.fsds import Denominator
from evaluator.metrics.protocol import Protocol
from evaluator.metrics.psnr import mean_db
from evaluator.metrics.ssim import WINDOW
from evaluator.score import (
    METRICS,
    ImageScore,
    Metric,
    NonFiniteOutput,
    network_input,
    score_bicubic,
    score_image,
)
from search_space.errors import InvalidInput, Problem
from search_space.published import PUBLISHED, ReportedScore

from .contenders import Contender
from .export.score_table import Figures, Images, Row, ScoreTable
from .models import Upscaler

COLUMNS = {metric.removesuffix("_db"): metric for metric in METRICS}

SPECTRAL: tuple[Metric, ...] = ("fsds_db", "fsds_si_db")
"""What no protocol changes."""

Step = Callable[[str, int], None]
"""``step(text, total)`` is called after each image; ``total`` is how many calls there will be."""


def read_metrics(text: str) -> tuple[Metric, ...]:
    """The columns of metrics named with commas between, `psnr,ssim`.

    Raises:
        InvalidInput: Names each that is unknown.
    """
    names = [name.strip() for name in text.split(",")]
    problems = [Problem("--metrics", name, ", ".join(COLUMNS)) for name in names if name not in COLUMNS]
    if problems:
        raise InvalidInput(problems)
    return tuple(dict.fromkeys(COLUMNS[name] for name in names))


def score(
    contenders: Sequence[Contender],
    paths: Sequence[Path],
    protocol: Protocol,
    *,
    scale: int,
    metrics: Sequence[Metric],
    denominator: Denominator = "target",
    compare: bool = False,
    step: Step | None = None,
) -> ScoreTable:
    """Score every contender on every folder under one protocol; see `score_under`."""
    (table,) = score_under(
        contenders,
        paths,
        [protocol],
        scale=scale,
        metrics=metrics,
        denominator=denominator,
        compare=compare,
        step=step,
    )
    return table


def score_under(
    contenders: Sequence[Contender],
    paths: Sequence[Path],
    protocols: Sequence[Protocol],
    *,
    scale: int,
    metrics: Sequence[Metric],
    denominator: Denominator = "target",
    compare: bool = False,
    step: Step | None = None,
) -> list[ScoreTable]:
    """Score every contender on every folder under each protocol.

    Each folder is decoded once, each network runs once on an image, and spectra, which depend on no protocol, are
    compared once.

    Args:
        contenders: What to score, all of one scale.
        paths: Folders in any layout that `evaluator.data.folders` knows. Where a folder has LR images of other scales
            alone, they are made.
        protocols: How to compare: at least one, all of one border.
        scale: Of the contenders.
        metrics: What to compute.
        denominator: Whose spectrum FSDS compares the error with.
        compare: Put what the authors of published networks report beside the measured figures.
        step: Told of each image.

    Returns:
        A table for each protocol, in their order.

    Raises:
        InvalidInput: A folder or an image is unfit, or a network gives values that are not finite.
        ValueError: The protocols ask for LR images of different borders.
    """
    if len({protocol.border for protocol in protocols}) != 1:
        raise ValueError("protocols of one border share their LR images; score the others apart")
    found = _scan(paths, scale)
    total = len(contenders) * sum(len(folder.pairs) for folder in found.values())
    channels = next((c.upscaler.channels for c in contenders if c.upscaler), None)
    default = channels or (3 if any(protocol.channel == "rgb" for protocol in protocols) else 1)
    rows: list[list[Row]] = [[] for _ in protocols]
    for name, folder in found.items():
        loaded = _load(name, folder, scale, protocols, metrics)
        described = _describe(name, folder, loaded)
        for contender in contenders:
            scores = []
            for pair in loaded:
                scores.append(_score(contender, pair, default, protocols, metrics, denominator))
                if step is not None:
                    step(f"{contender.name} on {name}", total)
            reported = _reported(contender, name, scale) if compare else None
            for made, own in zip(rows, zip(*scores, strict=True), strict=True):
                made.append(_row(contender, default, described, own, metrics, reported))
    return [
        ScoreTable(
            protocol=protocol,
            scale=scale,
            columns=tuple(metrics),
            fsds_denominator=denominator,
            rows=tuple(made),
            compares=compare,
        )
        for protocol, made in zip(protocols, rows, strict=True)
    ]


def _scan(paths: Sequence[Path], scale: int) -> dict[str, Folder]:
    """The folders under the names that rows call them by; refuses them if any image is unfit."""
    found: dict[str, Folder] = {}
    problems: list[Problem] = []
    for path in paths:
        name = path.resolve().name
        name = str(path) if name in found else name
        try:
            found[name] = folders.scan(path, scale=scale, field=name, other_scales=True)
            problems += found[name].problems
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems, "Repair or remove these files: a mean over the others would be another figure.")
    return found


def _load(name: str, folder: Folder, scale: int, protocols: Sequence[Protocol], metrics: Sequence[Metric]) -> ImageSet:
    loaded = images.load(folder, scale=scale, channels=3, border=protocols[0].border, field=name)
    least = WINDOW if "ssim" in metrics else 1
    border = max(protocol.shave_px(scale) for protocol in protocols)
    problems = list(loaded.problems)
    for pair in loaded:
        height, width = (side - 2 * border for side in pair.hr.shape[:2])
        if min(height, width) < least:
            allowed = f"sides of at least {least} after cutting {border} pixels off each"
            problems.append(Problem(f"{name}[{pair.name}]", f"{width}x{height}", allowed))
    if problems:
        raise InvalidInput(
            problems, "Remove these images, or leave ssim out of --metrics if they are too small for it."
        )
    return loaded


def _describe(name: str, folder: Folder, loaded: ImageSet) -> Images:
    converted, cut = {}, {}
    for files, pair in zip(folder.pairs, loaded, strict=True):
        done = [conversion(path) for path in (files.hr, files.lr) if path]
        if any(done):
            converted[files.name] = " / ".join(dict.fromkeys(filter(None, done)))
        height, width = size(files.hr)
        if (height, width) != pair.hr.shape[:2]:
            cut[files.name] = f"{width}x{height} to {pair.hr.shape[1]}x{pair.hr.shape[0]}"
    return Images(
        name=name,
        path=str(folder.root),
        count=len(loaded),
        digest=loaded.digest,
        lr_made=all(files.lr is None for files in folder.pairs),
        gray=tuple(pair.name for pair in loaded if bool((pair.hr == pair.hr[..., :1]).all())),
        converted=converted,
        cut=cut,
    )


def _score(
    contender: Contender,
    pair: ImagePair,
    channels: int,
    protocols: Sequence[Protocol],
    metrics: Sequence[Metric],
    denominator: Denominator,
) -> list[ImageScore]:
    """One image's figures under each protocol; those of spectra, which are the same, found under the first."""
    upscaler = contender.upscaler
    prediction = None if upscaler is None else _predict(contender.name, upscaler, pair)

    def under(protocol: Protocol, asked: Sequence[Metric]) -> ImageScore:
        if prediction is None:
            return score_bicubic(pair, channels, protocol, metrics=asked, denominator=denominator)
        return score_image(prediction, pair, protocol, metrics=asked, denominator=denominator)

    compared = [metric for metric in metrics if metric not in SPECTRAL]
    try:
        first = under(protocols[0], metrics)
        spectra = {metric: getattr(first, metric) for metric in SPECTRAL}
        return [first, *(replace(under(protocol, compared), **spectra) for protocol in protocols[1:])]
    except NonFiniteOutput as error:
        problem = Problem(f"{contender.name} on {error.image}", f"{error.count} values that are not finite", "numbers")
        raise InvalidInput([problem], "Check the weights: a training that diverged leaves NaN in them.") from error


def _predict(name: str, upscaler: Upscaler, pair: ImagePair) -> Tensor:
    seen = network_input(pair, upscaler.channels).numpy()
    enlarged = torch.from_numpy(upscaler.network(seen))
    wanted = (1, upscaler.channels, *pair.hr.shape[:2])
    if enlarged.shape != wanted:
        raise InvalidInput([Problem(f"{name} on {pair.name}", f"an output of {tuple(enlarged.shape)}", str(wanted))])
    return enlarged


def _row(
    contender: Contender,
    channels: int,
    described: Images,
    scores: Sequence[ImageScore],
    metrics: Sequence[Metric],
    reported: ReportedScore | None,
) -> Row:
    figures: dict[str, Figures] = {
        score.name: {metric: getattr(score, metric) for metric in metrics} for score in scores
    }
    means = {
        metric: mean_db(value for found in figures.values() if (value := found[metric]) is not None)
        for metric in metrics
    }
    return Row(
        model=contender.name,
        channels=channels if contender.upscaler is None else contender.upscaler.channels,
        images=described,
        means={metric: None if math.isnan(mean.value) else mean.value for metric, mean in means.items()},
        per_image=figures,
        capped={metric: mean.capped for metric, mean in means.items() if mean.capped},
        reported=reported,
    )


def _reported(contender: Contender, name: str, scale: int) -> ReportedScore | None:
    for network in PUBLISHED.values():
        if network.genotype == contender.genotype and network.scale == scale:
            return next((score for score in network.scores if score.dataset.lower() == name.lower()), None)
    return None
