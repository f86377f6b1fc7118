"""A dataclass of options as JSON Schema: kinds out of its annotations, words out of its docstring.

Knows none of them by name. Says nothing of defaults: where a document names what it starts from, they are the start's.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_type_hints

_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
_ATTRIBUTE = re.compile(r"(\w+): (.*)")


def properties_of(
    options: type, ranges: Mapping[str, tuple[float, float]], choices: Mapping[str, Sequence[object]]
) -> dict[str, dict[str, Any]]:
    """The JSON Schema of each field of a dataclass.

    Args:
        options: The dataclass; its fields are texts, numbers, booleans or choices of texts, or null besides.
        ranges: Least and greatest value of each field that holds a number.
        choices: What each field that holds a word may hold.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Options:
        ...     '''How.
        ...
        ...     Attributes:
        ...         steps: How many.
        ...     '''
        ...     steps: int = 3
        >>> properties_of(Options, {"steps": (1, 9)}, {})
        {'steps': {'type': 'integer', 'minimum': 1, 'maximum': 9, 'description': 'How many.'}}
    """
    words = described(options)
    found = {}
    for name, hint in get_type_hints(options).items():
        schema = _kind(hint)
        if name in choices and schema["type"] == "string":
            schema["enum"] = list(choices[name])
        if name in ranges:
            schema |= dict(zip(("minimum", "maximum"), ranges[name], strict=True))
        if NoneType in get_args(hint):
            schema = {"anyOf": [schema, {"type": "null"}]}
        found[name] = schema | ({"description": words[name]} if name in words else {})
    return found


def described(options: type) -> dict[str, str]:
    """What a class's docstring says of its attributes, by name; nothing where docstrings are stripped."""
    found: dict[str, str] = {}
    name = ""
    for line in (inspect.getdoc(options) or "").partition("Attributes:\n")[2].splitlines():
        if line and not line.startswith(" "):  # another section
            break
        entry = _ATTRIBUTE.fullmatch(line.removeprefix("    "))
        if entry and not line.startswith("     "):
            name, found[entry[1]] = entry[1], entry[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return {name: text.replace("``", "`") for name, text in found.items()}


def _kind(hint: Any) -> dict[str, Any]:
    """The type of a field: that of its values other than null."""
    first = next(part for part in get_args(hint) or (hint,) if part is not NoneType)
    return {"type": _KINDS[first if isinstance(first, type) else type(first)]}
