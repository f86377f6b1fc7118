"""How a database means to answer what a store asks of it: to find the questions that read a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from ..records import ArtifactId, CandidateId, SearchId, SearchState, TrainingId, TrainingStatus
from ..store.base import Store
from .builders import START, make_genotype
from .filling import fill

GROWING = ("candidates", "evaluations", "events", "trainings", "artifacts", "requests", "audit")
"""The tables that grow with every candidate, file or deed; the others have a row for each search, person or worker."""

Statement = tuple[str, Any]


@contextmanager
def asked(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that an engine carries out meanwhile, each once, with parameters; but those that only insert."""
    found: dict[str, Any] = {}

    def note(_: Connection, __: object, statement: str, parameters: Any, ___: object, many: bool) -> None:
        if not many and statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            found.setdefault(statement, parameters)

    event.listen(engine, "before_cursor_execute", note)
    statements: list[Statement] = []
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
        statements.extend(found.items())


def read_everything(store: Store) -> None:
    """Ask a store that `fill` has filled each question that a reader has."""
    name, candidate = SearchId("00000001"), CandidateId("00000001-0")
    store.search(name)
    store.searches(states=[SearchState.RUNNING], before=name, limit=5)
    store.pulse(name)
    store.candidate(candidate)
    store.candidates(name, after=0, limit=5)
    store.candidates(name, ordinals=[0, 1])
    store.candidates(name, after=0, limit=5, rung=1, operator="random")
    store.told_rows(name, after=0, limit=5)
    store.untold_rows(name)
    store.ledger(name)
    store.evaluation(make_genotype().digest)
    store.events(name, after=1, limit=5)
    store.events(name, after=1, limit=5, progress=False)
    store.artifacts(candidate)
    store.artifact(ArtifactId("00000000000a"))
    store.training(TrainingId("t0"))
    running = [TrainingStatus.RUNNING]
    store.trainings(statuses=running)
    store.trainings(search_id=name, before=TrainingId("t1"), limit=5)
    store.trainings(candidate_id=candidate, statuses=running)
    store.audit(after=1, limit=5)
    store.workers(at=START, lease_s=60.0)
    store.claim_search("controller-9", at=START, lease_s=60.0, above=3)
    store.claim_training("controller-9", at=START, lease_s=60.0)
    store.cancel_training(TrainingId("t1"), at=START)
    store.claim_artifact(at=START, stale_after_s=60.0)
    store.renew_artifact(ArtifactId("00000000000a"), at=START)


def plan(connection: Connection, statement: Statement) -> list[str]:
    """How a database means to carry a statement out, a step a line."""
    how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    text, parameters = statement
    return [str(row[-1]).strip() for row in connection.exec_driver_sql(f"{how} {text}", parameters)]


def walks(lines: list[str]) -> list[str]:
    """The steps of a plan that go through all of a table among `GROWING`."""
    steps = [f"{how} {table}" for table in GROWING for how in ("SCAN", "Seq Scan on")]
    return [line for line in lines if any(f"{step} " in f"{line} " for step in steps)]


def unindexed(engine: Engine, store: Store) -> dict[str, list[str]]:
    """What an empty store on an engine is asked that reads all of a growing table, each with the plan's steps."""
    with asked(engine) as statements:
        fill(store)
        read_everything(store)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # of a table that is nearly empty it would read all, index or not
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        assert len(statements) > 20
        return {one[0]: found for one in statements if (found := walks(plan(connection, one)))}
