"""Evaluations: what became of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row

from evaluator.executor import Setback
from evaluator.outcome import Bands

from ....records import Evaluation
from .figures import Columns, number

EVALUATION = tuple(field.name for field in fields(Evaluation))


def evaluation_columns(evaluation: Evaluation) -> Columns:
    """Every column of an evaluation."""
    columns = {name: getattr(evaluation, name) for name in EVALUATION}
    columns["loss_curve"] = [[step, number(loss)] for step, loss in evaluation.loss_curve]
    columns["bands"] = bands_to_json(evaluation.bands)
    columns["setbacks"] = [asdict(setback) for setback in evaluation.setbacks]
    return columns


def to_evaluation(row: Row[Any], prefix: str = "") -> Evaluation:
    """An evaluation from a row whose columns bear a prefix."""
    mapping = row._mapping
    columns = {name: mapping[prefix + name] for name in EVALUATION}
    columns["loss_curve"] = tuple((step, float(loss)) for step, loss in columns["loss_curve"])
    columns["bands"] = bands_from_json(columns["bands"])
    columns["setbacks"] = tuple(Setback(**setback) for setback in columns["setbacks"])
    return Evaluation(**columns)


def bands_to_json(bands: Bands | None) -> dict[str, list[float | str]] | None:
    """What was learnt of each band, as JSON holds it."""
    if bands is None:
        return None
    return {
        "correspondence": [number(value) for value in bands.correspondence],
        "log_ratio_db": [number(value) for value in bands.log_ratio_db],
    }


def bands_from_json(document: Mapping[str, Any] | None) -> Bands | None:
    """What was learnt of each band, from JSON."""
    if document is None:
        return None
    return Bands(**{name: tuple(float(value) for value in values) for name, values in document.items()})
