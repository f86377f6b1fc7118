"""What a field of a document may hold, in words: pydantic's complaints without its vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from search_space.errors import meant

from .settings import allowed

WORDS: Mapping[str, str] = {
    "tuple_type": "a list",
    "string_type": "a text",
    "int_type": "an integer",
    "float_type": "a number",
    "string_pattern_mismatch": "a text without control characters",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""By pydantic's type of error, what is allowed."""


def wanted(entry: ErrorDetails, model: type[BaseModel], parts: Mapping[str, type[BaseModel]]) -> str:
    """What may stand where one of pydantic's errors lies.

    Args:
        entry: The error.
        model: Model of the document.
        parts: Models of the document's fields, or of their entries, by name.
    """
    location, kind = entry["loc"], entry["type"]
    part = parts.get(str(location[0]), model) if location else model
    holder = part if len(location) > 1 else model
    if kind == "extra_forbidden":
        return _known_fields(str(location[-1]), holder)
    if kind == "model_type":
        return _object(part)
    if kind == "missing":
        return _object(part) if part is not holder else _value(holder, str(location[-1]))
    if kind in WORDS:
        return WORDS[kind].format(**entry.get("ctx", {}))
    return allowed(entry["msg"])


def _known_fields(name: str, model: type[BaseModel]) -> str:
    return f"only the fields {', '.join(model.model_fields)}{meant(name, model.model_fields)}"


def _object(model: type[BaseModel]) -> str:
    return f"an object with {', '.join(model.model_fields)}"


def _value(model: type[BaseModel], field: str) -> str:
    """A required value, with what its field is for."""
    purpose = (model.model_fields[field].description or "").rstrip(".")
    return f"a value ({purpose[:1].lower()}{purpose[1:]})" if purpose else "a value"
