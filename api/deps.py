"""What routes are given: the service, the settings, and the JSON object in a body."""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any, NoReturn

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from nas.service import Service

from .errors import BadBody, NotJson

MAX_DEPTH = 32
"""Arrays and objects within each other; a spec has six."""

MAX_VALUES = 10_000
"""Keys and values in a document: a spec has thousands where it names networks to begin with."""

_MAX_INTEGER = 2**63 - 1
_TOO_DEEP = f"its arrays or objects are nested more than {MAX_DEPTH} deep"
_TOO_MANY = f"it holds more than {MAX_VALUES} keys and values, or commas"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


async def service(request: Request) -> Service:
    """The service of the application."""
    found: Service = request.app.state.service
    return found


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body, before anything is known of its fields.

    Stricter than the parser of the standard library: no NaN, no infinity, no number that 64 bits cannot hold, no text
    that UTF-8 or a database cannot hold, no deep nesting and no flood of small values. Asking for the JSON media type
    keeps out forms of foreign web pages. How large it may be, `api.guards` sees to.

    Raises:
        NotJson: It does not say that it is JSON.
        BadBody: It is no JSON object, holds such a value, or broke off.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise NotJson(f"the body's Content-Type is {media_type or 'missing'}")
    try:
        return parse_object(await request.body())
    except ClientDisconnect:
        raise BadBody("it broke off") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in some bytes; `BadBody`."""
    if body.count(b",") > MAX_VALUES:  # to parse a flood of values takes a hundred times longer than to count these
        raise BadBody(_TOO_MANY)
    try:
        document = json.loads(body, parse_constant=_refuse, parse_int=_integer, parse_float=_number)
    except RecursionError:
        raise BadBody(_TOO_DEEP) from None
    except ValueError as error:
        raise BadBody(str(error)) from None
    if not isinstance(document, dict):
        raise BadBody("it is JSON, but no object")
    _check_values(document)
    return document


def _check_values(document: dict[str, Any]) -> None:
    """Refuse deep nesting, too many values and texts that cannot be stored; `BadBody`."""
    level: list[Any] = [document]
    count = 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_VALUES:
            raise BadBody(_TOO_MANY)
        texts = (value for value in level if isinstance(value, str))
        if any(map(_UNSTORABLE.search, texts)):
            raise BadBody("a text in it holds NUL or half of a surrogate pair")
        level = [part for value in level for part in _parts(value)]
        if not level:
            return
    raise BadBody(_TOO_DEEP)


def _parts(value: Any) -> list[Any]:
    """What a JSON value holds, keys included."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


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


ServiceDep = Annotated[Service, Depends(service)]
JsonObject = Annotated[dict[str, Any], Depends(json_object)]
