"""The verbs of `srnas db`: what they print, what they ask, and how they fail."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nas.cli import app
from nas.store.opening import open_store
from nas.testing.filling import fill

RUNNER = CliRunner()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a database in it."""
    home = tmp_path / "home"
    with closing(open_store(f"sqlite:///{home / 'srnas.sqlite'}")) as store:
        fill(store)
    return home


def run(*arguments: object, answer: str = "", code: int = 0) -> str:
    result = RUNNER.invoke(app, ["db", *map(str, arguments)], input=answer)
    assert result.exit_code == code, result.output
    return result.output


def test_an_upgrade_says_what_it_did(tmp_path: Path) -> None:
    made = run("upgrade", "--home", tmp_path)
    assert made.startswith("from an empty database to 00")
    assert run("upgrade", "--home", tmp_path).startswith("nothing to do: it is at revision 00")


def test_a_downgrade_asks_first(home: Path) -> None:
    asked = run("downgrade", "0003", "--home", home, answer="n\n", code=1)
    assert "srnas.sqlite back to revision 0003?" in asked
    assert "sound" in run("check", "--home", home)
    assert "to 0003" in run("downgrade", "0003", "--home", home, answer="y\n")
    assert run("downgrade", "0002", "--yes", "--home", home) == "from 0003 to 0002\n"
    assert run("upgrade", "--home", home).startswith("from 0002 to 00")


def test_an_unknown_revision_is_refused_with_those_that_there_are(home: Path) -> None:
    assert "0001, 0002" in run("downgrade", "0999", "--yes", "--home", home, code=2)


def test_a_check_counts_and_says_that_all_is_well(home: Path) -> None:
    said = run("check", "--home", home)
    assert "candidates              3 rows" in said
    assert said.splitlines()[-1].endswith(": sound")
    found = json.loads(run("check", "--json", "--home", home))
    assert found["sound"] is True
    assert found["revision"] == found["needed"]
    assert (found["damages"], found["differences"], found["rows"]["tokens"]) == ([], [], 1)


def test_a_check_fails_and_says_what_to_do(home: Path) -> None:
    run("downgrade", "0004", "--yes", "--home", home)
    said = run("check", "--home", home, code=1)
    assert "it is at revision 0004, and this srnas needs" in said
    assert "run `srnas db upgrade`" in said
    run("upgrade", "--home", home)
    with closing(sqlite3.connect(home / "srnas.sqlite")) as connection:
        connection.execute("DELETE FROM candidates WHERE ordinal = 0")
        connection.commit()
    found = RUNNER.invoke(app, ["db", "check", "--json", "--home", str(home)])
    assert found.exit_code == 1
    assert json.loads(found.stdout)["damages"] == ["1 rows of artifacts point to no row of candidates"]
    assert "newest backup" in found.stderr


def test_a_backup_is_restored_elsewhere(home: Path, tmp_path: Path) -> None:
    archive, other = tmp_path / "a.zip", tmp_path / "other"
    made = run("backup", archive, "--home", home)
    assert "rows of 11 tables, revision 00" in made
    assert f"lie in {home}: copy it too" in made
    found = RUNNER.invoke(app, ["db", "restore", str(archive), "--json", "--home", str(other)])
    assert found.exit_code == 0
    document = json.loads(found.stdout)
    assert (document["tables"]["candidates"], document["rows"]) == (3, sum(document["tables"].values()))
    assert f"belong into {other}" in found.stderr
    before, after = (json.loads(run("check", "--json", "--home", place))["rows"] for place in (home, other))
    assert after == before == document["tables"]


def test_what_cannot_be_backed_up_or_restored_is_one_message_with_a_hint(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    run("backup", archive, "--home", home)
    refused = run("backup", archive, "--home", home, code=2)
    assert "not there yet" in refused
    assert "Name another file" in refused
    assert "nothing is merged" in run("restore", archive, "--home", home, code=1)
    assert "No such file" in run("restore", tmp_path / "none.zip", "--home", tmp_path / "b", code=1)
    (tmp_path / "text.zip").write_text("no archive")
    assert "db backup" in run("restore", tmp_path / "text.zip", "--home", tmp_path / "b", code=1)
    assert "no such file" in run("backup", tmp_path / "b.zip", "--home", tmp_path / "b", code=1)
    assert not (tmp_path / "b").exists()
