"""What routes answer with, as entries of the OpenAPI document; FastAPI describes the JSON of successes by itself."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from .schemas import ProblemView

PROBLEM_JSON = "application/problem+json"

Entries = dict[int | str, dict[str, Any]]

ACCEPTED: Entries = {
    202: {
        "description": "Accepted: look at the Location for what becomes of it.",
        "headers": {"Location": {"description": "Path of what was made.", "schema": {"type": "string"}}},
    }
}

CREATED: Entries = {
    201: {
        "description": "There it is, whether by this request or by an earlier one like it.",
        "headers": {"Location": {"description": "Path of what was made.", "schema": {"type": "string"}}},
    }
}


TOKEN_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "`srnas token create` makes tokens. None is needed on the machine itself, unless settings say so.",
}


def problems(*statuses: int) -> Entries:
    """The problems that a route answers with; a defect is possible anywhere."""
    return {
        status: {"model": ProblemView, "description": HTTPStatus(status).phrase} for status in sorted({*statuses, 500})
    }


def content(description: str, *media_types: str, **schema: str) -> Entries:
    """A success that is no JSON, or not only."""
    schema = {"type": "string"} | schema
    return {200: {"description": description, "content": {name: {"schema": schema} for name in media_types}}}


def tidied(document: dict[str, Any], is_open: Callable[[str], bool]) -> dict[str, Any]:
    """FastAPI's document with the media type that problems have, without its own form of them, and with the guards'.

    Args:
        document: It is changed.
        is_open: Whether a path can be looked at without a token.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            guarded = _guarded(method, is_open=is_open(path))
            operation["responses"] = {
                status: _as_problem(response) if int(status) >= 400 else response
                for status, response in sorted((guarded | operation["responses"]).items())
                if "HTTPValidationError" not in str(response)
            }
            operation["security"] = [] if is_open(path) else [{"token": []}]
    document["components"]["securitySchemes"] = {"token": TOKEN_SCHEME}
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document


def _guarded(method: str, *, is_open: bool) -> dict[str, dict[str, Any]]:
    """The problems that a request may meet before it comes to its route."""
    closed = [HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE]
    changing = [HTTPStatus.FORBIDDEN] if method not in ("get", "head") else []
    statuses = [HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS, *changing, *([] if is_open else closed)]
    schema = {"$ref": "#/components/schemas/ProblemView"}
    return {
        str(status.value): {"description": status.phrase, "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }


def _as_problem(response: dict[str, Any]) -> dict[str, Any]:
    (described,) = response["content"].values()
    return {**response, "content": {PROBLEM_JSON: described}}
