"""Headers with which browsers keep what this service answers to itself; what a route says itself goes before them."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULTS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

CLOSED = b"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

NOTHING = b"default-src 'none'" + CLOSED
"""For JSON, files and whatever else is no page."""

PAGE = (
    b"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    b"sandbox allow-scripts allow-downloads" + CLOSED
)
"""For the page of a front: it draws its plot with the script that it bears, in an origin of its own."""

SITE = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    b"font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For the service's own pages, which say so themselves: their scripts and styles are files of the service."""


class SecureHeaders:
    """ASGI middleware that adds what is not there yet to the headers of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_securely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *missing(message["headers"])]
            await send(message)

        await self._app(scope, receive, send_securely)


def missing(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that an answer still needs."""
    there = {name.lower(): value for name, value in headers}
    added = [(name, value) for name, value in DEFAULTS if name not in there]
    if b"content-security-policy" not in there:
        html = there.get(b"content-type", b"").startswith(b"text/html")
        added.append((b"content-security-policy", PAGE if html else NOTHING))
    return added
