"""Events on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas.records import Event

from .wire import Wire, finite


class EventView(Wire):
    """One change of a search."""

    ordinal: int = Field(description="Its number within the search, from 1.")
    at: datetime = Field(description="When it happened.")
    kind: str = Field(
        description="What happened: submitted, started, asked, told, paused, completed, ...; `training_progress` says "
        "where a training in flight stood, at most once a second, and is gone once its candidate was told."
    )
    detail: dict[str, Any] = Field(description="What a reader needs to know.")

    @classmethod
    def of(cls, event: Event) -> EventView:
        """The wire form of an event."""
        return cls(ordinal=event.ordinal, at=event.at, kind=event.kind, detail=finite(event.detail))


class EventPage(Wire):
    """Some events of a search, in order."""

    items: list[EventView] = Field(description="The events.")
    next: int = Field(description="Give it as `after`, now or later, for what happens after these.")
