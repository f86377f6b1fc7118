"""Networks, ours, published or exported, scored on folders of images: what `srnas score` does. Heavy.

Whatever is wrong with the networks or the images is told before anything is computed, all at once: a mean over part of
a set would be another figure under the same name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    """Score every contender on every folder; each folder is decoded once.

    Args:
        contenders: What to score, all of one scale.
        paths: Folders in any layout that `evaluator.data.folders` knows. Where a folder has LR images of other scales
            alone, they are made.
        protocol: How to compare.
        scale: Of the contenders.
        metrics: What to compute.
        denominator: Whose spectrum FSDS compares the error with.
        compare: Put what the authors of published networks report beside the measured figures.
        step: Told of each image.

    Raises:
        InvalidInput: A folder or an image is unfit, or a network gives values that are not finite.
    """
    found = _scan(paths, scale)
    total = len(contenders) * sum(len(folder.pairs) for folder in found.values())
    channels = next((c.upscaler.channels for c in contenders if c.upscaler), None)
    default = channels or (3 if protocol.channel == "rgb" else 1)
    rows = []
    for name, folder in found.items():
        loaded = _load(name, folder, scale, protocol, metrics)
        described = _describe(name, folder, loaded)
        for contender in contenders:
            scores = []
            for pair in loaded:
                scores.append(_score(contender, pair, default, protocol, metrics, denominator))
                if step is not None:
                    step(f"{contender.name} on {name}", total)
            reported = _reported(contender, name, scale) if compare else None
            rows.append(_row(contender, default, described, scores, metrics, reported))
    return ScoreTable(
        protocol=protocol,
        scale=scale,
        columns=tuple(metrics),
        fsds_denominator=denominator,
        rows=tuple(rows),
        compares=compare,
    )


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


def _load(name: str, folder: Folder, scale: int, protocol: Protocol, metrics: Sequence[Metric]) -> ImageSet:
    loaded = images.load(folder, scale=scale, channels=3, border=protocol.border, field=name)
    least = WINDOW if "ssim" in metrics else 1
    border = protocol.shave_px(scale)
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
    protocol: Protocol,
    metrics: Sequence[Metric],
    denominator: Denominator,
) -> ImageScore:
    if contender.upscaler is None:
        return score_bicubic(pair, channels, protocol, metrics=metrics, denominator=denominator)
    try:
        prediction = _predict(contender.name, contender.upscaler, pair)
        return score_image(prediction, pair, protocol, metrics=metrics, denominator=denominator)
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
