"""The store in memory keeps the promises of every store."""

import pytest

from nas.store.base import Store
from nas.store.memory import MemoryStore
from nas.testing import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
