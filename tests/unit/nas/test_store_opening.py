"""Opening a store: what a URL may be, and what is wrong with a file."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from nas.store.base import Store, StoreInUse, StoreUnavailable, WrongSchema
from nas.store.memory import MemoryStore
from nas.store.opening import ALLOWED, open_store
from nas.store.sql.engine import connect
from search_space.errors import InvalidInput


def test_memory_is_opened_by_name() -> None:
    assert isinstance(open_store("memory://"), MemoryStore)


def test_the_folder_of_a_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "srnas.db"
    store = open_store(f"sqlite:///{path}")
    assert store.searches() == []
    store.close()
    assert path.is_file()


@pytest.mark.parametrize(
    "url",
    ["", "srnas.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://localhost/srnas"],
)
def test_a_url_of_no_store_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_store(url)
    (problem,) = caught.value.problems
    assert (problem.field, problem.allowed) == ("database_url", ALLOWED)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(InvalidInput) as caught:
        open_store("mysql://anna:se@cret@host/srnas")
    assert "cret" not in str(caught.value)
    assert "anna" in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql+psycopg://host:port/srnas", "postgresql+psycopg://h/d?x=%zz&port=no"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises((InvalidInput, StoreUnavailable)):
        open_store(url)


@pytest.mark.parametrize("kind", ["postgresql+psycopg", "postgresql", "postgres"])
def test_a_server_that_does_not_answer_is_unavailable(kind: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"postgresql\+psycopg://anna:\*+@127\.0\.0\.1:1") as caught:
        open_store(f"{kind}://anna:secret@127.0.0.1:1/srnas")
    assert "secret" not in str(caught.value)


# -- exclusive -----------------------------------------------------------------------------------------------------


def test_a_file_is_held_by_one_and_the_other_is_told_by_whom(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'srnas.db'}"
    first = open_store(url, exclusive=True)
    with pytest.raises(StoreInUse) as caught:
        open_store(url, exclusive=True)
    assert caught.value.pid == os.getpid()
    assert str(os.getpid()) in str(caught.value)
    open_store(url).close()  # a reader need not hold it
    first.close()
    first.close()
    open_store(url, exclusive=True).close()


def test_a_file_is_held_under_all_its_names(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "srnas.db")
    store = open_store(f"sqlite:///{tmp_path / 'srnas.db'}", exclusive=True)
    with pytest.raises(StoreInUse):
        open_store(f"sqlite:///{tmp_path / 'link.db'}", exclusive=True)
    store.close()


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'srnas.db'}"
    code = "import sys, time; from nas.store.opening import open_store; s = open_store(sys.argv[1], exclusive=True)"
    code += "; print('held', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", code, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreInUse) as caught:
            open_store(url, exclusive=True)
        assert caught.value.pid == holder.pid
        holder.kill()
    open_store(url, exclusive=True).close()


# -- what is wrong with a file --------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes, not a database\n" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(f"sqlite:///{path}", exclusive=True)
    assert path.read_text().startswith("these are notes")


def test_a_torn_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "srnas.db"
    open_store(f"sqlite:///{path}").close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{path}").searches()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{tmp_path}")


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'srnas.db'}")


@pytest.mark.parametrize("migrate", [True, False])
def test_a_database_of_a_newer_srnas_is_left_alone(tmp_path: Path, migrate: bool) -> None:
    path = tmp_path / "srnas.db"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(WrongSchema, match="newer srnas") as caught:
        open_store(f"sqlite:///{path}", migrate=migrate)
    assert "install" in caught.value.hint


def test_a_database_that_misses_migrations_is_refused_unless_they_may_run(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'srnas.db'}"
    with pytest.raises(WrongSchema, match="no tables of srnas yet") as caught:
        open_store(url, migrate=False)
    assert "srnas db upgrade" in caught.value.hint
    open_store(url).close()
    open_store(url, migrate=False).close()


def test_an_open_store_notices_that_a_newer_srnas_has_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'srnas.sqlite'}"
    store = open_store(url)
    with connect(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongSchema, match="newer srnas"):
        store.check_schema()
    store.close()


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'srnas.db'}"

    def open_and_look(_: int) -> Store:
        store = open_store(url)
        assert store.searches() == []
        return store

    with ThreadPoolExecutor(6) as pool:
        for store in pool.map(open_and_look, range(6)):
            store.close()


def test_a_store_whose_file_loses_its_tables_is_unavailable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'srnas.db'}"
    store = open_store(url)
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE events"))
    engine.dispose()
    with pytest.raises(StoreUnavailable, match="no such table"):
        store.events("00000001")  # type: ignore[arg-type]
    store.close()
