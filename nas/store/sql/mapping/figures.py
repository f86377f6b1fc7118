"""Figures <-> JSON, which has neither infinity nor NaN: they are written as their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Columns = dict[str, Any]
"""Values by the name of their column."""


def to_json(figures: Mapping[str, float]) -> dict[str, float | str]:
    """Figures by name, as JSON holds them."""
    return {name: number(value) for name, value in figures.items()}


def from_json(document: Mapping[str, Any]) -> dict[str, float]:
    """Figures by name, from JSON."""
    return {name: float(value) for name, value in document.items()}


def number(value: float) -> float | str:
    """A figure, or its name where JSON has no figure for it; `float` reads both back."""
    return float(value) if math.isfinite(value) else str(value)
