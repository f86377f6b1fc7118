"""Searches: submit, list, look, steer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nas.checks import spec_problems
from nas.records import SearchState
from search_space.errors import InvalidInput

from ..deps import JsonObject, ServiceDep
from ..responses import ACCEPTED, problems
from ..schemas import SearchChange, SearchPage, SearchView

router = APIRouter(prefix="/v1/searches", tags=["searches"])

SPEC_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "What to search for.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SearchSpec"}}},
    }
}
"""The body is taken raw, so that the service can report every problem of a spec at once."""


CHANGE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": SearchChange.model_json_schema()}},
    }
}


class SearchesQuery(BaseModel):
    """Which searches to list."""

    model_config = ConfigDict(extra="forbid")

    state: list[SearchState] = Field([], description="Only searches in these states; repeat for several.")
    before: str | None = Field(
        None, pattern=r"^[0-9a-zA-Z]{1,64}$", description="Continue after the search with this id."
    )
    limit: int = Field(50, ge=1, le=200, description="Most searches to return.")


@router.post("", status_code=202, responses={**ACCEPTED, **problems(400, 403, 413, 415, 422)}, openapi_extra=SPEC_BODY)
def submit_search(document: JsonObject, service: ServiceDep, response: Response) -> SearchView:
    """Check a spec and queue its search; a controller takes it from there. Every problem is reported at once."""
    view = SearchView.of(service.submit(document), service.now())
    response.headers["Location"] = view.links["self"]
    return view


@router.get("", responses=problems(404, 422))
def list_searches(query: Annotated[SearchesQuery, Query()], service: ServiceDep) -> SearchPage:
    """List searches, newest first."""
    found = service.searches(states=query.state, before=query.before, limit=query.limit + 1)
    items, now = found[: query.limit], service.now()
    return SearchPage(
        items=[SearchView.of(search, now) for search in items],
        next=items[-1].id if len(found) > query.limit else None,
    )


@router.get("/{search_id}", responses=problems(404))
def get_search(search_id: str, service: ServiceDep) -> SearchView:
    """Look at one search."""
    return SearchView.of(service.search(search_id), service.now())


@router.patch("/{search_id}", responses=problems(400, 403, 404, 409, 413, 415, 422), openapi_extra=CHANGE_BODY)
def change_search(search_id: str, document: JsonObject, service: ServiceDep) -> SearchView:
    """Change how many candidates a search may have in flight. Nothing that is being trained is given up."""
    try:
        change = SearchChange.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(spec_problems(error, SearchChange, {})) from None
    return SearchView.of(service.set_parallelism(search_id, change.parallelism), service.now())


@router.delete("/{search_id}", responses=problems(403, 404, 409))
def delete_search(search_id: str, service: ServiceDep) -> SearchView:
    """Cancel a search that has not ended. Nothing is erased: what it recorded can still be read."""
    return SearchView.of(service.cancel(search_id), service.now())


@router.post("/{search_id}/pause", responses=problems(403, 404, 409))
def pause_search(search_id: str, service: ServiceDep) -> SearchView:
    """Propose nothing more; trainings under way are finished."""
    return SearchView.of(service.pause(search_id), service.now())


@router.post("/{search_id}/resume", responses=problems(403, 404, 409))
def resume_search(search_id: str, service: ServiceDep) -> SearchView:
    """Queue a paused search again."""
    return SearchView.of(service.resume(search_id), service.now())


@router.post("/{search_id}/cancel", responses=problems(403, 404, 409))
def cancel_search(search_id: str, service: ServiceDep) -> SearchView:
    """End a search; what it recorded stays."""
    return SearchView.of(service.cancel(search_id), service.now())
