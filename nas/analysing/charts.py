"""Curves as SVG, for a page without scripts. It knows nothing of analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WIDTH, HEIGHT = 560, 470
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 48
INK, GRID = "#52606d", "#e6eaef"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a chart.

    Attributes:
        name: What the legend calls it.
        x: Where it has values, rising.
        y: The values.
        colour: Of the line, as CSS has it.
        dashes: SVG's pattern of dashes; empty for a whole line.
    """

    name: str
    x: Array
    y: Array
    colour: str
    dashes: str = ""


def line_chart(curves: Sequence[Curve], *, title: str, x_label: str) -> str:
    """Draw curves over common axes, with a legend above, as one inline SVG element."""
    x_limits = _limits([curve.x for curve in curves], margin=0.0)
    y_limits = _limits([curve.y for curve in curves], margin=0.05)
    across = _Axis(x_limits, (LEFT, WIDTH - RIGHT))
    up = _Axis(y_limits, (HEIGHT - BOTTOM, TOP))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_grid(across, up)}{''.join(_line(curve, across, up) for curve in curves)}{_legend(curves)}"
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle" fill="{INK}">'
        f"{escape(x_label)}</text></svg>"
    )


@dataclass(frozen=True)
class _Axis:
    """From values to pixels."""

    limits: tuple[float, float]
    pixels: tuple[int, int]

    def place(self, value: float) -> float:
        (low, high), (start, end) = self.limits, self.pixels
        return round(start + (value - low) / (high - low) * (end - start), 1)

    def ticks(self) -> list[float]:
        """About five round values."""
        low, high = self.limits
        rough = (high - low) / 5
        power = 10 ** np.floor(np.log10(rough))
        step = float(next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough))
        return [k * step for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _limits(values: Sequence[Array], *, margin: float) -> tuple[float, float]:
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    room = margin * (high - low) or (0.0 if high > low else 0.5)
    return low - room, high + room


def _grid(across: _Axis, up: _Axis) -> str:
    parts = []
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{GRID}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 5}" text-anchor="end" fill="{INK}">{value:.4g}</text>')
    for value in across.ticks():
        x = across.place(value)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{GRID}"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="{INK}">{value:.4g}</text>')
    return "".join(parts)


def _line(curve: Curve, across: _Axis, up: _Axis) -> str:
    points = " ".join(f"{across.place(x)},{up.place(y)}" for x, y in zip(curve.x, curve.y, strict=True))
    dashes = f' stroke-dasharray="{curve.dashes}"' if curve.dashes else ""
    return f'<polyline points="{points}" fill="none" stroke="{curve.colour}" stroke-width="2"{dashes}/>'


def _legend(curves: Sequence[Curve]) -> str:
    parts = []
    for place, curve in enumerate(curves):
        x = LEFT + place * 150
        dashes = f' stroke-dasharray="{curve.dashes}"' if curve.dashes else ""
        parts.append(
            f'<line x1="{x}" x2="{x + 26}" y1="18" y2="18" stroke="{curve.colour}" stroke-width="2"{dashes}/>'
            f'<text x="{x + 34}" y="23" fill="{INK}">{escape(curve.name)}</text>'
        )
    return "".join(parts)
