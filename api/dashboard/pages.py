"""The pages: which there are, and what of the service each one shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from nas.records import Search, SearchState
from nas.service import Service

from ..access import Viewer
from ..deps import ServiceDep
from .benchmark import benchmark_of, own_row, sets_of
from .rendering import page
from .views import may_submit, model_row, search_row

router = APIRouter(include_in_schema=False)

ROWS = 20
"""On one page."""

READ, READS = 200, 10
"""Searches that are read at once, and how often, for those whose name or owner holds a text."""

Before = Annotated[str | None, Field(pattern=r"^[0-9a-zA-Z]{1,64}$")]


class SearchesView(BaseModel):
    """Which searches a page shows: what its URL says."""

    state: SearchState | Literal[""] = ""
    q: str = Field("", max_length=200)
    before: Before = None

    def matches(self, search: Search) -> bool:
        """Whether a search's id, name or owner holds the text, whatever its case."""
        text = self.q.strip().casefold()
        return any(text in part.casefold() for part in (search.id, search.spec.name, search.owner))

    def url(self, **changes: str | None) -> str:
        """The URL of this view with some changes."""
        query = self.model_dump(mode="json") | changes
        named = {name: value for name, value in query.items() if value}
        return f"/?{urlencode(named)}" if named else "/"


class ModelsView(BaseModel):
    """Which finished models a page shows."""

    before: Before = None


@router.get("/")
def show_searches(
    view: Annotated[SearchesView, Query()], request: Request, service: ServiceDep, who: Viewer
) -> Response:
    """Show searches, newest first."""
    found, before = matching(service, view)
    return page(
        request,
        "searches.html",
        rows=[search_row(search, service, who) for search in found],
        view=view,
        states=list(SearchState),
        older=None if before is None else view.url(before=before),
        filtered=bool(view.state or view.q.strip() or view.before),
        may_submit=may_submit(who),
        base_url=str(request.base_url).rstrip("/"),
        needs_token=request.app.state.gate.required,
    )


@router.get("/models")
def show_models(view: Annotated[ModelsView, Query()], request: Request, service: ServiceDep, _: Viewer) -> Response:
    """Show finished models, newest first."""
    found = service.trainings.models(before=view.before, limit=ROWS + 1)
    models = found[:ROWS]
    measured = {model.training.id: benchmark_of(model.training.id, service) for model in models}
    known = {model_id: document for model_id, document in measured.items() if document is not None}
    return page(
        request,
        "models.html",
        rows=[model_row(model, service) for model in models],
        sets=sets_of(known.values()),
        printed={model_id: own_row(document) for model_id, document in known.items()},
        older=f"/models?before={models[-1].training.id}" if len(found) > ROWS else None,
        newest="/models" if view.before else None,
    )


def matching(service: Service, view: SearchesView) -> tuple[Sequence[Search], str | None]:
    """The searches of a page, and the one to go on after; None where there are no more.

    The store knows no texts, so that with one so many searches are looked through, and whoever wants more goes on.
    """
    states = [view.state] if view.state else []
    by_text, before = bool(view.q.strip()), view.before
    limit = READ if by_text else ROWS + 1
    found: list[Search] = []
    for _ in range(READS):
        read = service.searches(states=states, before=before, limit=limit)
        found += filter(view.matches, read)
        if len(found) > ROWS:
            return found[:ROWS], found[ROWS - 1].id
        if len(read) < limit:
            return found, None
        before = read[-1].id
    return found, before
