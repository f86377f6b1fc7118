"""The migrations make the tables that the code speaks of, and undo what they made."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from nas.store.sql.engine import connect
from nas.store.sql.migrate import check, downgrade, revision, upgrade


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'srnas.db'}")
    yield engine
    engine.dispose()


def test_an_upgraded_database_has_the_tables_of_the_code(engine: Engine) -> None:
    assert revision(engine) is None
    assert check(engine) != []
    upgrade(engine)
    assert check(engine) == []
    assert revision(engine) is not None


def test_an_upgrade_can_be_repeated(engine: Engine) -> None:
    upgrade(engine)
    upgrade(engine)
    assert check(engine) == []


def test_a_downgrade_to_the_base_leaves_nothing(engine: Engine) -> None:
    upgrade(engine)
    downgrade(engine)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert revision(engine) is None
    upgrade(engine)
    assert check(engine) == []


def test_the_difference_of_a_changed_database_is_told(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_searches_created_at_id"))
    (difference,) = check(engine)
    assert "ix_searches_created_at_id" in difference


def test_the_database_itself_refuses_an_unknown_state_and_an_orphan(engine: Engine) -> None:
    upgrade(engine)
    artifact = "INSERT INTO artifacts (id, candidate_id, format, state, created_at, detail) VALUES "
    for values in (
        "('a', 'none', 'onnx', 'ready', '2026-01-01', '{}')",
        "('a', 'c', 'onnx', 'odd', '2026-01-01', '{}')",
    ):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(artifact + values))
