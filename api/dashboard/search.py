"""The page of one search: its front, how it came to it, who works on it, and what happened."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from nas.export.front import cells, columns_of, front_rows, latency_of
from nas.figures import heading, shown
from nas.fronts import Front
from nas.objectives import METRICS
from nas.plots.axes import axis
from nas.records import Search, Worker
from nas.service import Service
from nas.statistics.tables import grids, number

from ..access import Viewer
from ..deps import ServiceDep
from .agreement import rankings, yields
from .log import SORTS, log_before
from .rendering import fragment, page
from .views import called, search_row
from .waiting import waiting
from .wording import span

router = APIRouter(include_in_schema=False)

MEMBERS = 200
"""Most members of the front in the table; the files have every one."""


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


@router.get("/searches/{search_id}")
def show_search(search_id: str, request: Request, service: ServiceDep, who: Viewer) -> Response:
    """Show one search."""
    latest = service.pulse(search_id).event_count  # before the rest: what comes meanwhile is told of again
    search, front, found = service.search(search_id), service.front(search_id), service.statistics(search_id)
    workers = service.workers()
    hands = [hand(worker, service) for worker in workers if worker.search_id == search_id]
    return page(
        request,
        "search.html",
        row=search_row(search, service, who),
        facts=facts(search),
        warnings=search.warnings,
        axes=[axis(column) for column in columns_of(front)],
        members=table_of(search_id, service),
        hypervolume=number(front.hypervolume),
        unbeaten=search.progress.evaluated > 0 and front.hypervolume == 0,
        ended=search.state.ended,
        reference=reference(search),
        hands=hands,
        alone="" if hands else waiting(search.state, workers, lambda other: called(service.search(other))),
        log=log_before(service, search_id, latest + 1),
        sorts=SORTS,
        latest=latest,
        yields=yields(found),
        rankings=rankings(found, search.spec.engine.rung_min_tau),
        grids=grids(found),
    )


def table_of(search_id: str, service: Service) -> str:
    """The members of a front as HTML, made anew where outcomes have come."""

    def made() -> bytes:
        front = service.front(search_id)
        return fragment(
            "search_members.html",
            headings=[heading(column) for column in columns_of(front)],
            members=members(front),
            more=max(0, len(front.members) - MEMBERS),
            note=front.note,
            latency=latency_of(front),
        )

    document = service.standing(search_id).document(("page", "members"), made, of_outcomes=True)
    return document.body.decode()


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


def reference(search: Search) -> str:
    """The reference point of the hypervolume in words; empty before there is one."""
    columns = {name: METRICS[name].column for name in search.reference_point}
    return ", ".join(
        f"{heading(columns[name])} {shown(columns[name], at)}" for name, at in search.reference_point.items()
    )


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


def _candidate(candidate_id: str) -> str:
    return f"/candidates/{candidate_id}"
