"""What every store promises: one suite that each implementation passes."""

from __future__ import annotations

from .artifact_promises import ArtifactPromises
from .event_promises import EventPromises
from .ledger_promises import LedgerPromises
from .log_promises import LogPromises
from .parallelism_promises import ParallelismPromises
from .search_promises import SearchPromises
from .worker_promises import WorkerPromises


class StoreContract(
    SearchPromises,
    ParallelismPromises,
    LogPromises,
    LedgerPromises,
    EventPromises,
    WorkerPromises,
    ArtifactPromises,
):
    """What every store promises; a test class inherits it and defines the fixture `store`, an empty store.

    Example:
        class TestMemoryStore(StoreContract):
            @pytest.fixture
            def store(self) -> Store:
                return MemoryStore()
    """
