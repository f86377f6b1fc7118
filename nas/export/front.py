"""A front as CSV, Markdown, JSON or a page to look at. Knows records only, so that any process may write one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ..figures import confirmed, finite, heading
from ..fronts import Front
from ..latency import latency_note
from ..objectives import METRICS
from ..records import Candidate
from ..scores import candidate_scores
from ..statistics.cloud import Cloud
from ..statistics.documents import Point, Statistics
from . import markdown


def columns_of(front: Front) -> tuple[str, ...]:
    """The columns of figures: the objectives' first and in their order, then what else is found of every network."""
    every = (metric.column for metric in front.search.spec.metrics)
    return tuple(dict.fromkeys((*(objective.column for objective in front.objectives), *every)))


def front_rows(front: Front) -> list[dict[str, Any]]:
    """Return a flat row for each member, in their order.

    Returns:
        Rows with the keys `candidate`, the columns of figures (natural units, None where there is none), `seeds` (from
        how many it was scored), the spread over these of each figure that comes with a training (`psnr_db_spread`, ...;
        None with one seed), `feasible`, `operator`, `digest` and `genotype`, whose text `Genotype.parse` reads.
    """
    return [_row(member, front) for member in front.members]


def _row(member: Candidate, front: Front) -> dict[str, Any]:
    scores, seeds = candidate_scores(member), front.seeds_of(member)
    return {
        "candidate": member.id,
        **{column: finite(scores.get(column)) for column in columns_of(front)},
        "seeds": seeds.count,
        **{f"{column}_spread": seeds.spread.get(column) for column in front.search.spec.found_columns},
        "feasible": member.feasible,
        "operator": member.operator,
        "digest": member.genotype.digest,
        "genotype": str(member.genotype),
    }


def cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """A row's figures as people read them, what seeds leave open behind them."""
    return [confirmed(column, row[column], row.get(f"{column}_spread")) for column in columns]


def to_csv(front: Front) -> str:
    """Return the members as CSV (RFC 4180) under a line of headings; figures in full, empty where there is none."""
    spreads = (f"{column}_spread" for column in front.search.spec.found_columns)
    headings = "candidate", *columns_of(front), "seeds", *spreads
    text = io.StringIO()
    writer = csv.DictWriter(text, (*headings, "feasible", "operator", "digest", "genotype"))
    writer.writeheader()
    writer.writerows(front_rows(front))
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
        "members": [_member(member, front) for member in front.members],
        "latency": latency_of(front),
        "note": front.note,
        "nearest": None if front.nearest is None else _summary(front.nearest),
    }


def _member(member: Candidate, front: Front) -> dict[str, Any]:
    seeds = front.seeds_of(member)
    several = seeds.count > 1
    return _summary(member) | {
        "seeds": seeds.count,
        "mean": dict(seeds.mean) if several else None,
        "spread": dict(seeds.spread) if several else None,
    }


def _summary(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "search_id": candidate.search_id,
        "ordinal": candidate.ordinal,
        "state": candidate.state.value,
        "feasible": candidate.feasible,
        "violation": finite(candidate.violation),
        "genotype": str(candidate.genotype),
        "digest": candidate.genotype.digest,
        "scores": {column: finite(value) for column, value in candidate_scores(candidate).items()},
        "operator": candidate.operator,
        "cached": candidate.cached,
        "rung": candidate.rung,
        "replicate": candidate.replicate,
        "steps": candidate.steps,
        "arm": candidate.arm,
        "survived": candidate.survived,
        "hypervolume": finite(candidate.hypervolume),
    }


def to_markdown(front: Front) -> str:
    """Return the members as a Markdown table of rounded figures under a heading."""
    columns = columns_of(front)
    lines = [
        f"## Front of search {front.search.id}",
        "",
        summary(front),
        "",
        *(line for text in (latency_of(front), front.note) if text for line in (text, "")),
        markdown.table(
            ["candidate", *map(heading, columns), "genotype"],
            [[row["candidate"], *cells(row, columns), f"`{row['genotype']}`"] for row in front_rows(front)],
            texts=(0, len(columns) + 1),
        ),
    ]
    return "\n".join(lines) + "\n"


def to_html(front: Front, cloud: Cloud, statistics: Statistics | None = None, course: Sequence[Point] = ()) -> str:
    """Return a page that needs no network: plots that answer to the mouse, and what they show as tables.

    Args:
        front: What to show.
        cloud: Candidates of the search, all or some, over the same front: to show what its members dominate, and what
            failed.
        statistics: What the search has shown about its parts.
        course: How it has come to where it is.
    """
    from .page import render  # templates take a moment to import

    return render(front, cloud, statistics, course)


def latency_of(front: Front) -> str:
    """Which latency the members are compared by; empty where there is none."""
    evaluations = (member.evaluation for member in front.members)
    return latency_note(front.search.spec, (one.device for one in evaluations if one is not None))


def summary(front: Front) -> str:
    """One line: how many members of how many candidates, by which objectives, and the hypervolume."""
    ways = ", ".join(f"{METRICS[o.metric].name} ({o.sense.value})" for o in front.objectives)
    kept = "feasible candidates" if front.feasible_only else "candidates"
    text = f"{len(front.members)} of {front.scored} {kept} that were scored, by {ways}"
    return text if front.hypervolume is None else f"{text}; hypervolume {front.hypervolume:.4g}"
