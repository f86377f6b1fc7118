"""The store in memory and the store in a SQLite file answer alike, whatever is asked of them in whatever order."""

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from nas.store.base import Store
from nas.store.opening import open_store
from nas.testing.agreement import StoreAgreement

BOUNDED = settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture
def empty_database(tmp_path: Path) -> bytes:
    """A migrated file without rows; migrating once is enough."""
    path = tmp_path / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path.read_bytes()


def test_memory_and_sqlite_agree(tmp_path: Path, empty_database: bytes) -> None:
    numbers = itertools.count()

    def opened() -> Store:
        path = tmp_path / f"{next(numbers)}.db"
        path.write_bytes(empty_database)
        return open_store(f"sqlite:///{path}", migrate=False)

    run_state_machine_as_test(lambda: StoreAgreement(opened()), settings=BOUNDED)
