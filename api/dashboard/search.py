"""The page of one search: its front, how it came to it, who works on it, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from nas.export.front import cells, columns_of, front_rows, latency_of
from nas.figures import heading, shown
from nas.fronts import Front
from nas.objectives import METRICS
from nas.records import Event, Search, Worker
from nas.service import Service
from nas.statistics.tables import grids, number

from ..access import Viewer
from ..deps import ServiceDep
from .rendering import page
from .views import search_row
from .wording import span

router = APIRouter(include_in_schema=False)

EVENTS, READ = 50, 400
"""Events on the page, and how far back they are looked for: what trainings in flight told leaves gaps in the log."""

MEMBERS = 200
"""Most members of the front in the table; the files have every one."""


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


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of the front as a row: its id, where it is, and its figures in words."""

    id: str
    href: str
    cells: tuple[str, ...]
    seeds: int
    operator: str


@dataclass(frozen=True, kw_only=True)
class Hand:
    """A worker at a search, and how far the training is that it is at.

    Attributes:
        name: Of the worker.
        place: Machine and device.
        candidate: What it trains.
        href: Where that candidate is.
        phase: What it does to it.
        step: Steps done; 0 before its first word.
        steps: Steps in all; 0 before its first word.
        loss: Of the last steps; empty where not known.
        busy: For how long.
    """

    name: str
    place: str
    candidate: str
    href: str
    phase: str
    step: int
    steps: int
    loss: str
    busy: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An event as a line of the log."""

    ordinal: int
    at: str
    kind: str
    text: str
    href: str


@router.get("/searches/{search_id}")
def show_search(search_id: str, request: Request, service: ServiceDep, who: Viewer) -> Response:
    """Show one search."""
    latest = service.pulse(search_id).event_count  # before the rest: what comes meanwhile is told of again
    search, front = service.search(search_id), service.front(search_id)
    return page(
        request,
        "search.html",
        row=search_row(search, service, who),
        facts=facts(search),
        warnings=search.warnings,
        axes=[axis(column) for column in columns_of(front)],
        headings=[heading(column) for column in columns_of(front)],
        members=members(front),
        more=max(0, len(front.members) - MEMBERS),
        note=front.note,
        latency=latency_of(front),
        hypervolume=number(front.hypervolume),
        hands=[hand(worker, service) for worker in service.workers() if worker.search_id == search_id],
        entries=[entry(event) for event in reversed(last_events(service, search_id, latest))],
        latest=latest,
        grids=grids(service.statistics(search_id)),
    )


def facts(search: Search) -> list[tuple[str, str]]:
    """What was asked for, in few words, each with its label."""
    spec = search.spec
    return [
        ("Space", str(spec.space)),
        ("Task", f"×{spec.scale} {'luma' if spec.channels == 1 else 'RGB'}"),
        ("Objectives", ", ".join(objective.metric for objective in spec.objective_values)),
        ("Protocol", spec.recipe.protocol),
        ("Submitted", f"{search.created_at:%Y-%m-%d %H:%M} UTC"),
    ]


def axis(column: str) -> Axis:
    """A column of figures as an axis of the plot."""
    metric = next(metric for metric in METRICS.values() if metric.column == column)
    return Axis(column=column, title=heading(column), sense=metric.sense.value, spread=not metric.trained)


def members(front: Front) -> list[Member]:
    """The first of a front's members as rows."""
    columns = columns_of(front)
    return [
        Member(
            id=row["candidate"],
            href=_candidate(row["candidate"]),
            cells=tuple(cells(row, columns)),
            seeds=row["seeds"],
            operator=row["operator"],
        )
        for row in front_rows(front)[:MEMBERS]
    ]


def hand(worker: Worker, service: Service) -> Hand:
    """A worker that is at a candidate, as it is now."""
    told, candidate = worker.progress, worker.candidate_id or ""
    return Hand(
        name=worker.name,
        place=f"{worker.node}, {worker.device}" if worker.device else worker.node,
        candidate=candidate,
        href=_candidate(candidate),
        phase="starting" if told is None else told.phase,
        step=0 if told is None else told.step,
        steps=0 if told is None else told.steps,
        loss="" if told is None or told.loss is None else f"{told.loss:.4g}",
        busy=span(worker.busy_s(service.now()) or 0.0),
    )


# -- what happened -----------------------------------------------------------------------------------------------------


def last_events(service: Service, search_id: str, latest: int) -> list[Event]:
    """The last events of a search, oldest first, without what trainings in flight tell of themselves."""
    return service.events(search_id, after=max(0, latest - READ), limit=READ, progress=False)[-EVENTS:]


def entry(event: Event) -> Entry:
    """An event in words."""
    candidate = event.detail.get("candidate")
    return Entry(
        ordinal=event.ordinal,
        at=event.at.isoformat(),
        kind=event.kind.replace("_", " "),
        text=told(event.kind, event.detail),
        href=_candidate(candidate) if isinstance(candidate, str) else "",
    )


def told(kind: str, detail: Mapping[str, Any]) -> str:
    """What an event says beside its kind; empty where that is all.

    >>> told("told", {"ordinal": 3, "psnr_db": 30.0, "operator": "mutation"})
    'candidate 3: 30.00 dB'
    >>> told("paused", {"was": "running", "reason": "by request"})
    'by request'
    """
    if kind == "told":
        failure = detail.get("failure_kind")
        outcome = f"failed, {failure}" if failure else f"{shown('psnr_db', detail.get('psnr_db'))} dB"
        return f"candidate {detail['ordinal']}: {outcome}" + (", known already" if detail.get("cached") else "")
    if kind == "asked":
        return f"candidate {detail['ordinal']}, bred by {detail['operator']}, for rung {detail['rung']}"
    if kind in ("parallelism", "priority"):
        return f"from {_of_all(detail['was'])} to {_of_all(detail[kind])}"
    if kind == "claimed":
        return f"by {detail['owner']}"
    if kind.startswith("training_"):
        return " ".join(str(detail[name]) for name in ("candidate", "reason") if detail.get(name))
    return str(detail.get("reason") or "")


def _of_all(count: int | None) -> str:
    return "every worker" if count is None else str(count)


def _candidate(candidate_id: str) -> str:
    return f"/candidates/{candidate_id}"
