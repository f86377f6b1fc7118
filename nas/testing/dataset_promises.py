"""What every store promises about datasets; a part of `StoreContract`."""

from __future__ import annotations

import pytest

from ..records import DatasetKind
from ..store.base import AlreadyStored, NotFound, Store
from .builders import make_dataset
from .search_promises import LATER


class DatasetPromises:
    """Image folders under names."""

    def test_a_dataset_comes_back_as_it_was_registered(self, store: Store) -> None:
        """Every field, whichever its kind."""
        folder = make_dataset()
        upload = make_dataset("anna's", kind=DatasetKind.UPLOAD, folder="datasets/anna's", sha256="a" * 64, images=2)
        for dataset in (folder, upload):
            store.add_dataset(dataset)
            assert store.dataset(dataset.name) == dataset

    def test_datasets_are_listed_by_name(self, store: Store) -> None:
        """By code point, whatever the language of the database."""
        names = ["b", "a", "B", "_", "é", "a.1", "a-1"]
        for name in names:
            store.add_dataset(make_dataset(name))
        assert [dataset.name for dataset in store.datasets()] == sorted(names)

    def test_a_name_is_taken_once(self, store: Store) -> None:
        """The second dataset of a name is refused; another spelling is another name."""
        store.add_dataset(make_dataset())
        with pytest.raises(AlreadyStored):
            store.add_dataset(make_dataset(images=1))
        store.add_dataset(make_dataset("Photos"))
        assert store.dataset("photos") == make_dataset()

    def test_a_removed_dataset_is_gone_and_its_name_free(self, store: Store) -> None:
        """It is given a last time."""
        store.add_dataset(make_dataset())
        assert store.remove_dataset("photos", at=LATER, by="ben") == make_dataset()
        with pytest.raises(NotFound):
            store.dataset("photos")
        with pytest.raises(NotFound):
            store.remove_dataset("photos", at=LATER, by="ben")
        assert store.datasets() == []
        store.add_dataset(make_dataset(images=7))
        assert store.dataset("photos").images == 7
