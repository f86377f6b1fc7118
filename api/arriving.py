"""Files that come piece by piece: whole under their name, or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

Received = Callable[[int], None]
"""``on_progress(received)``: bytes that have come so far."""


def keep(chunks: Iterable[bytes], path: Path, on_progress: Received | None = None) -> Path:
    """Write what comes to a file; what breaks off leaves nothing, and a file that was there before as it is."""
    unfinished = path.with_name(path.name + ".part")
    received = 0
    try:
        with unfinished.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                received += len(chunk)
                if on_progress is not None:
                    on_progress(received)
        return unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
