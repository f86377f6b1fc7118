"""What routes are given: the service, the settings, and the JSON object in a body."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request

from nas.service import Service

from .errors import BadBody, BodyTooLarge, CrossOrigin, NotJson

MAX_BODY_BYTES = 2**20
_MAX_INTEGER = 2**63 - 1


def service(request: Request) -> Service:
    """The service of the application."""
    found: Service = request.app.state.service
    return found


def same_origin(request: Request) -> None:
    """Refuse a change that a page of another origin asks for; `CrossOrigin`.

    Browsers name the page's origin in such requests and let some of them through without asking first.
    """
    origin = request.headers.get("origin")
    if request.method in ("GET", "HEAD", "OPTIONS") or origin is None:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise CrossOrigin(f"the request comes from a page of {origin}")


def plain_path(request: Request) -> None:
    """Answer 404 to a path with NUL in it: nothing has such an id, and databases refuse to look for one."""
    if "\0" in request.url.path:
        raise HTTPException(404, "no such resource")


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body, before anything is known of its fields.

    Stricter than the parser of the standard library: no NaN, no infinity, no number that 64 bits cannot hold, no text
    that UTF-8 or a database cannot hold. Asking for the JSON media type keeps out forms of foreign web pages.

    Raises:
        NotJson: It does not say that it is JSON.
        BodyTooLarge: It has more than `MAX_BODY_BYTES`.
        BadBody: It is no JSON object, or holds such a value.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise NotJson(f"the body's Content-Type is {media_type or 'missing'}")
    return parse_object(await _body(request))


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in some bytes; `BadBody`."""
    try:
        document = json.loads(body, parse_constant=_refuse, parse_int=_integer, parse_float=_number)
    except RecursionError:
        raise BadBody("its arrays or objects are nested too deeply") from None
    except ValueError as error:
        raise BadBody(str(error)) from None
    if not isinstance(document, dict):
        raise BadBody("it is JSON, but no object")
    if not all(map(_storable, _texts(document))):
        raise BadBody("a text in it holds NUL or half of a surrogate pair")
    return document


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"it has more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) < 25 else _MAX_INTEGER + 1
    if abs(value) > _MAX_INTEGER:
        raise ValueError(f"the integer {digits[:25]}... does not fit into 64 bits")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:25]} is too large")
    return value


def _texts(value: Any) -> Iterator[str]:
    """Every key and text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield key
            yield from _texts(entry)


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


ServiceDep = Annotated[Service, Depends(service)]
JsonObject = Annotated[dict[str, Any], Depends(json_object)]
