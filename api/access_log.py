"""One line in the log for every request that was answered, and one more in the count.

No header and no query is in it, for they may be secret.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import principal_of

_log = structlog.get_logger(__name__)


Count = Callable[[str, str | None, int, float], object]
"""Told the method, the route's template (None where there is none), the status, and the seconds until the answer."""


class AccessLog:
    """ASGI middleware that logs who asked for what, and how it ended; 500 stands for a request that raised.

    Args:
        app: What answers.
        count: Told of each request.
        clock: Seconds that only grow.
    """

    def __init__(self, app: ASGIApp, count: Count, clock: Callable[[], float] = perf_counter) -> None:
        self._app, self._count, self._clock = app, count, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it once it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start, begun = 500, self._clock(), 0.0

        async def send_and_see(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], self._clock()
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            end = self._clock()
            self._count(scope["method"], template(scope), status, (begun or end) - start)  # streams go on for hours
            spent_ms = round(1000 * (end - start), 1)
            principal = principal_of(scope)
            who = "" if principal is None else principal.name
            _log.info("request", method=scope["method"], path=scope["path"], status=status, ms=spent_ms, who=who)


def template(scope: Scope) -> str | None:
    """The path of the route that answered, its parameters by name; None where no route did."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path
