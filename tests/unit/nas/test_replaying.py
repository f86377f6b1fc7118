from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from evaluator.cost import costs
from evaluator.executor import Completion, Ticket
from evaluator.outcome import Failure
from evaluator.testing import synthetic
from nas.breeding import engine_of
from nas.cli_replay import EPILOG
from nas.cli_replay import replay as replay_verb
from nas.console import Verbs
from nas.engine.base import Proposal
from nas.environment import environment as environment_here
from nas.jobs import Jobs
from nas.objectives import Prediction
from nas.recording import evaluation_of
from nas.records import Candidate, CandidateState, Search, SearchState
from nas.replaying import ROUNDING, Difference, replay
from nas.spec import SearchSpec
from nas.states import StateShelf
from nas.store.opening import open_store
from nas.testing import make_candidate, make_search
from nas.testing.builders import START
from nas.testing.builders import told as told_of
from search_space.genotype import Genotype
from search_space.spaces import get_space

SMALL = {"surrogate_after": 10, "surrogate_children": 10, "surrogate_refit": 6}


def begun(**changes: Any) -> Search:
    """A search of the tiny space whose images are known."""
    document = {
        "space": "tiny",
        "dataset": {"train": "photos"},
        "population": 6,
        "objectives": ["psnr", "mult_adds"],
        "engine": SMALL,
    }
    spec = SearchSpec.model_validate(document | changes)
    reference = {"psnr": 25.0, "mult_adds": 1e12}
    return make_search(state=SearchState.RUNNING, spec=spec, data_digest="data", reference_point=reference)


def recorded(search: Search, asks: int, rng: np.random.Generator, fails: float = 0.0) -> list[Candidate]:
    """The log of a search with eight in flight, told in a random order; some of it still in flight."""
    engine, log, tells = engine_of(search), [], count()
    in_flight: list[Candidate] = []
    while len(log) < asks:
        proposal = engine.ask() if len(in_flight) < 8 else None
        if proposal is not None:
            in_flight.append(asked(search, proposal, len(log), len(log) - len(in_flight)))
            log.append(in_flight[-1])
            continue
        candidate = in_flight.pop(int(rng.integers(len(in_flight))))
        candidate = log[candidate.ordinal] = told(search, candidate, next(tells), fails=rng.random() < fails)
        engine.tell(candidate.genotype, values_of(search, candidate), 0.0, rung=candidate.rung)
    return log


def asked(search: Search, proposal: Proposal, ordinal: int, tells: int) -> Candidate:
    parts = {name: getattr(proposal, name) for name in ("genotype", "operator", "parents", "rung", "arm", "predicted")}
    cost = costs(proposal.genotype, search.spec.recipe, scale=search.spec.scale, channels=search.spec.channels)
    known = {"params": cost.params, "mult_adds": cost.mult_adds, "tells_before": tells}
    return make_candidate(search.id, ordinal, **parts, **known)


def told(search: Search, candidate: Candidate, ordinal: int, *, fails: bool) -> Candidate:
    job = Jobs(search, StateShelf(Path("states-are-not-kept"), 0)).job(candidate)
    outcome = Failure(kind="diverged", message="the loss grew") if fails else synthetic(job)
    completion = Completion(ticket=Ticket(1), outcome=outcome, worker="one")
    evaluation = evaluation_of(candidate, job, completion, at=START, keep_weights=lambda key, weights: "")
    return told_of(candidate, evaluation, ordinal, evaluation_key=evaluation.key)


def values_of(search: Search, candidate: Candidate) -> Sequence[float] | None:
    evaluation = candidate.evaluation
    assert evaluation is not None
    if candidate.state is CandidateState.FAILED:
        return None
    return [evaluation.scores[objective.column] for objective in search.spec.objective_values]


def replayed(search: Search, log: list[Candidate]) -> Difference:
    difference = replay(search, log, engine_of(search)).difference
    assert difference is not None
    return difference


RUNGS = {"name": "default", "steps": 240, "rungs": 3}
GENERATIONAL = {"mode": "generational", **SMALL}


