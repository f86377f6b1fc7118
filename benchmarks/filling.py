"""A database with one search of any size in it, as if it had been carried out: many rows an insert, half a minute.

What the store's own verbs leave behind, one line for each ask and tell in the event log included. Scores follow costs
as those of trained networks do, so that fronts have the sizes of real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, func, insert, literal, select, text, update

from nas.objectives import Prediction
from nas.pareto import Archive
from nas.records import Candidate, CandidateId, CandidateState, Progress, Search, SearchId, SearchState
from nas.spec import SearchSpec
from nas.store import entries
from nas.store.opening import open_store
from nas.store.sql import tables
from nas.store.sql.engine import connect, writing
from nas.store.sql.mapping import candidate_columns, evaluation_columns, progress_columns
from nas.testing.builders import START, make_candidate, make_evaluation, make_search, told
from search_space.genotype import Genotype
from search_space.space import SearchSpace
from search_space.spaces import SPACES

FAILED, INFEASIBLE = 0.02, 0.1
"""Shares of the candidates."""

PROMOTED = 0.5
"""Share of the feasible ones that are trained again on the next rung, where the recipe has several."""

OPERATORS = "random", "mult_adds", "crossover", "kernel", "width"

BATCH = 2000
"""Candidates inserted at once."""

REFERENCE = {"psnr": 28.0, "ssim": 0.7, "fsds": 10.0, "mult_adds": 4e11}


def fill(url: str, search_id: str, count: int, *, seed: int = 0, asked: Mapping[str, Any] | None = None) -> Search:
    """Store a queued search of ``count`` told candidates, to be gone on with.

    Args:
        url: Of the database; it is made, or its tables are brought up to date.
        search_id: Eight hexadecimal digits.
        count: At least 1.
        seed: Of the networks and of their scores; searches of one database need seeds of their own.
        asked: Fields of the spec beside its name, data and budget.
    """
    store = open_store(url)
    search = store.add_search(_queued(search_id, count, asked or {}))
    engine = connect(url)
    try:
        with writing(engine).begin() as connection:
            _insert(connection, search, count, seed)
            connection.execute(text("ANALYZE"))  # as the database does by itself a minute later
        return store.search(search.id)
    finally:
        engine.dispose()
        store.close()


def copy(url: str, search: Search, search_ids: Sequence[str]) -> None:
    """Store searches that have asked for the same as a filled one, and were answered from its evaluations."""
    store = open_store(url)
    engine = connect(url)
    try:
        for search_id in search_ids:
            store.add_search(replace(search, id=SearchId(search_id)))
            with writing(engine).begin() as connection:
                _copy(connection, search, search_id)
    finally:
        engine.dispose()
        store.close()


def _copy(connection: Connection, search: Search, search_id: str) -> None:
    last = select(tables.searches.c.event_count).where(tables.searches.c.id == search.id).scalar_subquery()
    change = update(tables.searches).where(tables.searches.c.id == search_id)
    connection.execute(change.values({"event_count": last} | progress_columns(search.progress)))
    for table, kept in ((tables.candidates, True), (tables.events, tables.events.c.ordinal > 1)):
        columns = [_renamed(table, column.name, search.id, search_id) for column in table.columns]
        rows = select(*columns).where(table.c.search_id == search.id).where(kept)
        connection.execute(insert(table).from_select([column.name for column in table.columns], rows))


def _renamed(table: Table, name: str, search_id: str, other: str) -> Any:
    """A column of a search's rows as another search has it."""
    if name == "search_id":
        return literal(other)
    return func.replace(table.c.id, search_id, other) if name == "id" else table.c[name]


def _queued(search_id: str, count: int, asked: Mapping[str, Any]) -> Search:
    named = {"name": "filled", "dataset": {"train": "photos"}, "budget": {"evaluations": count + 1_000}}
    spec = SearchSpec.model_validate(named | asked)
    reference = {one.metric: REFERENCE[one.metric] for one in spec.objective_values}
    return make_search(search_id, spec=spec, created_at=START, reference_point=reference)


def _insert(connection: Connection, search: Search, count: int, seed: int) -> None:
    number, last, made = 1, 0.0, candidates(search, count, seed)
    while batch := list(islice(made, BATCH)):
        lines = [line for one in batch for line in _lines(one)]
        numbered = [{"search_id": search.id, "ordinal": number + k, **line} for k, line in enumerate(lines, start=1)]
        connection.execute(insert(tables.evaluations), [evaluation_columns(one.evaluation) for one in batch])
        connection.execute(insert(tables.candidates), [candidate_columns(one) for one in batch])
        connection.execute(insert(tables.events), numbered)
        number, last = number + len(lines), batch[-1].hypervolume
    reached = Progress(evaluated=count, hypervolume=last, best_psnr_db=31.0)
    columns = {"state": SearchState.QUEUED.value, "started_at": START, "event_count": number}
    change = update(tables.searches).where(tables.searches.c.id == search.id)
    connection.execute(change.values(columns | progress_columns(reached)))


