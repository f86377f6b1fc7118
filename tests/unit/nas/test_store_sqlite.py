"""The store in a SQLite file keeps the promises of every store, and those of a file that is shared."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from nas.records import SearchId
from nas.store.base import Store
from nas.store.opening import open_store
from nas.store.sql.engine import connect
from nas.testing import START, StoreContract, make_candidate, make_evaluation, make_progress, make_search, told

ID = SearchId("00000001")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated file without rows, to be copied: faster than migrating for every test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path.read_bytes()


@pytest.fixture
def url(tmp_path: Path, empty_database: bytes) -> str:
    path = tmp_path / "srnas.db"
    path.write_bytes(empty_database)
    return f"sqlite:///{path}"


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        store = open_store(url, migrate=False)
        yield store
        store.close()


def test_what_was_written_is_there_when_the_file_is_opened_again(url: str) -> None:
    store = open_store(url)
    store.add_search(make_search())
    store.close()
    again = open_store(url)
    assert again.search(ID) == make_search()
    again.close()


def test_a_commit_is_on_the_disk_and_readers_do_not_wait(url: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}


def test_two_stores_claim_no_search_twice(url: str) -> None:
    stores = [open_store(url), open_store(url)]
    names = [f"{number:08x}" for number in range(10)]
    for name in names:
        stores[0].add_search(make_search(name))

    def claim_all(store: Store) -> list[str]:
        taken = []
        while lease := store.claim_search("controller", at=START, lease_s=60.0):
            taken.append(lease.search_id)
        return taken

    with ThreadPoolExecutor(2) as pool:
        taken = [name for names in pool.map(claim_all, stores) for name in names]
    for store in stores:
        store.close()
    assert sorted(taken) == names


OTHER_PROCESS = """
import sys
from nas.store.opening import open_store
from nas.testing import make_search

store = open_store(sys.argv[1])
for number in range(100, 130):
    store.add_search(make_search(f"{number:08d}"))
    assert store.events(f"{number:08d}")[0].kind == "submitted"
    assert store.searches(limit=5)
store.close()
"""


def test_another_process_and_several_threads_write_and_read_at_once(url: str) -> None:
    store = open_store(url)
    store.add_search(make_search())
    lease = store.claim_search("controller", at=START, lease_s=60.0)
    assert lease is not None

    def write(first: int) -> None:
        for ordinal in range(first, first + 10):
            candidate = make_candidate(ordinal=ordinal)
            evaluation = make_evaluation(candidate)
            store.record_ask(lease, candidate)
            store.record_tell(lease, told(candidate, evaluation, ordinal), evaluation, make_progress())
            assert store.candidates(ID, after=ordinal - 1, limit=1)[0].evaluation == evaluation

    with subprocess.Popen([sys.executable, "-c", OTHER_PROCESS, url], cwd=Path(__file__).parents[3]) as other:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(write, (0, 100, 200)))
        assert other.wait() == 0
    assert len(store.searches(limit=100)) == 31
    assert [event.ordinal for event in store.events(ID)] == list(range(1, 63))
    store.close()


def test_a_failed_write_leaves_nothing_behind(url: str) -> None:
    store = open_store(url)
    store.add_search(make_search())
    lease = store.claim_search("controller", at=START, lease_s=60.0)
    assert lease is not None
    with pytest.raises(Exception, match="time zone"):
        store.record_ask(lease, make_candidate(asked_at=START.replace(tzinfo=None)))
    assert store.candidates(ID) == []
    assert len(store.events(ID)) == 2
    store.renew_lease(lease, at=START + timedelta(seconds=1), lease_s=60.0)
    store.close()


def test_words_that_no_database_holds_are_written_as_escapes(url: str) -> None:
    store = open_store(url)
    store.add_search(make_search(reason="nul \0, surrogate \udc80"))
    assert store.search(ID).reason == "nul \\x00, surrogate \\udc80"
    store.close()
