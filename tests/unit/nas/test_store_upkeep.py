"""An archive holds all of a database, goes into any kind of one, and is refused unless it is whole."""

import json
import sqlite3
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from nas.records import SearchId
from nas.store import upkeep
from nas.store.opening import open_store
from nas.store.refusals import BadArchive, NotEmpty, StoreUnavailable, WrongSchema
from nas.store.sql.tables import metadata
from nas.testing import START, make_search, make_token
from nas.testing.contents import rows_of
from nas.testing.filling import fill
from search_space.errors import InvalidInput


def back_up(url: str, path: Path) -> upkeep.Manifest:
    return upkeep.back_up(url, path, at=START, srnas="1.2.3", on_rows=lambda *_: None)


def restore(url: str, path: Path) -> upkeep.Manifest:
    return upkeep.restore(url, path, on_rows=lambda *_: None)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with something in every column: copying it is quicker than making it."""
    path = tmp_path_factory.mktemp("template") / "filled.db"
    with closing(open_store(f"sqlite:///{path}")) as store:
        fill(store)
    return path.read_bytes()


@pytest.fixture
def url(tmp_path: Path, filled: bytes) -> str:
    (tmp_path / "srnas.db").write_bytes(filled)
    return f"sqlite:///{tmp_path / 'srnas.db'}"


@pytest.fixture
def new(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'elsewhere' / 'new.db'}"


def test_every_column_of_every_table_makes_the_round_trip(url: str, new: str, tmp_path: Path) -> None:
    before = rows_of(url)
    empty = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if not any(row[column.name] not in (None, "", 0, [], {}) for row in before[table.name])
    ]
    assert empty == [], "a column in which nothing is written is not tested"
    written = back_up(url, tmp_path / "a.zip")
    assert set(written.tables) == set(metadata.tables)
    assert (written.created_at, written.srnas, written.rows) == (START, "1.2.3", sum(map(len, before.values())))
    assert restore(new, tmp_path / "a.zip") == written == upkeep.read_manifest(tmp_path / "a.zip")
    assert rows_of(new) == before == rows_of(url)


def test_work_goes_on_in_a_restored_database(url: str, new: str, tmp_path: Path) -> None:
    back_up(url, tmp_path / "a.zip")
    restore(new, tmp_path / "a.zip")
    with closing(open_store(url)) as old, closing(open_store(new)) as store:
        assert store.search(SearchId("00000001")) == old.search(SearchId("00000001"))
        assert store.events(SearchId("00000001")) == old.events(SearchId("00000001"))
        store.add_search(make_search("00000003"))
        assert [entry.ordinal for entry in store.audit()] == list(range(1, len(old.audit()) + 2))
    assert upkeep.check(new).sound


def test_an_archive_is_of_one_moment_though_writers_go_on(url: str, new: str, tmp_path: Path) -> None:
    store, started = open_store(url), threading.Event()
    before = len(store.audit())

    def write() -> None:
        for number in range(30):
            store.add_token(make_token(f"{number:08x}"))

    def once(table: str, *_: int) -> None:
        if not started.is_set():
            started.set()
            pool.submit(write).result()

    with ThreadPoolExecutor(1) as pool:
        upkeep.back_up(url, tmp_path / "a.zip", at=START, srnas="", on_rows=once)
    restore(new, tmp_path / "a.zip")
    with closing(open_store(new)) as restored:
        assert (len(restored.tokens()), len(restored.audit())) == (1, before)
    assert len(store.tokens()) == 31
    store.close()


def test_the_progress_of_each_table_is_told(url: str, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    upkeep.back_up(url, tmp_path / "a.zip", at=START, srnas="", on_rows=lambda *now: seen.append(now))
    assert {table for table, done, total in seen if done == total} == set(metadata.tables)
    assert seen[0][1] == 0


# -- what is refused -------------------------------------------------------------------------------------------------


def test_nothing_is_restored_into_a_database_that_holds_something(url: str, tmp_path: Path) -> None:
    back_up(url, tmp_path / "a.zip")
    before = rows_of(url)
    with pytest.raises(NotEmpty, match="searches") as caught:
        restore(url, tmp_path / "a.zip")
    assert "another" in caught.value.hint
    assert rows_of(url) == before


def test_a_file_that_is_there_is_not_written_over(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(InvalidInput, match="not there yet"):
        back_up(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"


def test_half_an_archive_has_no_name(url: str, tmp_path: Path) -> None:
    def stop(table: str, *_: int) -> None:
        if table == "events":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upkeep.back_up(url, tmp_path / "a.zip", at=START, srnas="", on_rows=stop)
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entries: entries.pop("manifest.json"),
        lambda entries: entries.pop("tables/audit.jsonl"),
        lambda entries: entries.update({"tables/audit.jsonl": b""}),
        lambda entries: entries.update(
            {"tables/tokens.jsonl": entries["tables/tokens.jsonl"].replace(b"anna", b"eve ")}
        ),
        lambda entries: entries.update({"tables/tokens.jsonl": b"[]\n"}),
        lambda entries: entries.update({"tables/tokens.jsonl": b'{"id": "a"}\n'}),
        lambda entries: entries.update({"tables/tokens.jsonl": b"{\n"}),
        lambda entries: entries.update({"manifest.json": b"[]"}),
        lambda entries: entries.update(
            {"manifest.json": entries["manifest.json"].replace(b'"format": 1', b'"format": 2')}
        ),
        lambda entries: entries.update({"manifest.json": entries["manifest.json"].replace(b"tokens", b"tickets")}),
    ],
    ids=["no manifest", "no table", "empty", "changed", "no row", "column", "no JSON", "list", "format", "name"],
)
def test_an_archive_that_is_not_as_it_was_written_restores_nothing(
    url: str, new: str, tmp_path: Path, spoil: object
) -> None:
    back_up(url, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    spoil(entries)  # type: ignore[operator]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(BadArchive) as caught:
        restore(new, tmp_path / "b.zip")
    assert "db backup" in caught.value.hint
    if Path(new.removeprefix("sqlite:///")).exists():
        assert not any(rows_of(new).values())


def test_a_torn_archive_is_refused(url: str, new: str, tmp_path: Path) -> None:
    back_up(url, tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.zip").write_bytes(b"\0" * 2000 + whole[2000:])
    for name in ("b.zip", "c.zip"):
        with pytest.raises(BadArchive):
            restore(new, tmp_path / name)


def test_an_archive_of_another_revision_is_refused(url: str, new: str, tmp_path: Path) -> None:
    back_up(url, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest | {"revision": "0001"}))
    with pytest.raises(WrongSchema, match="0001") as caught:
        restore(new, tmp_path / "b.zip")
    assert "1.2.3" in caught.value.hint
    assert not Path(new.removeprefix("sqlite:///")).exists()


def test_a_database_of_another_revision_is_neither_written_nor_read(url: str, tmp_path: Path) -> None:
    back_up(url, tmp_path / "a.zip")
    upkeep.downgrade(url, "0004")
    with pytest.raises(WrongSchema, match="0004"):
        back_up(url, tmp_path / "b.zip")
    with pytest.raises(WrongSchema, match="0004"):
        restore(url, tmp_path / "a.zip")


# -- the schema and the health ---------------------------------------------------------------------------------------


def test_an_upgrade_and_a_downgrade_say_where_they_went(new: str) -> None:
    head = upkeep.upgrade(new)[1]
    assert upkeep.upgrade(new) == (head, head)
    assert upkeep.downgrade(new, "0003") == (head, "0003")
    assert upkeep.upgrade(new) == ("0003", head)
    assert upkeep.downgrade(new, "base") == (head, None)
    assert upkeep.upgrade(new) == (None, head)


@pytest.mark.parametrize("revision", ["0006", "head", "-1", "", "0004"])
def test_a_database_is_only_taken_back_to_an_older_revision(new: str, revision: str) -> None:
    upkeep.upgrade(new)
    upkeep.downgrade(new, "0004")
    with pytest.raises(InvalidInput, match="one before 0004: base, 0001, 0002, 0003"):
        upkeep.downgrade(new, revision)


def test_a_sound_database_is_said_to_be_sound(url: str) -> None:
    health = upkeep.check(url)
    assert health.sound
    assert (health.revision, health.damages, health.differences) == (health.head, (), ())
    assert health.rows == {name: len(rows) for name, rows in rows_of(url).items()}


def test_what_is_wrong_with_a_database_is_said(url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("DELETE FROM searches WHERE id = '00000001'")
        connection.execute("DROP INDEX ix_searches_created_at_id")
        connection.commit()
    health = upkeep.check(url)
    assert not health.sound
    assert "3 rows of candidates point to no row of searches" in health.damages
    assert any("ix_searches_created_at_id" in difference for difference in health.differences)


def test_an_older_database_is_looked_at_as_it_is(url: str) -> None:
    upkeep.downgrade(url, "0002")
    health = upkeep.check(url)
    assert not health.sound
    assert (health.revision, health.rows["searches"]) == ("0002", 2)
    assert "tokens" not in health.rows


def test_no_database_is_made_by_looking_for_one(new: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no such file"):
        upkeep.check(new)
    with pytest.raises(StoreUnavailable, match="no such file"):
        back_up(new, tmp_path / "a.zip")
    with pytest.raises(StoreUnavailable, match="no such file"):
        upkeep.downgrade(new, "0001")
    with pytest.raises(InvalidInput):
        upkeep.check("memory://")
    assert list(tmp_path.iterdir()) == []
