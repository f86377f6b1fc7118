"""Many who write to one SQLite file at once: nobody is refused, nothing is lost, and the log stays small."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from nas.records import SearchId
from nas.store.base import Store, StoreUnavailable
from nas.store.opening import open_store
from nas.store.sql import engine as engines
from nas.store.sql import wal
from nas.store.sql.engine import Database, connect
from nas.store.sql.wal import WriteAheadLog
from nas.testing import START, make_candidate, make_evaluation, make_progress, make_search, make_token, told

WRITERS, WRITES = 64, 2


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'srnas.db'}"
    open_store(url).close()
    return url


def test_64_threads_write_at_once_and_nothing_is_lost(url: str) -> None:
    store = open_store(url, migrate=False)

    def work(number: int) -> None:
        store.add_search(make_search(f"{number:08x}"))
        lease = store.claim_search(f"controller-{number}", at=START, lease_s=60.0)
        assert lease is not None
        candidate = make_candidate(lease.search_id)
        evaluation = make_evaluation(candidate, key=lease.search_id)
        store.record_ask(lease, candidate)
        store.record_tell(lease, told(candidate, evaluation), evaluation, make_progress())
        assert store.candidate(candidate.id).evaluation == evaluation

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    found = store.searches(limit=1000)
    assert len(found) == WRITERS
    assert {search.progress.evaluated for search in found} == {1}
    assert {len(store.events(search.id)) for search in found} == {4}
    assert [entry.ordinal for entry in store.audit(limit=1000)] == list(range(1, WRITERS + 1))
    store.close()


PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from nas.store.opening import open_store
from nas.testing import make_token

url, first, threads, writes = sys.argv[1], *map(int, sys.argv[2:])
store = open_store(url)

def write(thread):
    for number in range(writes):
        store.add_token(make_token(f"{first + thread * writes + number:08x}"))
        store.tokens()

with ThreadPoolExecutor(threads) as pool:
    list(pool.map(write, range(threads)))
store.close()
"""


def test_several_processes_of_many_threads_open_a_new_file_and_write_at_once(tmp_path: Path) -> None:
    url, processes, threads = f"sqlite:///{tmp_path / 'new.db'}", 3, 22
    numbers = [str(process * threads * WRITES) for process in range(processes)]
    commands = [[sys.executable, "-c", PROCESS, url, first, str(threads), str(WRITES)] for first in numbers]
    root = Path(__file__).parents[3]
    running = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for command in commands]
    for process in running:
        _, complaint = process.communicate()
        assert (process.returncode, complaint) == (0, "")
    store, written = open_store(url, migrate=False), processes * threads * WRITES
    assert len(store.tokens()) == written
    assert [entry.ordinal for entry in store.audit(limit=1000)] == list(range(1, written + 1))
    store.close()


def _other(url: str) -> sqlite3.Connection:
    """A connection as another process has it."""
    return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)


