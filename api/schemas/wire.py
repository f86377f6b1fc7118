"""What every wire model shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Wire(BaseModel):
    """A frozen JSON object that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def finite(value: Any) -> Any:
    """A JSON value with null for every number in it that JSON cannot carry."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return value


Figure = Annotated[float | None, BeforeValidator(finite)]
"""A number, or null where there is none."""

Figures = Annotated[dict[str, float | None], BeforeValidator(finite)]
"""Numbers by name."""

Links = Annotated[dict[str, str], Field(description="Paths of related resources, by what they are.")]
"""Paths on this server, by what they are."""
