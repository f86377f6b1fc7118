"""What makes a verb of the store in SQL one transaction around one query. Knows no query."""

from __future__ import annotations

from sqlalchemy import Engine

from .engine import Database


class Transactions:
    """A database, read and written a transaction at a time.

    Args:
        engine: Made by `nas.store.sql.engine.connect`, its tables up to date.
    """

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)
        self._read, self._write = self._database.read, self._database.write
