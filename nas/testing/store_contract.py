"""What every store promises: one suite that each implementation passes."""

from __future__ import annotations

from .artifact_promises import ArtifactPromises
from .log_promises import LogPromises
from .search_promises import SearchPromises


class StoreContract(SearchPromises, LogPromises, ArtifactPromises):
    """What every store promises; a test class inherits it and defines the fixture `store`, an empty store.

    Example:
        class TestMemoryStore(StoreContract):
            @pytest.fixture
            def store(self) -> Store:
                return MemoryStore()
    """
