"""Signing in with a token and out again. The token goes from a form into a cookie, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import ClientDisconnect

from ..cookies import cookie, require_proof, token_of
from ..errors import BadBody, BodyTooLarge, TooManyRequests, Unauthenticated
from ..gate import Gate
from ..limits import neighbourhood
from .rendering import HEADERS, rendered

router = APIRouter(include_in_schema=False)

FORM = "application/x-www-form-urlencoded"
MOST_BYTES, MOST_FIELDS = 4096, 8

_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")

Next = Annotated[str, Query(max_length=2000)]


@router.get("/sign-in")
async def show_sign_in(request: Request, next: Next = "/") -> Response:
    """Ask for a token, unless one is borne already or none is needed."""
    gate: Gate = request.app.state.gate
    token = token_of(request.headers.get("cookie", "").encode("latin-1"))
    if not gate.required:
        return _go(next)
    if token is None:
        return _form(request, next)
    try:
        await gate.bearer_of(f"Bearer {token}".encode(), _address(request))
    except (Unauthenticated, TooManyRequests):
        return _form(request, next, ended=True)
    return _go(next)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Have a browser bear a token, if it is one."""
    fields = await _fields(request)
    gate: Gate = request.app.state.gate
    token, wanted = fields.get("token", "").strip(), fields.get("next", "/")
    if not gate.required:
        return _go(wanted)
    try:
        await gate.bearer_of(f"Bearer {token}".encode("latin-1", "replace"), _address(request))
    except (Unauthenticated, TooManyRequests) as refused:
        return _form(request, wanted, refused=refused)
    answer = _go(wanted)
    answer.headers["Set-Cookie"] = cookie(token, secure=request.url.scheme == "https")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Have a browser forget its token, which stays good; `Forged` where another site's page asks for it."""
    fields = await _fields(request)
    token = token_of(request.headers.get("cookie", "").encode("latin-1"))
    if token is not None:
        require_proof(token, fields.get("csrf", ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.headers["Set-Cookie"] = cookie("", secure=request.url.scheme == "https")
    return answer


def local_path(wanted: str) -> str:
    r"""A path of this service to go to; the front page in place of anything that leads elsewhere.

    >>> local_path("/models?before=1"), local_path("//evil.example"), local_path("/\\evil.example"), local_path("x:y")
    ('/models?before=1', '/', '/', '/')
    """
    return wanted if _LOCAL_PATH.fullmatch(wanted) and not wanted.startswith("/sign-") else "/"


def _go(wanted: str) -> Response:
    return RedirectResponse(local_path(wanted), status_code=303)


def _form(request: Request, wanted: str, *, refused: Exception | None = None, ended: bool = False) -> Response:
    """The form, with what was wrong with what it was sent with."""
    text = rendered(
        request.scope, "sign_in.html", next=local_path(wanted), refused="" if refused is None else str(refused)
    )
    status = 200 if refused is None else 429 if isinstance(refused, TooManyRequests) else 401
    headers = HEADERS | dict(refused.headers if isinstance(refused, TooManyRequests) else {})
    if ended:
        headers["Set-Cookie"] = cookie("", secure=request.url.scheme == "https")
    return HTMLResponse(text, status_code=status, headers=headers)


async def _fields(request: Request) -> Mapping[str, str]:
    """The fields of a form; `BadBody`, `BodyTooLarge`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise BadBody(f"its Content-Type is not {FORM}")
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise BodyTooLarge(f"a form has at most {MOST_BYTES} bytes")
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (ValueError, ClientDisconnect) as error:
        if isinstance(error, BodyTooLarge):
            raise
        raise BadBody("it is no form of a page of this service") from None


def _address(request: Request) -> str:
    return neighbourhood("" if request.client is None else request.client.host)
