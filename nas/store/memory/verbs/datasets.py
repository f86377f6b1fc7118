"""Datasets in memory, by name. Touches no file."""

from __future__ import annotations

from datetime import datetime

from ....records import Dataset
from ..state import State
from ..verb import verb


class Datasets(State):
    """See `nas.store.port.datasets.Datasets`."""

    @verb
    def add_dataset(self, dataset: Dataset) -> None:
        """See `Store.add_dataset`."""
        self._book.add_dataset(dataset)

    @verb
    def dataset(self, name: str) -> Dataset:
        """See `Store.dataset`."""
        return self._book.dataset(name)

    @verb
    def datasets(self) -> list[Dataset]:
        """See `Store.datasets`."""
        return self._book.datasets()

    @verb
    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """See `Store.remove_dataset`."""
        return self._book.remove_dataset(name, at, by)
