"""The store in memory, put together of its verbs: each is alone under one lock, checked first and then done."""

from __future__ import annotations

from typing import final

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
class MemoryStore(Searches, Claims, LogWrites, Workers, LogReads, Trainings, Artifacts, Datasets, Access):
    """A `nas.store.base.Store` of dictionaries, for any number of threads."""

    def check_schema(self) -> None:
        """See `Store.check_schema`."""

    def close(self) -> None:
        """See `Store.close`."""