@pytest.mark.parametrize(
    "changes",
    [{}, {"recipe": RUNGS}, {"engine": GENERATIONAL}, {"engine": "falsr"}, {"engine": "random"}],
    ids=["surrogate", "rungs", "generational", "falsr", "random"],
)
@given(asks=st.integers(0, 40), seed=st.integers(0, 2**32 - 1), fails=st.sampled_from([0.0, 0.3]))
@settings(max_examples=4, deadline=None)
def test_what_an_engine_proposed_it_proposes_again(changes: dict[str, Any], asks: int, seed: int, fails: float) -> None:
    search = begun(seed=seed, **changes)
    log = recorded(search, asks, np.random.default_rng(seed), fails)
    steps: list[int] = []
    result = replay(search, log, engine_of(search), steps.append)
    tells = sum(candidate.told_ordinal is not None for candidate in log)
    assert result.identical
    assert (result.asks, result.tells) == (asks, tells)
    assert steps == [asks + tells] * (asks + tells)


@pytest.fixture(scope="module")
def search() -> Search:
    return begun()


@pytest.fixture(scope="module")
def log(search: Search) -> list[Candidate]:
    return recorded(search, 40, np.random.default_rng(1))


def changed(log: list[Candidate], ordinal: int, **fields: Any) -> list[Candidate]:
    return [replace(c, **fields) if c.ordinal == ordinal else c for c in log]


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"operator": "initial"}, ("operator",)),
        ({"parents": ("f" * 32,)}, ("parents",)),
        ({"arm": "neither"}, ("arm",)),
        ({"rung": 1, "operator": "promotion"}, ("rung", "operator")),
    ],
)
def test_the_first_part_that_differs_is_named(
    search: Search, log: list[Candidate], fields: dict[str, Any], parts: tuple[str, ...]
) -> None:
    difference = replayed(search, changed(log, 25, **fields))
    assert (difference.ordinal, difference.parts) == (25, parts)
    assert difference.proposed is not None
    assert difference.proposed.proposal.genotype == difference.recorded.proposal.genotype == log[25].genotype
    assert "another version of the engine's code" in difference.cause


def test_another_seed_differs_before_any_outcome_and_the_cause_says_so(log: list[Candidate]) -> None:
    difference = replayed(begun(seed=1), log)
    assert difference.ordinal == 0
    assert "no outcome was told before it" in difference.cause


def test_another_outcome_shows_in_what_is_proposed_afterwards(search: Search, log: list[Candidate]) -> None:
    early = next(c for c in log if c.told_ordinal == 3)
    assert early.evaluation is not None
    lucky = changed(log, early.ordinal, evaluation=replace(early.evaluation, psnr_db=60.0))
    difference = replayed(search, lucky)
    assert difference.ordinal >= 8
    assert "earlier outcome" in difference.cause


def test_a_network_of_another_space_was_put_there_by_hand(search: Search, log: list[Candidate]) -> None:
    stranger = get_space("falsr").sample(np.random.default_rng(0))
    assert "not of the space tiny" in replayed(search, changed(log, 5, genotype=stranger)).cause


def test_another_network_with_the_costs_of_the_first_was_put_there_by_hand(
    search: Search, log: list[Candidate]
) -> None:
    rng = np.random.default_rng(0)
    others: Iterator[Genotype] = (get_space("tiny").sample(rng) for _ in count())
    other = next(genotype for genotype in others if genotype != log[5].genotype)
    assert "recorded costs are not those" in replayed(search, changed(log, 5, genotype=other)).cause


def test_an_outcome_before_its_proposal_was_put_there_by_hand(search: Search, log: list[Candidate]) -> None:
    late = max((c for c in log if c.told_ordinal is not None), key=lambda c: c.ordinal)
    difference = replayed(search, changed(log, late.ordinal, told_ordinal=-1))
    assert (difference.ordinal, difference.proposed) == (late.ordinal, None)
    assert "stands before the proposal" in difference.cause


def test_missing_outcomes_leave_a_generation_waiting_for_them() -> None:
    search = begun(engine=GENERATIONAL)
    log = recorded(search, 14, np.random.default_rng(0))
    difference = replayed(search, changed(log, 0, told_ordinal=None, evaluation=None))
    assert difference.proposed is None
    assert "outcomes are missing" in difference.cause


def predicted(candidate: Candidate, by: float) -> dict[str, Prediction]:
    return {
        metric: replace(prediction, mean=prediction.mean + by * prediction.std)
        for metric, prediction in candidate.predicted.items()
    }


