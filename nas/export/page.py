"""A front as one HTML page that needs no network: the plot, with plotly's script inlined, and the table below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from ..figures import confirmed, heading
from ..fronts import Front
from ..objectives import METRICS, Objective, Sense
from ..records import Candidate, CandidateState
from ..scores import candidate_scores
from ..statistics.documents import Point, Statistics
from .front import cells, columns_of, front_rows, latency_of, summary
from .sections import ACCENT, AXIS, CONFIG, FAINT, FONT, HOVER, INK, WARN, course_section, statistics_section, table

NO_SPREAD: Mapping[str, float] = {}

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the page may load: nothing but itself, whatever plotly's script holds."""

STYLE = """
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem; color: #1f2933; background: #fff;
       font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
h3 { margin: 1.5rem 0 .25rem; font-size: 1rem; } p { margin: .25rem 0 1rem; color: #52606d; }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
dl div { border: 1px solid #e6eaef; border-radius: 8px; padding: .5rem .9rem; }
dt { font-size: .8rem; color: #52606d; } dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { padding: .35rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e6eaef; }
th { color: #52606d; font-weight: 600; }
th:first-child, td:first-child, td:has(code), .wide:has(code) th:last-child { text-align: left; }
code { font-size: .78rem; }
"""


def render(
    front: Front, candidates: Sequence[Candidate], statistics: Statistics | None = None, course: Sequence[Point] = ()
) -> str:
    """Return the page; see `nas.export.front.to_html`."""
    spec, title = front.search.spec, front.search.spec.name or f"Search {front.search.id}"
    plot = _figure(front, candidates).to_html(full_html=False, include_plotlyjs=True, div_id="front", config=CONFIG)
    about = f"Search {front.search.id}, {front.search.state}: space {spec.space}, x{spec.scale}, {spec.engine.name}."
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width">
<title>{escape(title)} – front</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(about)} {escape(summary(front))}.</p>
{_cards(front, candidates)}
{f"<p>{escape(latency)}.</p>" if (latency := latency_of(front)) else ""}
{f"<p><strong>{escape(front.note)}.</strong></p>" if front.note else ""}
{plot}
{_left_out(front, candidates)}
{_table(front)}
{course_section(course)}
{statistics_section(statistics)}
</body>
</html>
"""


def _cards(front: Front, candidates: Sequence[Candidate]) -> str:
    """The figures that tell a search at a glance."""
    progress, baseline = front.search.progress, front.search.baseline.get("psnr_db")
    best = [score for member in front.members if (score := candidate_scores(member).get("psnr_db")) is not None]
    failed = max(progress.failed, sum(candidate.state is CandidateState.FAILED for candidate in candidates))
    cards = {
        "on the front": f"{len(front.members)}",
        "scored": f"{front.scored}",
        "failed": f"{failed}",
        "best PSNR": f"{max(best):.2f} dB" if best else None,
        "bicubic PSNR": None if baseline is None else f"{baseline:.2f} dB",
        "hypervolume": None if front.hypervolume is None else f"{front.hypervolume:.4g}",
    }
    items = (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in cards.items() if value is not None)
    return f"<dl>{''.join(items)}</dl>"


def _left_out(front: Front, candidates: Sequence[Candidate]) -> str:
    """How many candidates are not drawn, where only some of them are."""
    told = sum(candidate.told_ordinal is not None for candidate in candidates)
    if not candidates or told >= (evaluated := front.search.progress.evaluated):
        return ""
    return (
        f"<p>Beside the front, {told:,} of the {evaluated:,} candidates are drawn, evenly spread over the search.</p>"
    )


def _table(front: Front) -> str:
    columns = columns_of(front)
    rows = (
        [escape(row["candidate"]), *cells(row, columns), f"<code>{escape(row['genotype'])}</code>"]
        for row in front_rows(front)
    )
    return table(("candidate", *map(heading, columns), "genotype"), rows)


def _axes(objectives: Sequence[Objective]) -> tuple[str, str, str | None]:
    """Columns of the horizontal axis, the vertical axis and the colour: a cost, a quality, and what is left."""
    first_up = next((o for o in objectives if o.sense is Sense.MAXIMISE), objectives[0])
    others = sorted((o for o in objectives if o is not first_up), key=lambda o: o.sense is Sense.MAXIMISE)
    cost = "mult_adds" if first_up.column != "mult_adds" else "params"
    x, *rest = [o.column for o in others] or [cost]
    return x, first_up.column, rest[0] if rest else None


def _figure(front: Front, candidates: Sequence[Candidate]) -> go.Figure:
    """The plot: members over what they dominate, infeasible and failed candidates apart, bicubic as a line.

    Shorter trainings than the front's, and those that confirm it, do not compare with it and are left out.
    """
    x, y, colour = _axes(front.objectives)
    spreads = {str(member.id): front.seeds_of(member).spread for member in front.members}
    others = [candidate for candidate in candidates if candidate.id not in spreads and candidate.replicate == 0]
    scored = [c for c in others if c.state is CandidateState.SCORED and c.rung == front.search.spec.recipe.rungs - 1]
    figure = go.Figure()

    def add(name: str, points: Iterable[Candidate], marker: dict[str, Any], **fields: Any) -> None:
        if points := _with(points, x, y):
            figure.add_trace(_trace(name, points, (x, y), marker, spreads, **fields))

    add("dominated", [c for c in scored if c.feasible], {"color": FAINT, "size": 7})
    add("infeasible", [c for c in scored if not c.feasible], {"color": WARN, "size": 7, "symbol": "circle-open"})
    shown_members = _with(front.members, x, y)
    bars = _error_bars(front, shown_members, {"x": x, "y": y})
    add("front", shown_members, _front_marker(shown_members, colour), **_front_line(front), **bars)
    if y in front.search.baseline:
        _add_baseline(figure, front.search.baseline[y])
    _lay_out(figure, x, y, [candidate_scores(c).get(x) for c in (*front.members, *scored)])
    _add_failures(figure, _with((c for c in others if c.state is CandidateState.FAILED), x), x)
    return figure


def _with(candidates: Iterable[Candidate], *columns: str) -> list[Candidate]:
    """Those that have all of these figures, the lowest first on the first of them."""
    found = [c for c in candidates if all(column in candidate_scores(c) for column in columns)]
    return sorted(found, key=lambda c: candidate_scores(c)[columns[0]])


def _trace(
    name: str,
    candidates: Sequence[Candidate],
    axes: tuple[str, str],
    marker: dict[str, Any],
    spreads: Mapping[str, Mapping[str, float]],
    **fields: Any,
) -> go.Scatter:
    scores = [candidate_scores(candidate) for candidate in candidates]
    return go.Scatter(
        name=name,
        x=[score[axes[0]] for score in scores],
        y=[score[axes[1]] for score in scores],
        marker=marker,
        text=[_hover(candidate, spreads.get(candidate.id, {})) for candidate in candidates],
        hovertemplate="%{text}<extra></extra>",
        **{"mode": "markers", **fields},
    )


def _front_marker(members: Sequence[Candidate], colour: str | None) -> dict[str, Any]:
    """Members in one colour, or by a third objective with its scale beside the plot."""
    marker: dict[str, Any] = {"size": 11, "color": ACCENT, "line": {"color": "white", "width": 1}}
    if colour is not None:
        marker["color"] = [candidate_scores(member)[colour] for member in members]
        marker |= {"colorscale": "Viridis", "colorbar": {"title": heading(colour), "thickness": 14}}
    return marker


def _error_bars(front: Front, members: Sequence[Candidate], axes: Mapping[str, str]) -> dict[str, Any]:
    """One standard deviation over the seeds of each member, on the axes that take a training."""
    bars: dict[str, Any] = {}
    for axis, column in axes.items():
        spreads = [front.seeds_of(member).spread.get(column) for member in members]
        if any(spread is not None for spread in spreads):
            bars[f"error_{axis}"] = {"type": "data", "array": spreads, "color": ACCENT, "thickness": 1, "width": 3}
    return bars


def _front_line(front: Front) -> dict[str, Any]:
    """A quality against a cost is a staircase; the shadow on a plane of more objectives is not."""
    if sorted(objective.sign for objective in front.objectives) != [-1, 1]:
        return {}
    return {"mode": "lines+markers", "line": {"color": ACCENT, "width": 1, "shape": "hv"}}


def _add_failures(figure: go.Figure, failed: Sequence[Candidate], x: str) -> None:
    """Failures have costs but no quality: they stand in a strip of their own below the plot."""
    if not failed:
        return
    figure.add_scatter(
        name="failed",
        x=[candidate_scores(candidate)[x] for candidate in failed],
        y=[0.5] * len(failed),
        yaxis="y2",
        mode="markers",
        marker={"size": 8, "symbol": "x-thin", "line": {"color": WARN, "width": 2}},
        text=[_hover(candidate) for candidate in failed],
        hovertemplate="%{text}<extra></extra>",
    )
    strip = {"domain": [0, 0.06], "range": [0, 1], "fixedrange": True, "showgrid": False, "zeroline": False}
    figure.update_layout(
        xaxis={"anchor": "y2"},
        yaxis={"domain": [0.08, 1]},
        yaxis2={**strip, "tickvals": [0.5], "ticktext": ["failed"], "linecolor": FAINT},
    )


def _add_baseline(figure: go.Figure, value: float) -> None:
    figure.add_hline(
        y=value,
        line={"color": INK, "width": 1, "dash": "dot"},
        annotation={"text": f"bicubic {value:.2f}", "font": {"color": INK}, "yanchor": "bottom"},
        annotation_position="top right",
    )


def _lay_out(figure: go.Figure, x: str, y: str, xs: Iterable[float | None]) -> None:
    widths = [value for value in xs if value is not None]
    wide = bool(widths) and min(widths) > 0 and max(widths) > 5 * min(widths)
    figure.update_layout(
        height=560,
        margin={"l": 70, "r": 20, "t": 40, "b": 60},
        font=FONT,
        plot_bgcolor="white",
        hoverlabel=HOVER,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={**AXIS, "title": _axis_title(x), "type": "log" if wide else "linear"},
        yaxis={**AXIS, "title": _axis_title(y)},
    )
    if wide:
        figure.update_xaxes(dtick="D2", tickformat="~s")


def _axis_title(column: str) -> str:
    metric = next(metric for metric in METRICS.values() if metric.column == column)
    better = "more is better" if metric.sense is Sense.MAXIMISE else "less is better"
    return f"{heading(column)}, {better}"


def _hover(candidate: Candidate, spread: Mapping[str, float] = NO_SPREAD) -> str:
    """What the mouse shows: the candidate, its figures or its failure, and a gene a line."""
    lines = [f"<b>{escape(candidate.id)}</b> ({escape(candidate.operator)})"]
    scores = candidate_scores(candidate)
    columns = (metric.column for metric in METRICS.values() if metric.column in scores)
    lines += [f"{heading(name)} {confirmed(name, scores[name], spread.get(name))}" for name in columns]
    if candidate.violation:
        lines.append(f"violates its constraints by {candidate.violation:.3g}")
    if candidate.evaluation is not None and candidate.evaluation.failure_kind is not None:
        message = candidate.evaluation.failure_message
        lines.append(f"{escape(candidate.evaluation.failure_kind)}: {escape(message[:200])}")
    return "<br>".join([*lines, *escape(str(candidate.genotype)).split("|")])
