"""An event log as an answer: server-sent events (WHATWG HTML, section 9.2), for as long as the search goes on."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from .errors import Kind, problem_response
from .hub import Hub

EVENT_STREAM = "text/event-stream"

BUSY = Kind(
    503, "too-many-streams", "Too many streams", "Read pages of events (Accept: application/json), or try again."
)
RETRY_AFTER_S = 10

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # proxies shall pass on each event as it comes
    "Vary": "Accept",
}


class EventStream(StreamingResponse):
    """The events of one search as they come; 503 where there are too many such streams.

    Args:
        hub: Who reads the log.
        search_id: Whose events.
        after: Only events with a larger ordinal.
        progress: Whether trainings in flight are told of.
    """

    media_type = EVENT_STREAM

    def __init__(self, hub: Hub, search_id: str, *, after: int, progress: bool) -> None:
        super().__init__((), headers=_HEADERS)
        self._hub, self._search_id = hub, search_id
        self._after, self._progress = after, progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; ends with the search, the client or the process."""
        if self._hub.full:
            detail = "as many streams are open as this process may have, or it is about to stop"
            await problem_response(BUSY, detail, headers={"Retry-After": str(RETRY_AFTER_S)})(scope, receive, send)
            return
        with self._hub.following(self._search_id) as tail:
            async with aclosing(tail.stream(self._after, progress=self._progress)) as chunks:
                self.body_iterator = chunks
                await super().__call__(scope, receive, send)


def asks_for_stream(accept: str) -> bool:
    """Whether an Accept header names event streams; a wildcard does not."""
    return any(part.partition(";")[0].strip().lower() == EVENT_STREAM for part in accept.split(","))


def hub(request: Request) -> Hub:
    """The application's readers of event logs."""
    found: Hub = request.app.state.hub
    return found


HubDep = Annotated[Hub, Depends(hub)]
