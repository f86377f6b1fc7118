"""What a search has shown about its own parts, on the wire."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from nas.plots.documents import HistoryDocument
from nas.statistics.documents import Point, Statistics

from .wire import Links


class StatisticsView(Statistics):
    """What a search has shown so far about its operators, its model, its rungs, its seeds and its budget."""

    search_id: str = Field(description="Whose they are.")
    links: Links

    @classmethod
    def of(cls, search_id: str, found: Statistics) -> StatisticsView:
        """The wire form of statistics."""
        return cls(search_id=search_id, links=_links(search_id, "statistics"), **dict(found))


class HistoryView(HistoryDocument):
    """How a search has come to where it is."""

    links: Links

    @classmethod
    def of(cls, search_id: str, points: Sequence[Point]) -> HistoryView:
        """The wire form of a history."""
        return cls(search_id=search_id, points=list(points), links=_links(search_id, "history"))


def _links(search_id: str, name: str) -> dict[str, str]:
    path = f"/v1/searches/{search_id}"
    return {"self": f"{path}/{name}", "search": path}
