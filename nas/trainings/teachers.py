"""Files that may be named as teachers, by what they say of themselves. Reads headers; needs no torch."""

from __future__ import annotations

import json
from pathlib import Path

from evaluator.metadata import KEY, Metadata
from search_space.errors import InvalidInput

SUFFIX = ".safetensors"
"""How the names of files end that may be teachers: they say which network they hold, and hold no code."""

MOST_BYTES = 2**24
"""Of a header: no network has so many weights that it needs more."""


def described(path: Path) -> Metadata | None:
    """What the weights in a safetensors file belong to, by its header; None where that does not say so.

    Whether the weights are whole, whoever loads them finds out. `OSError`.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        content = file.read(length) if length <= MOST_BYTES else b""
    try:
        return Metadata.from_text(json.loads(content.decode())["__metadata__"][KEY])
    except (InvalidInput, LookupError, TypeError, ValueError, RecursionError):
        return None
