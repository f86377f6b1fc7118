"""A front as CSV, Markdown, JSON or a page to look at. Knows records only, so that any process may write one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ..figures import heading, shown
from ..objectives import METRICS, Objective
from ..records import Candidate, Search
from ..scores import candidate_scores


class Front(Protocol):
    """What can be written: the front that `nas.service` finds, or anything shaped like it."""

    @property
    def search(self) -> Search:
        """Whose."""
        ...

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What was compared."""
        ...

    @property
    def members(self) -> tuple[Candidate, ...]:
        """The non-dominated candidates, in the order to write them in."""
        ...

    @property
    def scored(self) -> int:
        """How many candidates were compared."""
        ...

    @property
    def feasible_only(self) -> bool:
        """Whether infeasible ones were left out."""
        ...

    @property
    def hypervolume(self) -> float | None:
        """At the search's reference point, where it has one."""
        ...


def columns_of(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """The columns of figures: the objectives' first and in their order, then every other metric's."""
    every = (metric.column for metric in METRICS.values())
    return tuple(dict.fromkeys((*(objective.column for objective in objectives), *every)))


def front_rows(candidates: Iterable[Candidate], objectives: Sequence[Objective]) -> list[dict[str, Any]]:
    """Return a flat row for each candidate, in their order.

    Returns:
        Rows with the keys `candidate`, the columns of figures (natural units, None where there is none), `feasible`,
        `operator`, `digest` and `genotype`, whose text `Genotype.parse` reads.
    """
    return [_row(candidate, columns_of(objectives)) for candidate in candidates]


def _row(candidate: Candidate, columns: Sequence[str]) -> dict[str, Any]:
    scores = candidate_scores(candidate)
    return {
        "candidate": candidate.id,
        **{column: _finite(scores.get(column)) for column in columns},
        "feasible": candidate.feasible,
        "operator": candidate.operator,
        "digest": candidate.genotype.digest,
        "genotype": str(candidate.genotype),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def to_csv(front: Front) -> str:
    """Return the members as CSV (RFC 4180) under a line of headings; figures in full, empty where there is none."""
    rows = front_rows(front.members, front.objectives)
    headings = "candidate", *columns_of(front.objectives), "feasible", "operator", "digest", "genotype"
    text = io.StringIO()
    writer = csv.DictWriter(text, headings)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(front: Front) -> dict[str, Any]:
    """Return the front as the service answers with it, without links: a JSON document without NaN."""
    return {
        "search_id": front.search.id,
        "objectives": [
            {"metric": o.metric, "column": o.column, "unit": METRICS[o.metric].unit, "sense": o.sense.value}
            for o in front.objectives
        ],
        "feasible_only": front.feasible_only,
        "scored": front.scored,
        "hypervolume": front.hypervolume,
        "reference_point": dict(front.search.reference_point),
        "members": [_member(candidate) for candidate in front.members],
    }


def _member(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "search_id": candidate.search_id,
        "ordinal": candidate.ordinal,
        "state": candidate.state.value,
        "feasible": candidate.feasible,
        "violation": candidate.violation,
        "genotype": str(candidate.genotype),
        "digest": candidate.genotype.digest,
        "scores": {column: _finite(value) for column, value in candidate_scores(candidate).items()},
        "operator": candidate.operator,
        "cached": candidate.cached,
    }


def to_markdown(front: Front) -> str:
    """Return the members as a Markdown table of rounded figures under a heading."""
    columns = columns_of(front.objectives)
    lines = [
        f"## Front of search {front.search.id}",
        "",
        summary(front),
        "",
        _markdown_row(["candidate", *map(heading, columns), "genotype"]),
        _markdown_row(["---", *["---:"] * len(columns), "---"]),
    ]
    for row in front_rows(front.members, front.objectives):
        figures = (shown(column, row[column]) for column in columns)
        lines.append(_markdown_row([row["candidate"], *figures, f"`{row['genotype']}`"]))
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def to_html(front: Front, candidates: Sequence[Candidate] = ()) -> str:
    """Return a page that needs no network: a plot that answers to the mouse, and the members as a table.

    Args:
        front: What to show.
        candidates: Every candidate of the search, to show what the members dominate, and what failed.
    """
    from .page import render  # plotly takes a second to import

    return render(front, candidates)


def summary(front: Front) -> str:
    """One line: how many members of how many candidates, by which objectives, and the hypervolume."""
    ways = ", ".join(f"{METRICS[o.metric].name} ({o.sense.value})" for o in front.objectives)
    kept = "feasible candidates" if front.feasible_only else "candidates"
    text = f"{len(front.members)} of {front.scored} {kept} that were scored, by {ways}"
    return text if front.hypervolume is None else f"{text}; hypervolume {front.hypervolume:.4g}"
