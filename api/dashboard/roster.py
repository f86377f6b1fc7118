"""The page of all candidates of a search: a table that is filtered, sorted and turned over by its address alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field

from nas.figures import heading, shown
from nas.objectives import METRICS, Sense
from nas.records import Candidate, CandidateState
from nas.service import Service
from nas.statistics.cloud import STATES, Cloud

from ..access import Viewer
from ..deps import ServiceDep
from .rendering import page

router = APIRouter(include_in_schema=False)

ROWS = 50
"""On one page."""

EVERY = 2**31
"""More candidates than a search has."""

ORDINAL = "ordinal"

SENSES: Mapping[str, Sense] = {metric.column: metric.sense for metric in METRICS.values()}

Places = NDArray[np.int64]


def _known(sort: str) -> str:
    if sort.removeprefix("-") not in (ORDINAL, *SENSES):
        raise ValueError(f"{ORDINAL} or any of {', '.join(SENSES)}; a minus before it turns the order round")
    return sort


class CandidatesView(BaseModel):
    """Which candidates a page shows, and in which order: what its address says.

    Attributes:
        state: Only those that stand there; empty for all.
        operator: Only those that it bred; empty for all.
        rung: Only those that were trained to it; None for all.
        sort: By what they rise; with a minus before it, fall.
        page: Which page, from 1.
    """

    state: CandidateState | Literal[""] = ""
    operator: Annotated[str, Field(max_length=200)] = ""
    rung: Annotated[int, Field(ge=0, le=1000)] | Literal[""] = ""
    sort: Annotated[str, AfterValidator(_known)] = f"-{ORDINAL}"
    page: Annotated[int, Field(ge=1, le=EVERY)] = 1

    @property
    def column(self) -> str:
        """By what they are sorted."""
        return self.sort.removeprefix("-")

    @property
    def falls(self) -> bool:
        """Whether the largest comes first."""
        return self.sort.startswith("-")

    @property
    def filtered(self) -> bool:
        """Whether any are left out."""
        return bool(self.state or self.operator or self.rung != "")

    def query(self, **changes: object) -> str:
        """The query of this view with some changes; without what is so anyway.

        >>> CandidatesView(state="failed").query(page=2)
        '?state=failed&page=2'
        """
        told = self.model_dump(mode="json") | changes
        plain = CandidatesView().model_dump(mode="json")
        return f"?{urlencode({name: value for name, value in told.items() if value != plain[name]})}"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that can be sorted by.

    Attributes:
        name: What the address calls it.
        title: What stands over it.
        query: Sorts by it: the best first, or the other way round where it is so already.
        order: As ``aria-sort`` says it; empty where it is sorted by another one.
    """

    name: str
    title: str
    query: str
    order: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A candidate: where it stands, why it is without scores, and its figures in words."""

    id: str
    state: CandidateState
    place: str
    why: str
    operator: str
    rung: int
    cells: tuple[str, ...]


@router.get("/searches/{search_id}/candidates")
def show_candidates(
    search_id: str, view: Annotated[CandidatesView, Query()], request: Request, service: ServiceDep, _: Viewer
) -> Response:
    """Show candidates of a search, by default the newest first."""
    search, cloud = service.search(search_id), service.standing(search_id).cloud(EVERY)
    found = in_order(cloud, matching(cloud, view), view)
    pages = max(1, -(-len(found) // ROWS))
    at = min(view.page, pages)
    names = [name for name, figures in cloud.figures.items() if not np.isnan(figures).all()]
    return page(
        request,
        "candidates.html",
        search=search,
        search_name=search.spec.name or f"Search {search.id}",
        view=view,
        rows=rows_of(cloud, found[(at - 1) * ROWS : at * ROWS], names, service, search_id),
        first=column(ORDINAL, "Candidate", view),
        columns=[column(name, heading(name), view) for name in names],
        states=STATES,
        operators=sorted(cloud.operators),
        rungs=sorted({int(rung) for rung in cloud.rung}),
        count=len(found),
        total=len(cloud.ordinal),
        at=at,
        pages=pages,
    )


def matching(cloud: Cloud, view: CandidatesView) -> Places:
    """Places of the candidates that a view shows, by ordinal."""
    wanted = np.full(len(cloud.ordinal), fill_value=True)
    if view.state:
        wanted &= cloud.state == STATES.index(view.state)
    if view.operator:
        known = cloud.operators.index(view.operator) if view.operator in cloud.operators else -1
        wanted &= cloud.operator == known
    if view.rung != "":
        wanted &= cloud.rung == view.rung
    return np.flatnonzero(wanted)


def in_order(cloud: Cloud, places: Places, view: CandidatesView) -> Places:
    """Places as a view sorts them: those without the figure come last, and of equal ones the newest first.

    Args:
        cloud: Of all candidates.
        places: Which of them, shape (n,), rising.
        view: Says by what.
    """
    if view.column == ORDINAL:
        return places[::-1] if view.falls else places
    newest = places[::-1]
    values = cloud.figures[view.column][newest]
    return newest[np.argsort(-values if view.falls else values, kind="stable")]  # NaN is last either way


def column(name: str, title: str, view: CandidatesView) -> Column:
    """A column as a view has it."""
    first = f"-{name}" if SENSES.get(name, Sense.MAXIMISE) is Sense.MAXIMISE else name
    turned = name if first != name else f"-{name}"
    order = ("descending" if view.falls else "ascending") if view.column == name else ""
    return Column(
        name=name, title=title, query=view.query(sort=turned if view.sort == first else first, page=1), order=order
    )


def rows_of(cloud: Cloud, places: Places, names: Sequence[str], service: Service, search_id: str) -> list[Row]:
    """Candidates of one page, in the order of their places."""
    ordinals = [int(ordinal) for ordinal in cloud.ordinal[places]]
    read = service.candidates(search_id, ordinals=ordinals, limit=None)
    known = {candidate.ordinal: candidate for candidate in read}
    return [
        Row(
            id=known[ordinal].id,
            state=known[ordinal].state,
            place=_place(known[ordinal], on_front=bool(cloud.front[place])),
            why=_why(known[ordinal]),
            operator=known[ordinal].operator,
            rung=known[ordinal].rung,
            cells=tuple(_cell(name, float(cloud.figures[name][place])) for name in names),
        )
        for place, ordinal in zip(places, ordinals, strict=True)
    ]


def _place(candidate: Candidate, *, on_front: bool) -> str:
    """What else is to be known of where a candidate stands."""
    words = ["on the front"] if on_front else []
    words += [f"seed number {candidate.replicate}"] if candidate.replicate else []
    words += ["violates a constraint"] if candidate.violation else []
    words += ["known from another candidate"] if candidate.cached else []
    return ", ".join(words)


def _why(candidate: Candidate) -> str:
    outcome = candidate.evaluation
    if outcome is None or outcome.failure_kind is None:
        return ""
    return f"{outcome.failure_kind}: {outcome.failure_message}"


def _cell(name: str, value: float) -> str:
    return shown(name, None if np.isnan(value) else value)
