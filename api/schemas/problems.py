"""What goes back when a request cannot be answered: problem details (RFC 9457)."""

from __future__ import annotations

import reprlib
from typing import Any

from pydantic import Field

from search_space.errors import Problem

from .wire import Wire, finite

_MAX_TEXT = 200
_SHORTENED = reprlib.Repr()
_SHORTENED.maxstring = _SHORTENED.maxother = _MAX_TEXT


class FieldProblem(Wire):
    """One field of a request that holds what it may not hold."""

    field: str = Field(description="Path of the field, such as `constraints.0.max`.")
    value: bool | int | float | str | None = Field(
        description="What stands there: shortened when long, as text when it is an array or an object."
    )
    allowed: str = Field(description="What may stand there, in words.")

    @classmethod
    def of(cls, problem: Problem) -> FieldProblem:
        """The wire form of a problem."""
        return cls(field=_text(problem.field), value=_scalar(problem.value), allowed=_text(problem.allowed, 2000))

    @property
    def problem(self) -> Problem:
        """The value that the packages below work with."""
        return Problem(self.field, self.value, self.allowed)


class ProblemView(Wire):
    """Why a request was not answered, and what to do next (`application/problem+json`)."""

    type: str = Field(description="Kind of problem, as a URN that does not change.")
    title: str = Field(description="Kind of problem, in words.")
    status: int = Field(description="HTTP status code.")
    detail: str = Field(description="What happened this time.")
    hint: str = Field(description="What to do next.")
    errors: list[FieldProblem] = Field(description="Every field that is wrong; empty when no field is.")


def _scalar(value: Any) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return finite(value)  # type: ignore[no-any-return]  # a float or None
    return _text(value if isinstance(value, str) else _SHORTENED.repr(value))


def _text(value: str, longest: int = _MAX_TEXT) -> str:
    """A text that UTF-8 can carry, shortened."""
    shown = value if len(value) <= longest else value[: longest - 1] + "…"
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
