"""What routes answer with, as entries of the OpenAPI document; FastAPI describes the JSON of successes by itself."""

from __future__ import annotations

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


def problems(*statuses: int) -> Entries:
    """The problems that a route answers with; a defect is possible anywhere."""
    return {
        status: {"model": ProblemView, "description": HTTPStatus(status).phrase} for status in sorted({*statuses, 500})
    }


def content(description: str, *media_types: str, **schema: str) -> Entries:
    """A success that is no JSON, or not only."""
    schema = {"type": "string"} | schema
    return {200: {"description": description, "content": {name: {"schema": schema} for name in media_types}}}


def tidied(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with the media type that problems have, and without its own form of them."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"] = {
                status: _as_problem(response) if int(status) >= 400 else response
                for status, response in operation["responses"].items()
                if "HTTPValidationError" not in str(response)
            }
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document


def _as_problem(response: dict[str, Any]) -> dict[str, Any]:
    (described,) = response["content"].values()
    return {**response, "content": {PROBLEM_JSON: described}}
