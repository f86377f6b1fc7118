"""Events: what happened in a search, in order, as pages or as a stream. Who keeps the last ordinal misses nothing.

What a training in flight tells of itself is gone once its candidate was told: ordinals grow, with gaps there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..deps import ServiceDep
from ..responses import Entries, problems
from ..schemas import EventPage, EventView
from ..streaming import EVENT_STREAM, EventStream, HubDep, asks_for_stream

router = APIRouter(prefix="/v1/searches", tags=["events"])

LARGEST = 2**31

Ordinal = Annotated[int, Field(ge=0, le=LARGEST)]

_STREAM: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": 'id: 7\nevent: asked\ndata: {"ordinal":7,"at":"2026-01-01T00:00:00Z","kind":"asked","detail":{}}\n\n',
}

FORMS: Entries = {
    200: {"description": "A page of events, or a stream of them.", "content": {EVENT_STREAM: _STREAM}},
    204: {"description": "The search has ended, and nothing follows: the end of a stream. Nobody need come back."},
}


class EventsQuery(BaseModel):
    """Which events to list."""

    model_config = ConfigDict(extra="forbid")

    after: Ordinal | Literal["latest"] = Field(
        0, description="Only events with a larger ordinal; `latest` for those that happen from now on."
    )
    limit: int = Field(200, ge=1, le=1000, description="Most events to return; a stream has no limit.")
    progress: bool = Field(True, description="Whether `training_progress` events of trainings in flight are listed.")


@router.get("/{search_id}/events", response_model=EventPage, responses={**FORMS, **problems(404, 422, 503)})
def list_events(
    search_id: str,
    query: Annotated[EventsQuery, Query()],
    request: Request,
    response: Response,
    service: ServiceDep,
    hub: HubDep,
    last_event_id: Annotated[
        Ordinal | None, Header(description="The last event of a stream that broke; goes before `after`.")
    ] = None,
) -> EventPage | Response:
    """List what happened in a search, or follow it as it happens.

    With `Accept: text/event-stream` the answer is a stream of server-sent events, each with its ordinal as id and its
    kind as event; the data is what a page has for it. The stream ends when the search has ended and all was sent.
    Whoever comes back with `Last-Event-ID`, as browsers do by themselves, misses nothing, and is answered 204 once
    nothing can follow. Otherwise the answer is a page: ask again with `next` for what happens later.
    """
    after = service.pulse(search_id).event_count if query.after == "latest" else query.after
    if not asks_for_stream(request.headers.get("accept", "")):
        response.headers["Vary"] = "Accept"
        events = service.events(search_id, after=after, limit=query.limit, progress=query.progress)
        return EventPage(items=[EventView.of(event) for event in events], next=events[-1].ordinal if events else after)
    after = after if last_event_id is None else last_event_id
    ended = service.search(search_id).state.ended  # looked at before the events: the last of them is there then
    if ended and not service.events(search_id, after=after, limit=1, progress=query.progress):
        return Response(status_code=204)
    return EventStream(hub, search_id, after=after, progress=query.progress)
