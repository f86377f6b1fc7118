"""No question of the store reads all of a table that grows: at 100,000 candidates that would be a quadratic step."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nas.records import SearchId
from nas.store.sql.engine import connect
from nas.store.sql.migrate import upgrade
from nas.store.sql.store import SqlStore
from nas.testing.plans import asked, plan, unindexed, walks


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'srnas.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


def test_every_question_of_what_grows_has_an_index(engine: Engine) -> None:
    assert unindexed(engine, SqlStore(engine)) == {}


def test_candidates_are_looked_up_by_their_numbers(engine: Engine) -> None:
    with asked(engine) as statements:
        SqlStore(engine).candidates(SearchId("00000001"), ordinals=[1, 2])
    with engine.connect() as connection:
        (steps,) = (plan(connection, statement) for statement in statements)
    assert "(search_id=? AND ordinal=?)" in steps[0]


@pytest.mark.parametrize(
    "question", ["SELECT * FROM candidates WHERE operator = 'random'", "DELETE FROM events WHERE kind = 'asked'"]
)
def test_a_question_without_an_index_would_be_found(engine: Engine, question: str) -> None:
    with engine.connect() as connection:
        assert walks(plan(connection, (question, ())))
        assert not walks(plan(connection, ("SELECT * FROM searches", ())))
