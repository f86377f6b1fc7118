"""What is wrong with an input, as values: every problem is collected, then raised once."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_SHORTENED = reprlib.Repr()
_SHORTENED.maxstring = _SHORTENED.maxother = 120
_SHORTENED.maxlist = _SHORTENED.maxtuple = _SHORTENED.maxdict = 16


NULL = "null"
"""What stands for JSON's null where it may not stand; None says that nothing stands there."""


@dataclass(frozen=True)
class Problem:
    """One field of an input that holds what it may not hold.

    Attributes:
        field: Where it is, as a path: `cells[3].kernel`.
        value: What stands there; None when nothing does.
        allowed: What may stand there, in words.
    """

    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.field}: missing; give {self.allowed}"
        value = NULL if self.value == NULL else _SHORTENED.repr(self.value)
        return f"{self.field}: {value} is not allowed; allowed: {self.allowed}"


def present(value: object) -> object:
    """A value that stands there, for a problem: null is told from nothing."""
    return NULL if value is None else value


def meant(name: str, known: Iterable[str]) -> str:
    """The known name that another one comes close to, as the end of what is allowed; empty where there is none."""
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


@dataclass(frozen=True)
class NoSuchFile(Problem):
    """A file that was named is not there."""

    allowed: str = "a file that is there"

    def __str__(self) -> str:
        return f"{self.field}: no such file: {self.value}"


@dataclass(frozen=True)
class NoSuchFolder(Problem):
    """A folder that was named is not there."""

    allowed: str = "an existing folder"

    def __str__(self) -> str:
        return f"{self.field}: no such folder: {self.value}"


class InvalidInput(ValueError):
    """An input has problems, and here is every one of them.

    Attributes:
        problems: All that was found, in the order of the input; never empty.
        hint: What to do next.
    """

    hint = "Mend each field named here."

    def __init__(self, problems: Iterable[Problem], hint: str | None = None) -> None:
        self.problems = tuple(problems)
        if hint is not None:
            self.hint = hint
        super().__init__("; ".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.problems, self.hint)


class InvalidGenotype(InvalidInput):
    """A genotype describes no network that can be built."""

    hint = "Mend each field named here, or start from a published genotype and change one gene at a time."


class UnknownSpace(InvalidInput):
    """No search space has this name.

    Attributes:
        name: The name that was asked for.
        known: Every name there is.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        names = ", ".join(self.known)
        super().__init__([Problem("space", name, f"one of {names}")], f"Ask for one of {names}.")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.name, self.known)
