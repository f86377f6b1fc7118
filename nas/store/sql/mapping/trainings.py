"""Full trainings, and the points that they reached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import Row

from evaluator.executor import Setback
from evaluator.finishing import FinishingRecipe

from ....records import Training, TrainingPoint, TrainingStatus
from .evaluations import bands_from_json, bands_to_json
from .figures import Columns, number

TRAINING = tuple(field.name for field in fields(Training))
REQUEST = frozenset(
    {"id", "candidate_id", "search_id", "recipe", "dataset", "seed", "digest", "created_at", "owner", "expected_s"}
)
"""Columns of a training that say what was asked for, and never change."""

FIGURES = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")
"""Columns of a training that repeat what its last point has, for who asks in SQL."""


def training_columns(training: Training) -> Columns:
    """Every column of a training but those of its lease."""
    columns = {name: getattr(training, name) for name in TRAINING}
    return columns | {
        "status": training.status.value,
        "recipe": training.recipe.to_json(),
        "dataset": dict(training.dataset),
        "points": [_point_to_json(point) for point in training.points],
        "setbacks": [asdict(setback) for setback in training.setbacks],
        **_figures(training),
    }


def advanced_columns(training: Training) -> Columns:
    """The columns of a training that change as it goes on."""
    return {name: value for name, value in training_columns(training).items() if name not in REQUEST}


def to_training(row: Row[Any]) -> Training:
    """A training from its row."""
    columns = {name: getattr(row, name) for name in TRAINING}
    return Training(
        **columns
        | {
            "status": TrainingStatus(row.status),
            "recipe": FinishingRecipe.from_json(row.recipe),
            "points": tuple(map(_point_from_json, row.points)),
            "setbacks": tuple(Setback(**setback) for setback in row.setbacks),
        }
    )


def _figures(training: Training) -> Columns:
    if not training.points:
        return dict.fromkeys(FIGURES)
    figures = {name: getattr(training.points[-1], name) for name in FIGURES}
    return {name: None if math.isnan(figure) else figure for name, figure in figures.items()}


def _point_to_json(point: TrainingPoint) -> dict[str, Any]:
    document = asdict(replace(point, bands=None))
    figures = {name: number(value) for name, value in document.items() if isinstance(value, float)}
    return document | figures | {"bands": bands_to_json(point.bands)}


def _point_from_json(document: Mapping[str, Any]) -> TrainingPoint:
    """A point; `float` reads the names of what JSON has no figures for."""
    figures = {name: float(document[name]) for name in (*FIGURES, "train_s")}
    loss = None if document["loss"] is None else float(document["loss"])
    return TrainingPoint(step=document["step"], loss=loss, bands=bands_from_json(document["bands"]), **figures)
