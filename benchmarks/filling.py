"""A database with one search of any size in it, as if it had been carried out: many rows an insert, half a minute.

What the store's own verbs leave behind, one line for each ask and tell in the event log included. Scores follow costs
as those of trained networks do, so that fronts have the sizes of real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, text, update

from nas.objectives import Prediction
from nas.pareto import Archive
from nas.records import Candidate, CandidateId, CandidateState, Progress, Search, SearchState
from nas.spec import SearchSpec
from nas.store import entries
from nas.store.opening import open_store
from nas.store.sql import tables
from nas.store.sql.engine import connect, writing
from nas.store.sql.mapping import candidate_columns, evaluation_columns, progress_columns
from nas.testing.builders import START, make_candidate, make_evaluation, make_search, told
from search_space.genotype import Genotype
from search_space.spaces import SPACES

FAILED, INFEASIBLE = 0.02, 0.1
"""Shares of the candidates."""

OPERATORS = "random", "mult_adds", "crossover", "kernel", "width"

BATCH = 2000
"""Candidates inserted at once."""

REFERENCE = {"psnr": 28.0, "fsds": 10.0, "mult_adds": 4e11}


def fill(url: str, search_id: str, count: int, *, seed: int = 0) -> Search:
    """Store a queued search of ``count`` told candidates, to be gone on with.

    Args:
        url: Of the database; it is made, or its tables are brought up to date.
        search_id: Eight hexadecimal digits.
        count: At least 1.
        seed: Of the networks and of their scores.
    """
    store = open_store(url)
    spec = SearchSpec.model_validate(
        {"name": "filled", "dataset": {"train": "photos"}, "budget": {"evaluations": count + 1_000}}
    )
    search = store.add_search(make_search(search_id, spec=spec, created_at=START, reference_point=REFERENCE))
    engine = connect(url)
    try:
        with writing(engine).begin() as connection:
            _insert(connection, search, count, seed)
            connection.execute(text("ANALYZE"))  # as the database does by itself a minute later
        return store.search(search.id)
    finally:
        engine.dispose()
        store.close()


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
    objectives = search.spec.objective_values
    model = make_candidate(search.id)
    archive = Archive(objectives, [search.reference_point[one.metric] for one in objectives])
    while len(seen) < count:
        genotype = space.sample(rng)
        if genotype.digest in seen:
            continue
        asked = replace(model, **_identity(search.id, first + len(seen), genotype), **_ask(rng))
        seen.add(genotype.digest)
        candidate = _told(asked, rng)
        if candidate.feasible:
            archive.insert([candidate.evaluation.scores[one.column] for one in objectives])
        yield replace(candidate, hypervolume=archive.hypervolume)


def in_flight(candidate: Candidate) -> Candidate:
    """What a told candidate was before."""
    unknown = {"told_ordinal": None, "told_at": None, "violation": None, "survived": None, "hypervolume": None}
    return replace(candidate, state=CandidateState.EVALUATING, evaluation=None, **unknown)


def _identity(search_id: str, ordinal: int, genotype: Genotype) -> dict[str, Any]:
    return {
        "id": CandidateId(f"{search_id}-{ordinal}"),
        "ordinal": ordinal,
        "tells_before": ordinal,
        "genotype": genotype,
        "evaluation_key": f"key-{genotype.digest}",
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
