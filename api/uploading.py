"""Sending a file to a service, piece by piece, so that none is too large and the sender sees how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx

from .connection import Connection, Model

CHUNK = 2**18
"""Bytes that are read and sent at once."""

STALLED_S = 30.0
"""Seconds without a byte going out after which the service counts as gone."""

UNPACKING_S = 600.0
"""Seconds that a service may take to look through an archive that it has received."""

Sent = Callable[[int, int], None]
"""``on_progress(sent, total)``: bytes sent so far, of how many."""


def upload(connection: Connection, model: type[Model], path: str, archive: Path, on_progress: Sent | None) -> Model:
    """PUT a zip file and read the JSON answer; `ApiError`, `OSError` when the file cannot be read."""
    total = archive.stat().st_size
    headers = {"Content-Type": "application/zip", "Content-Length": str(total)}
    timeout = httpx.Timeout(STALLED_S, read=UNPACKING_S)
    with archive.open("rb") as file:
        content = _chunks(file, total, on_progress)
        return connection.ask(model, "PUT", path, content=content, headers=headers, timeout=timeout)


def _chunks(file: BinaryIO, total: int, on_progress: Sent | None) -> Iterator[bytes]:
    sent = 0
    while chunk := file.read(CHUNK):
        yield chunk
        sent += len(chunk)
        if on_progress is not None:
            on_progress(sent, total)
