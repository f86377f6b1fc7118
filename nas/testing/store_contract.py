"""What every store promises: one suite that each implementation passes."""

from __future__ import annotations

from .access_promises import AccessPromises
from .action_promises import ActionPromises
from .artifact_promises import ArtifactPromises
from .dataset_promises import DatasetPromises
from .event_promises import EventPromises
from .fencing_promises import FencingPromises
from .ledger_promises import LedgerPromises
from .log_promises import LogPromises
from .parallelism_promises import ParallelismPromises
from .queue_promises import QueuePromises
from .reading_promises import ReadingPromises
from .request_promises import RequestPromises
from .search_promises import SearchPromises
from .training_promises import TrainingPromises
from .worker_promises import WorkerPromises


class StoreContract(
    SearchPromises,
    RequestPromises,
    ActionPromises,
    QueuePromises,
    ParallelismPromises,
    LogPromises,
    LedgerPromises,
    ReadingPromises,
    EventPromises,
    WorkerPromises,
    TrainingPromises,
    FencingPromises,
    ArtifactPromises,
    DatasetPromises,
    AccessPromises,
):
    """What every store promises; a test class inherits it and defines the fixture `store`, an empty store.

    Example:
        class TestMemoryStore(StoreContract):
            @pytest.fixture
            def store(self) -> Store:
                return MemoryStore()
    """