def test_a_writer_waits_for_one_of_another_process(url: str) -> None:
    store = open_store(url, migrate=False)
    with ThreadPoolExecutor(1) as pool, closing(_other(url)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        written = pool.submit(store.add_search, make_search())
        assert store.searches() == []  # readers do not wait
        assert not written.done()
        connection.execute("COMMIT")
        assert written.result() == make_search()
    store.close()


def test_the_patience_of_a_writer_ends(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0.0)
    store = open_store(url, migrate=False)
    with closing(_other(url)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.add_search(make_search())
        connection.execute("COMMIT")
    assert store.add_search(make_search()) == make_search()
    store.close()


# -- the log that is written ahead -----------------------------------------------------------------------------------


def test_a_large_log_is_emptied_though_readers_come_and_go(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "LARGE_BYTES", 256 * 1024)
    store, log = open_store(url, migrate=False), tmp_path / "srnas.db-wal"
    done, sizes = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            store.searches()

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(40):
            store.add_search(make_search(f"{number:08x}", reason="x" * 20_000))
            sizes.append(log.stat().st_size)
        done.set()
        for reader in readers:
            reader.result()
    assert max(sizes) < 2 * 256 * 1024
    assert min(sizes[20:]) < 256 * 1024
    store.close()


def test_a_log_that_a_reader_holds_grows_to_twice_its_size_before_the_next_attempt(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "LARGE_BYTES", 1)
    monkeypatch.setattr(wal, "PATIENCE_S", 0.0)
    engine = connect(url)
    database, path = Database(engine), tmp_path / "srnas.db-wal"
    log = WriteAheadLog(engine)
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM searches"))
        database.write(lambda connection: connection.execute(text("DELETE FROM searches WHERE 1 = 0")))
        database.write(lambda connection: connection.execute(text("CREATE TABLE more (x)")))
        held = path.stat().st_size
        assert held > 0
        log.shorten()
        assert (path.stat().st_size, log._limit_bytes) == (held, 2 * held)
    log._limit_bytes = 1
    log.shorten()
    assert (path.stat().st_size, log._limit_bytes) == (0, 1)
    database.close()


def test_a_database_without_a_log_has_nothing_to_empty(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'none.db'}")
    WriteAheadLog(engine).shorten()
    assert not (tmp_path / "none.db").exists()
    engine.dispose()


# -- what comes to nothing for no fault of its own -------------------------------------------------------------------


class Refusal(Exception):
    """What a driver raises, with PostgreSQL's code."""

    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate
        super().__init__(f"refused with {sqlstate}")


def _refusing(times: int, sqlstate: str | None, *, broken: bool = False) -> tuple[Callable[..., str], list[int]]:
    calls: list[int] = []

    def query(_: object) -> str:
        calls.append(len(calls))
        if len(calls) <= times:
            raise exc.OperationalError("SELECT", {}, Refusal(sqlstate), connection_invalidated=broken)
        return "done"

    return query, calls


@pytest.fixture
def database(url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(engines, "PAUSE_S", 0.0)
    return Database(connect(url))


@pytest.mark.parametrize("verb", ["read", "write"])
@pytest.mark.parametrize(
    ("sqlstate", "broken"), [("40P01", False), ("40001", False), ("57P01", True), ("57P03", False), (None, True)]
)
def test_what_the_database_ended_is_tried_once_more(
    database: Database, verb: str, sqlstate: str | None, broken: bool
) -> None:
    query, calls = _refusing(1, sqlstate, broken=broken)
    assert getattr(database, verb)(query) == "done"
    assert len(calls) == 2
    query, calls = _refusing(2, sqlstate, broken=broken)
    with pytest.raises(StoreUnavailable, match="refused"):
        getattr(database, verb)(query)
    assert len(calls) == 2
    database.close()


@pytest.mark.parametrize("sqlstate", ["57014", "55P03", "53100", None])
def test_what_would_only_be_refused_again_is_not_tried_again(database: Database, sqlstate: str | None) -> None:
    query, calls = _refusing(1, sqlstate)
    with pytest.raises(StoreUnavailable):
        database.write(query)
    assert len(calls) == 1
    database.close()


def test_a_commit_that_breaks_is_never_repeated(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def query(connection: object) -> None:
        calls.append(connection)

    def lose(_: object) -> None:
        raise exc.OperationalError("COMMIT", {}, Refusal("57P01"), connection_invalidated=True)

    monkeypatch.setattr("sqlalchemy.engine.base.RootTransaction.commit", lose)
    with pytest.raises(StoreUnavailable):
        database.write(query)
    assert len(calls) == 1
    database.close()


def test_a_repeated_verb_says_that_its_work_is_done(url: str) -> None:
    """What a caller finds whose commit went through though nobody told it so."""
    store: Store = open_store(url, migrate=False)
    store.add_token(make_token())
    with pytest.raises(Exception, match="stored already"):
        store.add_token(make_token())
    store.add_search(make_search())
    lease = store.claim_search("controller", at=START, lease_s=60.0)
    assert lease is not None
    store.record_ask(lease, make_candidate())
    with pytest.raises(Exception, match="stored already"):
        store.record_ask(lease, make_candidate())
    assert store.renew_lease(lease, at=START + timedelta(seconds=1), lease_s=60.0)
    assert len(store.events(SearchId("00000001"))) == 3
    store.close()
