"""What browsers are shown where programs get problem details: a page with the hint, or the way to sign in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..cookies import cookie, token_of
from ..responses import PROBLEM_JSON
from .rendering import HEADERS, rendered

KEPT = (b"retry-after", b"allow")
"""Headers of a problem that its page bears too."""


class Refusals:
    """ASGI middleware that makes pages of the problems that a person's browser runs into.

    A person's browser is what names ``text/html`` in its Accept header; what takes anything is a program.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        if scope["type"] != "http" or b"text/html" not in dict(scope["headers"]).get(b"accept", b""):
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal headers, body
            if message["type"] == "http.response.start" and _is_problem(message["headers"]):
                headers = message["headers"]
            elif headers is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _answer(scope, json.loads(body), headers)(scope, receive, send)

        await self._app(scope, receive, send_page)


def _is_problem(headers: list[tuple[bytes, bytes]]) -> bool:
    return dict(headers).get(b"content-type", b"").startswith(PROBLEM_JSON.encode())


def _answer(scope: Scope, problem: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> Response:
    if problem["status"] == 401 and scope["method"] in ("GET", "HEAD"):
        return _to_sign_in(scope)
    kept = {name.decode(): value.decode() for name, value in headers if name in KEPT}
    text = rendered(scope, "refusal.html", problem=problem)
    return HTMLResponse(text, status_code=problem["status"], headers=HEADERS | kept)


def _to_sign_in(scope: Scope) -> Response:
    """The way to the form, and back again; a token that is none any more is dropped."""
    query = scope["query_string"].decode("latin-1")
    wanted = scope.get("raw_path", scope["path"].encode()).decode("latin-1") + (f"?{query}" if query else "")
    answer = RedirectResponse(f"/sign-in?{urlencode({'next': wanted})}", status_code=303, headers=HEADERS)
    if token_of(dict(scope["headers"]).get(b"cookie", b"")) is not None:
        answer.headers["Set-Cookie"] = cookie("", secure=scope.get("scheme") == "https")
    return answer
