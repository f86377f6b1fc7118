"""SQLite's write-ahead log, kept short. Knows no table.

SQLite copies the log into the database by itself, but begins it anew only at a moment when nobody reads from it. Where
readers never leave such a moment it would grow for as long as they go on, and every reader would search all of it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import final

from sqlalchemy import Engine

LARGE_BYTES = 16 * 2**20
"""Size from which a log is worth waiting for its readers; SQLite itself tries from 4 MiB on."""

PATIENCE_S = 1.0
"""How long writers wait for those readers."""


@final
class WriteAheadLog:
    """The log beside one SQLite file."""

    def __init__(self, engine: Engine) -> None:
        self._database = Path(engine.url.database or "")
        self._path = Path(f"{self._database}-wal")
        self._limit_bytes = LARGE_BYTES

    def shorten(self) -> None:
        """Empty the log if it is large; where a reader stays too long, not before it is twice as large again.

        To be called between transactions. It is no mistake if it cannot be done: what was committed stays so.
        """
        size_bytes = self._size_bytes()
        if size_bytes < self._limit_bytes:
            return
        emptied = False
        with suppress(sqlite3.Error):
            emptied = self._emptied()
        self._limit_bytes = LARGE_BYTES if emptied else 2 * size_bytes

    def _size_bytes(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _emptied(self) -> bool:
        """Try it on a connection of its own: those of the engine may all be with readers."""
        with closing(sqlite3.connect(self._database, timeout=PATIENCE_S, isolation_level=None)) as connection:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
