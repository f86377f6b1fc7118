"""Events: what happened in a search, in order. A reader that keeps the last ordinal misses nothing.

What a training in flight tells of itself is gone once its candidate was told: ordinals grow, with gaps there.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ..deps import ServiceDep
from ..responses import problems
from ..schemas import EventPage, EventView

router = APIRouter(prefix="/v1/searches", tags=["events"])


class EventsQuery(BaseModel):
    """Which events to list."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, le=2**31, description="Only events with a larger ordinal.")
    limit: int = Field(200, ge=1, le=1000, description="Most events to return.")
    progress: bool = Field(True, description="Whether `training_progress` events of trainings in flight are listed.")


@router.get("/{search_id}/events", responses=problems(404, 422))
def list_events(search_id: str, query: Annotated[EventsQuery, Query()], service: ServiceDep) -> EventPage:
    """List what happened in a search. Ask again with `next` to follow it."""
    events = service.events(search_id, after=query.after, limit=query.limit, progress=query.progress)
    return EventPage(
        items=[EventView.of(event) for event in events], next=events[-1].ordinal if events else query.after
    )
