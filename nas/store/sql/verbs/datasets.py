"""Datasets in SQL, by name."""

from __future__ import annotations

from datetime import datetime

from ....records import Dataset
from .. import book
from ..transactions import Transactions


class Datasets(Transactions):
    """See `nas.store.port.datasets.Datasets`."""

    def add_dataset(self, dataset: Dataset) -> None:
        """See `Store.add_dataset`."""
        self._write(book.add_dataset, dataset)

    def dataset(self, name: str) -> Dataset:
        """See `Store.dataset`."""
        return self._read(book.dataset_named, name)

    def datasets(self) -> list[Dataset]:
        """See `Store.datasets`."""
        return self._read(book.all_datasets)

    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """See `Store.remove_dataset`."""
        return self._write(book.remove_dataset, name, at, by)
