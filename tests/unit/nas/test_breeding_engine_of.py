"""The engine of a search is what its spec asks for, and knows costs and constraints as a controller does."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.cost import costs
from nas.breeding import engine_of
from nas.engine.base import Engine
from nas.engine.generational import Generational
from nas.engine.halving import Halving
from nas.engine.nsga2 import Nsga2
from nas.engine.random_search import RandomSearch
from nas.latency import known_latency
from nas.objectives import METRICS, total_violation
from nas.records import Search, SearchId, SearchState
from nas.spec import SearchSpec
from nas.testing.profiles import make_profile
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.published import published_genotype
from search_space.spaces import FALSR, TINY

AT = datetime(2026, 1, 1, tzinfo=UTC)
REFERENCE = {
    "psnr": 25.0,
    "ssim": 0.7,
    "fsds": 15.0,
    "fsds_si": 14.0,
    "params": 1e7,
    "mult_adds": 1e12,
    "latency_ms": 1e3,
}


PREDICTED = {"profile": make_profile()}


def latency_of(search: Search, genotype: Genotype) -> float:
    latency_ms = known_latency(search.spec, genotype)
    assert latency_ms is not None
    return latency_ms


def search(**changes: Any) -> Search:
    document = {
        "dataset": {"train": "photos"},
        "space": "tiny",
        "population": 6,
        "objectives": ["psnr", "mult_adds"],
        "engine": {"surrogate": False},
    }
    spec = SearchSpec.model_validate(document | changes)
    return Search(id=SearchId("s"), spec=spec, state=SearchState.RUNNING, created_at=AT, reference_point=REFERENCE)


def ask_all(engine: Engine, most: int = 10_000) -> list[Any]:
    """Every network that an engine proposes where all trainings fail, up to so many."""
    asked: list[Any] = []
    while len(asked) < most and (proposal := engine.ask()) is not None:
        asked.append(proposal.genotype)
        engine.tell(proposal.genotype, None, 0.0, rung=proposal.rung)
    return asked


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        ("nsga2", Nsga2),
        ("falsr", Generational),
        ("random", RandomSearch),
        ({"mode": "generational"}, Generational),
        ({"name": "falsr", "mode": "steady"}, Nsga2),
    ],
)
def test_the_engine_is_the_one_that_is_asked_for(engine: Any, kind: type[Engine]) -> None:
    assert type(engine_of(search(engine=engine))) is kind
    rungs = search(engine=engine, recipe={"steps": 240, "rungs": 3})
    assert type(engine_of(rungs)) is Halving


LIMITS = st.sampled_from(
    [
        {},
        {"params": {"max": 2_500}},
        {"mult_adds": {"min": 4e8, "max": 9e8}},
        {"params": {"min": 2_000}, "mult_adds": {"max": 8e8}},
        {"psnr": {"min": 60.0}},
    ]
)


@settings(deadline=None, max_examples=12)
@given(LIMITS, st.sampled_from(["default", "paper"]), st.sampled_from([1, 3]), st.sampled_from([2, 3, 4]))
def test_it_proposes_what_meets_the_constraints_on_costs_as_they_are_deployed(
    limits: dict[str, Any], recipe: str, channels: int, scale: int
) -> None:
    constraints = [{"metric": metric, **bounds} for metric, bounds in limits.items()]
    found = search(constraints=constraints, recipe=recipe, channels=channels, scale=scale, engine="random")
    spec, meets = found.spec, set()
    for genotype in TINY.enumerate():
        cost = costs(genotype, spec.recipe, scale=scale, channels=channels)
        figures = {"params": cost.params, "mult_adds": cost.mult_adds}
        if total_violation(spec.constraint_values, figures) == 0.0:
            meets.add(genotype)
    asked = ask_all(engine_of(found))
    assert set(asked) == meets
    assert len(asked) == len(meets)


@settings(deadline=None, max_examples=8)
@given(st.floats(4, 12), st.sampled_from(["nsga2", "falsr", "random"]), st.sampled_from(["min", "max"]))
def test_it_proposes_no_network_whose_predicted_latency_is_out_of_bounds(
    bound_ms: float, engine: str, side: str
) -> None:
    constraints = [{"metric": "latency_ms", side: bound_ms}]
    found = search(objectives=["psnr", "latency_ms"], constraints=constraints, engine=engine, latency=PREDICTED)
    asked = ask_all(engine_of(found), most=50)
    assert asked
    assert all((bound_ms - latency_of(found, genotype)) * (1 if side == "max" else -1) >= 0 for genotype in asked)


def test_a_latency_that_is_predicted_is_never_foretold_by_the_model_and_one_that_is_measured_is() -> None:
    options = {"surrogate_after": 12, "surrogate_refit": 6, "surrogate_children": 10}
    for latency, foretold in ((PREDICTED, {"psnr"}), ({"mode": "measured"}, {"psnr", "latency_ms"})):
        engine = engine_of(search(objectives=["psnr", "latency_ms"], engine=options, latency=latency))
        rng, metrics = np.random.default_rng(0), set()
        for _ in range(20):
            proposal = engine.ask()
            metrics |= set(proposal.predicted)
            engine.tell(proposal.genotype, (float(rng.normal()), float(rng.uniform(5, 50))), 0.0)
        assert metrics == foretold


def test_initial_genotypes_are_proposed_first() -> None:
    found = search(space="falsr", initial=["falsr-b", "falsr-a"])
    engine = engine_of(found)
    proposals = [engine.ask() for _ in range(3)]
    assert [proposal.genotype for proposal in proposals[:2]] == [
        published_genotype("falsr-b"),
        published_genotype("falsr-a"),
    ]
    assert [proposal.operator for proposal in proposals] == ["initial", "initial", "random"]


def test_initial_genotypes_of_another_space_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"initial\[0\]"):
        engine_of(search(initial=["falsr-a"]))


def test_a_seed_stands_for_its_proposals() -> None:
    first, same, other = (
        [proposal.genotype for proposal in (engine.ask() for _ in range(6))]
        for engine in map(engine_of, (search(seed=3), search(seed=3), search(seed=4)))
    )
    assert first == same
    assert first != other


@pytest.mark.parametrize("metric", [name for name, metric in METRICS.items() if metric.trained])
def test_any_metric_that_takes_a_training_may_be_optimised_with_a_surrogate(metric: str) -> None:
    options = {"surrogate_after": 12, "surrogate_refit": 6, "surrogate_children": 10}
    engine = engine_of(search(space="falsr", objectives=[metric, "params"], engine=options))
    rng, arms = np.random.default_rng(0), set()
    for _ in range(20):
        proposal = engine.ask()
        assert FALSR.contains(proposal.genotype)
        arms.add(proposal.arm)
        cost = costs(proposal.genotype, search().spec.recipe, scale=2, channels=1)
        engine.tell(proposal.genotype, (float(rng.normal()), cost.params), 0.0)
    assert arms == {"", "screened", "control"}
