"""Columns of figures as axes of plots."""

from __future__ import annotations

from dataclasses import dataclass

from ..figures import heading
from ..objectives import METRICS


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A figure that a plot can show.

    Attributes:
        column: Where the cloud has it.
        title: With its unit.
        sense: Which way is better: "max" or "min".
        spread: Whether it spans decades, as costs do.
    """

    column: str
    title: str
    sense: str
    spread: bool


def axis(column: str) -> Axis:
    """A column of figures as an axis.

    >>> axis("params").title, axis("params").sense, axis("params").spread
    ('params', 'min', True)
    """
    metric = next(metric for metric in METRICS.values() if metric.column == column)
    return Axis(column=column, title=heading(column), sense=metric.sense.value, spread=not metric.trained)
