"""Verbs about datasets. Touches no file."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ...records import Dataset


class Datasets(Protocol):
    """Datasets, by name."""

    def add_dataset(self, dataset: Dataset) -> None:
        """Register a dataset; `AlreadyStored` when its name is taken."""
        ...

    def dataset(self, name: str) -> Dataset:
        """One dataset; `NotFound`."""
        ...

    def datasets(self) -> list[Dataset]:
        """Every dataset, by name."""
        ...

    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """Forget a dataset and give it a last time; its files are not touched; `NotFound`."""
        ...