def _lines(candidate: Candidate) -> list[dict[str, Any]]:
    evaluation, at = candidate.evaluation, candidate.told_at
    return [entry._asdict() for entry in (entries.asked(candidate), entries.told(candidate, evaluation, at))]


def candidates(search: Search, count: int, seed: int = 0, *, first: int = 0) -> Iterator[Candidate]:
    """Told candidates of a search in the order of their tells; every network is another one.

    Args:
        search: Whose.
        count: How many.
        seed: Of the networks and of their scores.
        first: Number of the first of them.
    """
    rng, seen, space = np.random.default_rng(seed), set[str](), SPACES[search.spec.space]
    objectives, top_rung = search.spec.objective_values, search.spec.recipe.rungs - 1
    model, promoted = make_candidate(search.id), None
    archive = Archive(objectives, [search.reference_point[one.metric] for one in objectives])
    for ordinal in range(first, first + count):
        if promoted is None:
            genotype = _unseen(space, rng, seen)
            asked = replace(model, **_identity(search.id, ordinal, genotype), **_ask(rng))
        else:
            asked = replace(promoted, **_identity(search.id, ordinal, promoted.genotype, promoted.rung))
        candidate = _told(asked, rng)
        if candidate.feasible and candidate.rung == top_rung:
            archive.insert([candidate.evaluation.scores[one.column] for one in objectives])
        rises = candidate.feasible and candidate.rung < top_rung and rng.random() < PROMOTED
        promoted = replace(asked, rung=candidate.rung + 1, operator="promotion") if rises else None
        yield replace(candidate, hypervolume=archive.hypervolume)


def _unseen(space: SearchSpace, rng: np.random.Generator, seen: set[str]) -> Genotype:
    """A network that was not drawn before."""
    while (genotype := space.sample(rng)).digest in seen:
        pass
    seen.add(genotype.digest)
    return genotype


def in_flight(candidate: Candidate) -> Candidate:
    """What a told candidate was before."""
    unknown = {"told_ordinal": None, "told_at": None, "violation": None, "survived": None, "hypervolume": None}
    return replace(candidate, state=CandidateState.EVALUATING, evaluation=None, **unknown)


def _identity(search_id: str, ordinal: int, genotype: Genotype, rung: int = 0) -> dict[str, Any]:
    return {
        "id": CandidateId(f"{search_id}-{ordinal}"),
        "ordinal": ordinal,
        "tells_before": ordinal,
        "genotype": genotype,
        "evaluation_key": f"key-{genotype.digest}-{rung}",
        "asked_at": START + timedelta(seconds=ordinal),
    }


def _ask(rng: np.random.Generator) -> dict[str, Any]:
    """Costs over two orders of magnitude, and what a model expects of them."""
    mult_adds = int(np.exp(rng.uniform(np.log(2e9), np.log(3e11))))
    expected = 29.5 + 0.4 * np.log(mult_adds / 2e9)
    return {
        "mult_adds": mult_adds,
        "params": int(mult_adds / 2.3e5 * np.exp(rng.normal(0, 0.2))),
        "latency_ms": float(mult_adds / 1e10 * np.exp(rng.normal(0, 0.3))),
        "operator": str(rng.choice(OPERATORS)),
        "arm": str(rng.choice(["screened", "control"])),
        "predicted": {"psnr": Prediction(mean=float(expected), std=0.1)},
    }


def _told(asked: Candidate, rng: np.random.Generator) -> Candidate:
    expected, fate = asked.predicted["psnr"].mean, rng.random()
    psnr_db = expected + rng.normal(0, 0.1)
    if fate < FAILED:
        evaluation = make_evaluation(asked, failure_kind="diverged", failure_message="the loss rose to 1e9")
    else:
        evaluation = make_evaluation(
            asked,
            psnr_db=float(psnr_db),
            ssim=float(0.8 + 0.01 * (psnr_db - 29) + rng.normal(0, 0.001)),
            fsds_db=float(20 + 5 * (psnr_db - 29) + rng.normal(0, 0.5)),
            fsds_si_db=float(18 + 5 * (psnr_db - 29) + rng.normal(0, 0.5)),
        )
    fields: dict[str, Any] = {"survived": bool(rng.random() < 0.2)}
    if evaluation.failure_kind is None and fate < FAILED + INFEASIBLE:
        fields["violation"] = float(rng.exponential(0.1))
    return told(asked, evaluation, asked.ordinal, **fields)
