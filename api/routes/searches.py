"""Searches: submit, list, look, steer. Who may steer one is its owner or an admin."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nas.checks import spec_problems
from nas.records import SearchState
from nas.service import Service
from nas.spec import BudgetSpec
from nas.submitting import Accepted
from search_space.errors import InvalidInput, Problem

from ..access import Submitter, require_owner
from ..deps import JsonObject, ServiceDep
from ..freshness import FRESH_HEADERS, NOT_MODIFIED, is_fresh, tag_of
from ..responses import ACCEPTED, Entries, problems
from ..schemas import CloneRequest, SearchChange, SearchPage, SearchView

router = APIRouter(prefix="/v1/searches", tags=["searches"])

REPEATED = "Idempotency-Replayed"

_ACCEPTED_HEADERS = {
    **ACCEPTED[202]["headers"],
    REPEATED: {
        "description": "`true` where an earlier request with the same key was carried out: this is what came of it.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
ACCEPTED_ONCE: Entries = {202: {**ACCEPTED[202], "headers": _ACCEPTED_HEADERS}}

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,255}$",
        description="Any text of the sender's for this request: repeated with it, as after a connection was lost, the "
        "request is carried out once. Remembered for a week; 1 to 255 visible ASCII characters.",
    ),
]


def _body(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A body in the OpenAPI document; it is taken raw, so that every problem of it can be reported at once."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


def _extension_schema() -> dict[str, Any]:
    """The JSON Schema of new limits: what is left out stays as it is."""
    schema = BudgetSpec.model_json_schema()
    fields = {name: {k: v for k, v in field.items() if k != "default"} for name, field in schema["properties"].items()}
    return {**schema, "title": "Extension", "properties": fields, "minProperties": 1}


SPEC_BODY = _body({"$ref": "#/components/schemas/SearchSpec"}, "What to search for.")
CHANGE_BODY = _body(SearchChange.model_json_schema(), "What changes.")
CLONE_BODY = _body(CloneRequest.model_json_schema(), "How the clone differs.")
EXTENSION_BODY = _body(_extension_schema(), "Limits of the budget, none below the present one; null lifts one.")

Model = TypeVar("Model", bound=BaseModel)


class SearchesQuery(BaseModel):
    """Which searches to list."""

    model_config = ConfigDict(extra="forbid")

    state: list[SearchState] = Field([], description="Only searches in these states; repeat for several.")
    before: str | None = Field(
        None, pattern=r"^[0-9a-zA-Z]{1,64}$", description="Continue after the search with this id."
    )
    limit: int = Field(50, ge=1, le=200, description="Most searches to return.")


def _own(search_id: str, service: ServiceDep, asking: Submitter) -> str:
    """The id of a search that whoever asks may change; `NotFound`, `Forbidden`."""
    require_owner(asking, service.search(search_id))
    return search_id


Own = Annotated[str, Depends(_own)]


@router.post(
    "", status_code=202, responses={**ACCEPTED_ONCE, **problems(400, 403, 413, 415, 422)}, openapi_extra=SPEC_BODY
)
def submit_search(
    document: JsonObject, service: ServiceDep, asking: Submitter, response: Response, key: Key = None
) -> SearchView:
    """Check a spec and queue its search; a controller takes it from there. Every problem is reported at once."""
    return _answer(service.accept(document, by=asking.name, key=key), service, response)


@router.get("", responses=problems(404, 422))
def list_searches(query: Annotated[SearchesQuery, Query()], service: ServiceDep) -> SearchPage:
    """List searches, newest first."""
    found = service.searches(states=query.state, before=query.before, limit=query.limit + 1)
    items, now = found[: query.limit], service.now()
    return SearchPage(
        items=[SearchView.of(search, now) for search in items],
        next=items[-1].id if len(found) > query.limit else None,
    )


@router.get("/{search_id}", response_model=SearchView, responses={**NOT_MODIFIED, **problems(404)})
def get_search(
    search_id: str,
    service: ServiceDep,
    response: Response,
    if_none_match: Annotated[str | None, Header(description="The `ETag` of what the sender holds.")] = None,
) -> SearchView | Response:
    """Look at one search. Its `ETag` changes whenever anything about it does."""
    headers = FRESH_HEADERS | {"ETag": tag_of(search_id, service.pulse(search_id))}
    if is_fresh(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return SearchView.of(service.search(search_id), service.now())


@router.patch("/{search_id}", responses=problems(400, 403, 404, 409, 413, 415, 422), openapi_extra=CHANGE_BODY)
def change_search(search_id: Own, document: JsonObject, service: ServiceDep, asking: Submitter) -> SearchView:
    """Change how many candidates a search may have in flight, or its priority. Nothing being trained is given up."""
    change = _read(SearchChange, document)
    if not change.model_fields_set:
        raise InvalidInput([Problem("change", {}, "at least one of parallelism, priority")])
    if "parallelism" in change.model_fields_set:
        service.set_parallelism(search_id, change.parallelism, by=asking.name)
    if "priority" in change.model_fields_set:
        service.set_priority(search_id, change.priority, by=asking.name)
    return SearchView.of(service.search(search_id), service.now())


@router.delete("/{search_id}", responses=problems(403, 404, 409))
def delete_search(search_id: Own, service: ServiceDep, asking: Submitter) -> SearchView:
    """Cancel a search that has not ended. Nothing is erased: what it recorded can still be read."""
    return SearchView.of(service.cancel(search_id, by=asking.name), service.now())


@router.post("/{search_id}/pause", responses=problems(403, 404, 409))
def pause_search(search_id: Own, service: ServiceDep, asking: Submitter) -> SearchView:
    """Propose nothing more; trainings under way are finished."""
    return SearchView.of(service.pause(search_id, by=asking.name), service.now())


@router.post("/{search_id}/resume", responses=problems(403, 404, 409))
def resume_search(search_id: Own, service: ServiceDep, asking: Submitter) -> SearchView:
    """Queue a search again that was paused, or that failed and whose cause was mended."""
    return SearchView.of(service.resume(search_id, by=asking.name), service.now())


@router.post("/{search_id}/cancel", responses=problems(403, 404, 409))
def cancel_search(search_id: Own, service: ServiceDep, asking: Submitter) -> SearchView:
    """End a search for good; what it recorded stays."""
    return SearchView.of(service.cancel(search_id, by=asking.name), service.now())


@router.post("/{search_id}/extend", responses=problems(400, 403, 404, 409, 413, 415, 422), openapi_extra=EXTENSION_BODY)
def extend_search(search_id: Own, document: JsonObject, service: ServiceDep, asking: Submitter) -> SearchView:
    """Give a search more budget; one that has completed is queued again and goes on from where it was."""
    return SearchView.of(service.extend(search_id, document, by=asking.name), service.now())


@router.post(
    "/{search_id}/clone",
    status_code=202,
    responses={**ACCEPTED_ONCE, **problems(400, 403, 404, 413, 415, 422)},
    openapi_extra=CLONE_BODY,
)
def clone_search(
    search_id: str, document: JsonObject, service: ServiceDep, asking: Submitter, response: Response, key: Key = None
) -> SearchView:
    """Queue another search with the spec of this one, or of anybody's, and some changes; it is yours."""
    changes = _read(CloneRequest, document).changes
    return _answer(service.clone(search_id, changes, by=asking.name, key=key), service, response)


def _answer(accepted: Accepted, service: Service, response: Response) -> SearchView:
    view = SearchView.of(accepted.search, service.now())
    response.headers["Location"] = view.links["self"]
    if accepted.repeated:
        response.headers[REPEATED] = "true"
    return view


def _read(model: type[Model], document: dict[str, Any]) -> Model:
    """A body as a model; `InvalidInput` with every problem."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(spec_problems(error, model, {})) from None
