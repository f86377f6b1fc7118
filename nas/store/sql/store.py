"""The store in SQL, put together of its verbs: each is one transaction around one query, which other modules know."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from sqlalchemy import Engine

from .migrate import check_revision
from .verbs.access import Access
from .verbs.artifacts import Artifacts
from .verbs.claims import Claims
from .verbs.datasets import Datasets
from .verbs.log import LogWrites
from .verbs.reads import LogReads
from .verbs.searches import Searches
from .verbs.trainings import Trainings
from .verbs.workers import Workers


@final
class SqlStore(Searches, Claims, LogWrites, Workers, LogReads, Trainings, Artifacts, Datasets, Access):
    """A `nas.store.base.Store` on SQLite or PostgreSQL, for any number of threads and processes.

    Args:
        engine: Made by `nas.store.sql.engine.connect`, its tables up to date.
        on_close: Called when the store was closed, e.g. to give up a lock.
    """

    def __init__(self, engine: Engine, *, on_close: Callable[[], None] = lambda: None) -> None:
        super().__init__(engine)
        self._on_close = on_close

    def check_schema(self) -> None:
        """See `Store.check_schema`."""
        self._read(check_revision)

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()
        self._on_close()
