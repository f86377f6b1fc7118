"""The migrations make the tables that the code speaks of, and undo what they made."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Inspector, MetaData, create_engine, event, insert, inspect, text
from sqlalchemy.exc import IntegrityError

from nas.records import Artifact, ArtifactState, Candidate, Evaluation, Search
from nas.spec import SearchSpec
from nas.store.base import Store
from nas.store.opening import open_store
from nas.store.sql.engine import connect
from nas.store.sql.mapping import artifact_columns, candidate_columns, evaluation_columns, search_columns
from nas.store.sql.migrate import check, downgrade, revision, upgrade
from nas.store.sql.tables import metadata
from nas.testing import (
    START,
    make_artifact,
    make_candidate,
    make_evaluation,
    make_genotype,
    make_progress,
    make_report,
    make_search,
    make_training,
    told,
)


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


def test_migrated_tables_have_every_constraint_of_the_code(engine: Engine) -> None:
    made = create_engine("sqlite://")
    metadata.create_all(made)
    upgrade(engine)
    assert _constraints(engine) == _constraints(made)
    downgrade(engine, "0002")
    upgrade(engine)
    assert _constraints(engine) == _constraints(made)


@pytest.mark.parametrize("old", ["0001", "0002", "0003", "0004", "0005"])
def test_a_downgrade_leaves_the_tables_of_then(engine: Engine, tmp_path: Path, old: str) -> None:
    then = connect(f"sqlite:///{tmp_path / 'then.db'}")
    upgrade(then, old)
    upgrade(engine)
    downgrade(engine, old)
    assert (_columns(engine), _constraints(engine)) == (_columns(then), _constraints(then))
    then.dispose()


# -- rows that were there ------------------------------------------------------------------------------------------


def test_what_was_recorded_before_rungs_is_kept(engine: Engine) -> None:
    spec = SearchSpec.model_validate({"dataset": {"train": "train"}, "parallelism": 3})
    searches = [make_search(spec=spec, progress=make_progress(2, in_flight=1)), make_search("00000002")]
    asked = [make_candidate(ordinal=n, steps=0, arm="", predicted={}) for n in range(3)]
    unknown = {"steps": 0, "precision": "", "peak_memory_bytes": 0, "setbacks": ()}
    outcomes = [make_evaluation(asked[0], **unknown), make_evaluation(asked[1], failure_kind="diverged", **unknown)]
    told_ones = [told(asked[n], outcomes[n], n, hypervolume=None) for n in range(2)]
    candidates, artifact = [*told_ones, asked[2]], make_artifact()
    upgrade(engine, "0002")
    with engine.begin() as connection:
        _insert(connection, searches, outcomes, candidates, [artifact])

    upgrade(engine)

    with closing(_opened(engine)) as store:
        assert store.candidates(searches[0].id) == candidates
        assert [row.steps for row in store.ledger(searches[0].id)] == [0, 0, 0]
        assert store.artifacts(candidates[0].id) == [artifact]
        unknown_then = {"steps": 0, "validate_s": 0.0, "failures": {}, "retries": 0, "gpu_s": 0.0}
        progress = replace(searches[0].progress, **unknown_then)
        assert store.search(searches[0].id) == replace(searches[0], progress=progress, parallelism=3)
        assert store.search(searches[1].id) == searches[1]
        lease = store.claim_search("controller", at=asked[0].asked_at, lease_s=60.0)
        assert lease is not None
        store.record_ask(lease, make_candidate(ordinal=3, genotype=asked[0].genotype, rung=1))
        store.add_artifact(make_artifact("b", "00000001-3"))
    assert _violations(engine) == []


def test_a_downgrade_keeps_the_highest_rung_of_each_genotype(engine: Engine) -> None:
    trainings = [(0, 0, 0), (0, 1, 0), (0, 1, 1), (1, 0, 0), (2, 0, 0), (2, 2, 0)]
    candidates = [
        make_candidate(ordinal=n, genotype=make_genotype(number), rung=rung, replicate=replicate)
        for n, (number, rung, replicate) in enumerate(trainings)
    ]
    artifacts = [make_artifact(f"a{candidate.ordinal}", candidate.id) for candidate in candidates]
    upgrade(engine)
    with engine.begin() as connection:
        _insert(connection, [make_search()], [], candidates, artifacts)

    downgrade(engine, "0002")

    assert _violations(engine) == []
    upgrade(engine)
    with closing(_opened(engine)) as store:
        kept = store.candidates(make_search().id)
        assert [candidate.ordinal for candidate in kept] == [1, 3, 5]
        assert [candidate.rung for candidate in kept] == [0, 0, 0]
        assert [store.artifacts(candidate.id) for candidate in kept] == [[artifacts[n]] for n in (1, 3, 5)]


def test_a_downgrade_takes_the_progress_of_trainings_out_of_the_log(engine: Engine) -> None:
    upgrade(engine)
    with closing(_opened(engine)) as store:
        store.add_search(make_search())
        lease = store.claim_search("controller", at=START, lease_s=60.0)
        assert lease is not None
        store.record_ask(lease, make_candidate())
        store.record_workers("controller", [], [make_report(lease, make_candidate())], at=START, lease_s=60.0)
    downgrade(engine, "0003")
    upgrade(engine)
    with closing(_opened(engine)) as store:
        assert [event.kind for event in store.events(make_search().id)] == ["submitted", "claimed", "asked"]


def test_files_keep_their_forms_and_what_is_of_a_model_goes_on_the_way_back(engine: Engine) -> None:
    search, candidate = make_search(), make_candidate()
    onnx = [make_artifact("b", state=ArtifactState.FAILED), make_artifact("bb", state=ArtifactState.READY)]
    then = [make_artifact("a", format="analysis.zip"), *onnx]
    now = [replace(then[0], format="analysis"), onnx[0], replace(onnx[1], format="onnx-luma")]
    upgrade(engine, "0005")
    with engine.begin() as connection:
        _insert(connection, [search], [], [candidate], then)

    upgrade(engine)

    with closing(_opened(engine)) as store:
        assert store.artifacts(candidate.id) == now
        model = store.add_training(make_training()).id
        for name, training_id in (("c", model), ("d", None), ("e", model)):
            store.add_artifact(make_artifact(name, training_id=training_id))
        assert [artifact.id for artifact in store.artifacts(candidate.id)] == ["a", "b", "bb", "c", "d"]
        kept = [artifact for artifact in store.artifacts(candidate.id) if artifact.training_id is None]
    downgrade(engine, "0005")
    assert _violations(engine) == []
    upgrade(engine)
    with closing(_opened(engine)) as store:
        assert store.artifacts(candidate.id) == kept
        assert store.trainings() == []
        assert store.events(search.id)[-1].kind == "training_requested"


@pytest.mark.parametrize("broken", [False, True])
def test_foreign_keys_hold_again_after_a_migration(engine: Engine, broken: bool) -> None:
    upgrade(engine, "0002")
    if broken:
        event.listen(engine, "before_cursor_execute", _break_at_candidates)
        with pytest.raises(RuntimeError, match="power cut"):
            upgrade(engine)
        event.remove(engine, "before_cursor_execute", _break_at_candidates)
        assert revision(engine) == "0002"
        assert [name for name in inspect(engine).get_table_names() if "tmp" in name] == []
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def _break_at_candidates(connection: Connection, cursor: object, statement: str, *_: object) -> None:
    if "DROP TABLE candidates" in statement:
        raise RuntimeError("power cut")


def _opened(engine: Engine) -> Store:
    return open_store(engine.url.render_as_string(hide_password=False), migrate=False)


def _insert(
    connection: Connection,
    searches: list[Search],
    evaluations: list[Evaluation],
    candidates: list[Candidate],
    artifacts: list[Artifact],
) -> None:
    """Write rows into the columns that the database has now."""
    rows = {
        "searches": [search_columns(search) for search in searches],
        "evaluations": [evaluation_columns(evaluation) for evaluation in evaluations],
        "candidates": [candidate_columns(candidate) for candidate in candidates],
        "artifacts": [artifact_columns(artifact) for artifact in artifacts],
    }
    found = MetaData()
    found.reflect(connection)
    for name, columns in rows.items():
        table = found.tables[name]
        for row in columns:
            connection.execute(insert(table).values({key: row[key] for key in row if key in table.c}))


def _violations(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text("PRAGMA foreign_key_check")))


def _tables(found: Inspector) -> list[str]:
    """The tables that are there, Alembic's own aside."""
    return sorted(set(found.get_table_names()) - {"alembic_version"})


def _columns(engine: Engine) -> dict[str, set[tuple[str, str, bool, object]]]:
    found = inspect(engine)
    return {
        table: {(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)}
        for table in _tables(found)
    }


def _constraints(engine: Engine) -> dict[str, set[tuple[Any, ...]]]:
    """What each table forbids, and its indexes."""
    found = inspect(engine)
    return {
        table: {
            ("key", *found.get_pk_constraint(table)["constrained_columns"]),
            *(("check", c["sqltext"]) for c in found.get_check_constraints(table)),
            *(("unique", c["name"], *c["column_names"]) for c in found.get_unique_constraints(table)),
            *(("foreign", c["name"], c["referred_table"]) for c in found.get_foreign_keys(table)),
            *(("index", c["name"], *c["column_names"]) for c in found.get_indexes(table)),
        }
        for table in _tables(found)
    }
