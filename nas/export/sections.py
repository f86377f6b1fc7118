"""What a page says besides its front: how the search has come to it, and what it has shown about its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import plotly.graph_objects as go

from ..figures import shown
from ..statistics.documents import Point, Statistics
from ..statistics.tables import Grid, grids

INK, FAINT, ACCENT, WARN, GRID = "#1f2933", "#b6c0cb", "#0b6e99", "#c2410c", "#e6eaef"

AXIS = {"gridcolor": GRID, "linecolor": FAINT, "zeroline": False, "ticks": "outside", "tickcolor": FAINT}

FONT = {"family": "system-ui, sans-serif", "color": INK}

HOVER = {"align": "left", "font": {"family": "ui-monospace, monospace", "size": 12}}

CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,  # plotly would offer to upload the search
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
}


def course_section(course: Sequence[Point]) -> str:
    """The hypervolume against evaluations, under a heading; nothing where nothing was told. Needs plotly's script."""
    if not course:
        return ""
    plot = _course_figure(course).to_html(full_html=False, include_plotlyjs=False, div_id="course", config=CONFIG)
    return f"<h2>How it came to this</h2>\n{plot}"


def _course_figure(course: Sequence[Point]) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        name="hypervolume",
        x=[point.evaluations for point in course],
        y=[point.hypervolume for point in course],
        mode="lines",
        line={"color": ACCENT, "width": 2, "shape": "hv"},
        text=[_hover(point) for point in course],
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_layout(
        height=320,
        margin={"l": 70, "r": 20, "t": 20, "b": 60},
        font=FONT,
        plot_bgcolor="white",
        hoverlabel=HOVER,
        xaxis={**AXIS, "title": "evaluations"},
        yaxis={**AXIS, "title": "hypervolume, more is better", "rangemode": "tozero"},
    )
    return figure


def _hover(point: Point) -> str:
    """What the mouse shows: where the search stood after an outcome."""
    hypervolume = "–" if point.hypervolume is None else f"{point.hypervolume:.4g}"
    lines = [f"<b>{point.evaluations:,} evaluations</b>", f"{point.steps:,} steps", f"hypervolume {hypervolume}"]
    lines.append(f"best psnr (dB) {shown('psnr_db', point.best_psnr_db)}")
    return "<br>".join([*lines, f"{point.told_at:%Y-%m-%d %H:%M:%S} UTC"])


def statistics_section(statistics: Statistics | None) -> str:
    """What the search has shown about its parts, as tables under a heading; nothing without statistics."""
    if statistics is None:
        return ""
    return "\n".join(["<h2>What earned its keep</h2>", *map(_grid, grids(statistics))])


def _grid(grid: Grid) -> str:
    note = f"<p>{escape(grid.note)}</p>" if grid.note else ""
    rows = ([escape(cell) for cell in row] for row in grid.rows)
    return f"<h3>{escape(grid.title)}</h3>\n{table(grid.headings, rows)}\n{note}"


def table(headings: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls where it is too wide. Headings are texts; cells are HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'
