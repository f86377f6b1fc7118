"""How the figures of a candidate are written for people, in a terminal, a document or a page."""

from __future__ import annotations

import math
from typing import Any

from .objectives import METRICS


def heading(column: str) -> str:
    """What stands over a column of figures.

    >>> heading("psnr_db")
    'psnr (dB)'
    >>> heading("latency_ms")
    'latency (ms)'
    """
    metric = next(metric for metric in METRICS.values() if metric.column == column)
    name = metric.name.removesuffix(f"_{metric.unit}")
    return f"{name} ({metric.unit})" if metric.unit else name.replace("_", "-")


def shown(column: str, value: float | None) -> str:
    """A figure, rounded as its column asks for; a dash where there is none."""
    if value is None:
        return "–"
    if column == "mult_adds":
        return giga(value)
    if column == "params":
        return f"{value:,.0f}"
    return f"{value:.4f}" if column == "ssim" else f"{value:.2f}"


def in_full(value: float) -> str:
    """A figure of any column: a count with every digit, others to four digits or to whole ones.

    >>> in_full(1_021_401), in_full(12.34567), in_full(12345.67)
    ('1,021,401', '12.35', '12,346')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{'0f' if abs(value) > 1e3 else '4g'}}"


def giga(mult_adds: float) -> str:
    """Multiply-adds in thousand millions.

    >>> giga(235_001_088_000)
    '235.0 G'
    """
    return f"{mult_adds / 1e9:.1f} G" if mult_adds >= 1e10 else f"{mult_adds / 1e9:.3g} G"


def finite(value: Any) -> Any:
    """A figure as JSON can carry it: None for one that is not finite, anything else as it is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def confirmed(column: str, value: float | None, spread: float | None) -> str:
    """A figure with the spread of its seeds behind it, to as many digits; without one, the figure alone.

    >>> confirmed("psnr_db", 30.123, 0.0472)
    '30.12 ± 0.05'
    """
    return (
        shown(column, value) if value is None or spread is None else f"{shown(column, value)} ± {shown(column, spread)}"
    )
