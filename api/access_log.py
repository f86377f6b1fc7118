"""One line in the log for every request that was answered: no header and no query is in it, for they may be secret."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import principal_of

_log = structlog.get_logger(__name__)


class AccessLog:
    """ASGI middleware that logs who asked for what, and how it ended; 500 stands for a request that raised."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = perf_counter) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it once it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start = 500, self._clock()

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            spent_ms = round(1000 * (self._clock() - start), 1)
            principal = principal_of(scope)
            who = "" if principal is None else principal.name
            _log.info("request", method=scope["method"], path=scope["path"], status=status, ms=spent_ms, who=who)
