"""Curves and bars as the geometry of small SVG pictures. Knows neither what they tell of nor how they are coloured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 220
LEFT, RIGHT, TOP, BOTTOM = 76, 30, 12, 44
"""Room for the figures and words around the plot, in units of the picture."""

TICKS = 5
"""At most about so many along an axis."""

LARGEST = 1e7
"""Figures from here on, as the losses of a training that diverges are, have no room beside an axis in full."""

NARROWEST = 2e-4
"""Least height of a plot, as a share of its figures: a line that hardly changes looks level."""


@dataclass(frozen=True)
class Tick:
    """A figure beside an axis, and where."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A bar of a picture, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A small picture of figures.

    Attributes:
        title: What it shows.
        words: The same for those who do not see it.
        x_name: What lies along the bottom.
        y_name: What rises.
        x_ticks: Figures along the bottom.
        y_ticks: Figures along the left.
        line: Points of an SVG polyline; empty where there are bars.
        bars: Bars; none where there is a line.
        end: The last point of the line; None where there are bars.
        rows: Its figures, along and up, to six digits.
    """

    title: str
    words: str
    x_name: str
    y_name: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str = ""
    bars: tuple[Bar, ...] = ()
    end: tuple[float, float] | None = None
    rows: tuple[tuple[str, str], ...] = ()


def curve(title: str, points: Sequence[tuple[float, float | None]], *, x_name: str, y_name: str) -> Chart | None:
    """A line through points, from left to right; None where fewer than two of them are finite.

    >>> drawn = curve("loss", [(0, 1.0), (10, 0.5), (20, None)], x_name="step", y_name="loss")
    >>> drawn.line, drawn.words
    ('76.0,12.0 450.0,176.0', 'loss: from 1 at 0 to 0.5 at 10')
    """
    seen = [(x, y) for x, y in points if y is not None and math.isfinite(y)]
    if len(seen) < 2 or seen[0][0] == seen[-1][0]:
        return None
    begin, last = seen[0], seen[-1]
    low, high = min(y for _, y in seen), max(y for _, y in seen)
    room = max(0.0, NARROWEST * max(abs(low), abs(high)) - (high - low)) / 2
    y_ticks = ticks(low - room, high + room)
    low, high = min(y_ticks[0], low), max(y_ticks[-1], high)
    placed = [(_x(x, begin[0], last[0]), _y(y, low, high)) for x, y in seen]
    return Chart(
        title=title,
        words=f"{title}: from {begin[1]:.4g} at {begin[0]:,} to {last[1]:.4g} at {last[0]:,}",
        x_name=x_name,
        y_name=y_name,
        x_ticks=tuple(
            Tick(_x(x, begin[0], last[0]), f"{x:,.0f}")
            for x in ticks(begin[0], last[0])
            if begin[0] <= x <= last[0] and x == round(x)
        ),
        y_ticks=tuple(Tick(_y(y, low, high), text) for y, text in zip(y_ticks, _texts(y_ticks), strict=True)),
        line=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed),
        end=placed[-1],
        rows=tuple((f"{x:.12g}", f"{y:.6g}") for x, y in seen),
    )


def bars(title: str, shares: Sequence[float], *, x_name: str, y_name: str) -> Chart | None:
    """A bar for each share, which lies between 0 and 1; None where there is none."""
    if not shares:
        return None
    step = (WIDTH - LEFT - RIGHT) / len(shares)
    base = _y(0.0, 0.0, 1.0)
    drawn = []
    for number, share in enumerate(shares):
        top = _y(min(max(share, 0.0), 1.0), 0.0, 1.0)
        text = f"band {number + 1} of {len(shares)}: {share:.3f}"
        drawn.append(Bar(LEFT + step * (number + 0.1), top, step * 0.8, base - top, text))
    every = max(1, math.ceil(len(shares) / 8))
    return Chart(
        title=title,
        words=f"{title}, lowest band first: {', '.join(f'{share:.2f}' for share in shares)}",
        x_name=x_name,
        y_name=y_name,
        x_ticks=tuple(Tick(LEFT + step * (n + 0.5), f"{n + 1}") for n in range(0, len(shares), every)),
        y_ticks=tuple(Tick(_y(share, 0.0, 1.0), f"{share:g}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        bars=tuple(drawn),
        rows=tuple((f"{number}", f"{share:.6g}") for number, share in enumerate(shares, start=1)),
    )


def ticks(low: float, high: float) -> list[float]:
    """Round figures that span a range, one step apart.

    >>> ticks(27.13, 28.4), ticks(0, 1000), ticks(3, 3)
    ([27.0, 27.5, 28.0, 28.5], [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0], [2.0, 2.5, 3.0, 3.5, 4.0])
    """
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        margin = abs(low) / 3 if abs(low) > 1e-6 else 1.0
        low, high = low - margin, low + margin
    raw = (high - low) / TICKS
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _texts(even: Sequence[float]) -> list[str]:
    """Figures one step apart, to as many digits as tell them apart; short where there is no room for that.

    >>> _texts([27.0, 27.5]), _texts([0.0, 5e29, 1e30])
    (['27.0', '27.5'], ['0', '5e+29', '1e+30'])
    """
    step = even[1] - even[0]
    digits = max(0, math.ceil(-math.log10(step) - 1e-9))
    fits = digits < 7 and max(map(abs, even)) < LARGEST
    return [f"{value:,.{digits}f}" if fits else f"{value:.3g}" for value in even]


def _x(value: float, low: float, high: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)