def test_predictions_may_differ_by_rounding_and_by_no_more(search: Search, log: list[Candidate]) -> None:
    expected = next(c for c in log if c.predicted)
    rounded = changed(log, expected.ordinal, predicted=predicted(expected, 0.5 * ROUNDING))
    assert replay(search, rounded, engine_of(search)).identical
    for other in (predicted(expected, 2 * ROUNDING), {}):
        difference = replayed(search, changed(log, expected.ordinal, predicted=other))
        assert (difference.ordinal, difference.parts) == (expected.ordinal, ("predicted",))
        assert "scikit-learn" in difference.cause


def test_speed_is_counted_in_cpu_seconds(search: Search, log: list[Candidate]) -> None:
    clock = iter([10.0, 12.0])
    result = replay(search, log, engine_of(search), cpu_s=lambda: next(clock))
    assert result.events_per_s == (result.asks + result.tells) / 2
    assert replay(search, [], engine_of(search), cpu_s=lambda: 0.0).events_per_s == 0


# -- the verb ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def verb() -> Callable[..., Any]:
    app = typer.Typer(cls=Verbs)
    app.command(epilog=EPILOG)(replay_verb)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["replay", *map(str, arguments)])


@pytest.fixture
def home(tmp_path: Path, search: Search, log: list[Candidate]) -> Iterator[Path]:
    """A database with one search, and one that waits; another process holds it as a server does."""
    store = open_store(f"sqlite:///{tmp_path / 'srnas.sqlite'}", exclusive=True)
    waiting = make_search("00000002", minute=1)
    for each in (replace(search, state=SearchState.QUEUED, data_digest=None), waiting):
        store.add_search(each)
    lease = store.claim_search("controller", at=START, lease_s=60)
    assert lease is not None
    environment = environment_here() | {"numpy": "1.0.0"}
    begin = {"data_digest": "data", "data_notes": (), "baseline": {}, "reference_point": search.reference_point}
    store.begin_search(lease, at=START, environment=environment, **begin)  # type: ignore[arg-type]
    for candidate in log:
        fresh = {"told_ordinal": None, "told_at": None, "violation": None, "hypervolume": None, "evaluation": None}
        store.record_ask(lease, replace(candidate, state=CandidateState.EVALUATING, **fresh))
    tells = sorted((c for c in log if c.evaluation is not None), key=lambda c: c.told_ordinal or 0)
    for candidate in tells:
        assert candidate.evaluation is not None
        store.record_tell(lease, candidate, candidate.evaluation, search.progress)
    yield tmp_path
    store.close()


def test_the_verb_says_identical_beside_a_server(verb: Callable[..., Any], home: Path, search: Search) -> None:
    result = verb(search.id, "--home", home)
    assert result.exit_code == 0, result.output
    assert f"search {search.id} is identical: all 40 proposals are the same (40 asks and" in result.output
    assert "environment   numpy 1.0.0 recorded," in result.output


def test_the_verb_fails_where_a_proposal_differs_and_tells_a_program_which(
    verb: Callable[..., Any], home: Path, search: Search
) -> None:
    with sqlite3.connect(home / "srnas.sqlite") as database:
        database.execute("UPDATE candidates SET operator = 'by hand' WHERE ordinal = 20")
    database.close()
    result = verb(search.id, "--home", home, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (found["identical"], found["difference"]["ordinal"]) == (False, 20)
    assert found["difference"]["recorded"]["operator"] == "by hand"
    assert found["difference"]["parts"] == ["operator"]
    assert [each["recorded"] for each in found["environment"] if each["name"] == "numpy"] == [["1.0.0"]]
    spoken = verb(search.id, "--home", home).output
    assert "differs at candidate 20 (operator)" in spoken
    assert "likely cause" in spoken


def test_the_verb_refuses_a_search_that_waits_and_one_that_is_not_there(verb: Callable[..., Any], home: Path) -> None:
    waiting = verb("00000002", "--home", home)
    assert waiting.exit_code == 2
    assert "this one is queued" in waiting.output
    assert verb("0000000f", "--home", home).exit_code == 1


def test_the_help_of_the_verb_teaches_by_an_example(verb: Callable[..., Any]) -> None:
    told = verb("--help").output
    assert EPILOG in told
    assert "Exit status" in told
