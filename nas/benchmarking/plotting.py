"""The picture of a race: hypervolume against evaluations, the mean of each entrant and a band for its interval.

Matplotlib draws it; it comes with pymoo.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .race import Run
from .summary import curves, interval

WIDTH, HEIGHT = 5.2, 4.4
"""Inches of one panel."""

SKIPPED = 0.05
"""Share of the evaluations, from the start, that do not set the scale: every curve climbs steeply there."""

POINTS = 400


def draw(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw a race, a panel for each number in flight, into files of the types that their names end in.

    Args:
        runs: Of a race, in its order.
        paths: Such as `search.svg` and `search.png`.
    """
    panels = [list(group) for _, group in groupby(runs, key=lambda run: run.in_flight)]
    colours = mpl.colormaps["tab10"]
    names = {name: colours(i % 10) for i, name in enumerate(dict.fromkeys(run.entrant for run in runs))}
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "srnas", "font.size": 9}):
        figure = Figure(figsize=(WIDTH * len(panels), HEIGHT), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
        for panel, axis in zip(panels, axes, strict=True):
            _panel(axis, panel, names)
        axes[0].set_ylim(*_limits(runs))
        axes[0].set_ylabel("hypervolume")
        axes[0].legend(frameon=False, loc="lower right")
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, metadata=metadata, dpi=130)


def _panel(axis: Axes, runs: Sequence[Run], colours: dict[str, tuple[float, float, float, float]]) -> None:
    for i, (name, group) in enumerate(groupby(runs, key=lambda run: run.entrant)):
        found = curves(list(group))
        budget = found.shape[1]
        kept = np.unique(np.linspace(1, budget, min(POINTS, budget)).round().astype(int)) - 1
        mean, reach = interval(found[:, kept])
        style = "-" if i < 10 else "--"
        axis.plot(kept + 1, mean, style, color=colours[name], label=name, linewidth=1.5)
        axis.fill_between(kept + 1, mean - reach, mean + reach, color=colours[name], alpha=0.15, linewidth=0)
    axis.set_xlabel("evaluations")
    axis.set_title(f"{runs[0].in_flight} in flight")
    axis.grid(color="#e6eaef")
    axis.spines[["top", "right"]].set_visible(False)


def _limits(runs: Sequence[Run]) -> tuple[float, float]:
    """From the lowest to the highest hypervolume of any run, once the steep start is over."""
    found = curves(runs)
    found = found[:, int(SKIPPED * found.shape[1]) :]
    low, high = float(found.min()), float(found.max())
    margin = 0.02 * (high - low) or 0.01
    return low - margin, high + margin
