"""Each request has an id, its caller's or a new one: it goes back with the answer, and into every line of the log."""

from __future__ import annotations

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, unbind_contextvars

HEADER = b"x-request-id"

SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What a caller, or a proxy before it, may call a request: nothing that a line of a log could be mistaken for."""


class RequestIds:
    """ASGI middleware around all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_id(scope["headers"])

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, name.encode())]
            await send(message)

        bind_contextvars(request=name)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            unbind_contextvars("request", "who")


def request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """The id that a request bears, if it is sane, or a new one."""
    borne = next((value for name, value in headers if name == HEADER), b"")
    return borne.decode() if SANE.fullmatch(borne) else secrets.token_hex(8)
