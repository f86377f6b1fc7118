"""From what a person names to a document: specs in files, networks by name, text or file."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from search_space.errors import InvalidInput, NoSuchFile, Problem
from search_space.genotype import Genotype
from search_space.published import PUBLISHED


def read_spec(name: str, *, field: str = "SPEC") -> dict[str, Any]:
    """The document of a search, or of its changes.

    Args:
        name: A JSON file, a TOML file (by its suffix ``.toml``), or ``-`` for JSON on stdin.
        field: What problems call it.

    Raises:
        InvalidInput: It cannot be read, is no object, or holds what JSON cannot: NaN, or TOML's dates and times.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        document = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
    except FileNotFoundError:
        raise InvalidInput([NoSuchFile(field, name)], "Look at the name and at the folder.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput([Problem(field, name, f"a readable JSON or TOML file ({error})")]) from error
    if not isinstance(document, dict):
        raise InvalidInput([Problem(field, name, "one JSON object")])
    try:
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput([Problem(field, name, f"values that JSON has ({error})")]) from error
    return document


def read_genotype(name: str) -> Genotype:
    """The network that a published name, a genotype text or a JSON file stands for.

    Raises:
        InvalidInput: It stands for none.
    """
    if name.lower() in PUBLISHED:
        return PUBLISHED[name.lower()].genotype
    if "|" in name:
        return Genotype.parse(name)
    try:
        document = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        allowed = f"one of {', '.join(PUBLISHED)}, a genotype text, or a readable JSON file"
        raise InvalidInput([Problem("GENOTYPE", name, allowed)]) from error
    return Genotype.from_json(document)
