"""The engines that breed keep the promises of every engine, and find better fronts than random search."""

from dataclasses import replace

import numpy as np
import pytest

from nas.engine.base import Engine, EngineSettings
from nas.engine.building import build_engine
from nas.engine.generational import Generational
from nas.engine.nsga2 import Nsga2
from nas.engine.testing import (
    TWO_OBJECTIVES,
    EngineContract,
    costs_of,
    drive,
    settings_for,
    size,
    size_screen,
    synthetic_scores,
)
from nas.objectives import METRICS, Objective
from nas.options import ENGINES
from nas.pareto import front, hypervolume
from search_space.batch import BatchCosts
from search_space.encoding import encode
from search_space.spaces import get_space

ALL_KINDS = {"random_share": 1.0, "mult_adds_share": 1.0, "params_share": 1.0, "reinforced_share": 1.0}


class TestNsga2WithoutSurrogate(EngineContract):
    def build(self, settings: EngineSettings) -> Engine:
        return Nsga2(replace(settings, options=replace(settings.options, surrogate=False)))


class TestNsga2WithSurrogate(EngineContract):
    def build(self, settings: EngineSettings) -> Engine:
        return Nsga2(settings)


class TestNsga2WithEveryKindOfMutation(EngineContract):
    def build(self, settings: EngineSettings) -> Engine:
        changed = replace(settings.options, surrogate=False, crossover="one-point", start="diverse", **ALL_KINDS)
        return Nsga2(replace(settings, options=changed))


class TestGenerational(EngineContract):
    def build(self, settings: EngineSettings) -> Engine:
        changed = replace(settings.options, mode="generational", surrogate=False, **ALL_KINDS)
        return Generational(replace(settings, options=changed))

    @pytest.mark.parametrize("seed", range(3))
    def test_the_order_of_tells_within_a_generation_does_not_matter(self, seed: int) -> None:
        # Reinforced mutation learns in the order of the tells, so it stays out.
        settings = settings_for("falsr", mode="generational", surrogate=False)
        runs = [drive(Generational(settings), 60, workers=8, rng=rng) for rng in (None, np.random.default_rng(seed))]
        assert runs[0].proposals == runs[1].proposals


def test_a_steady_engine_never_waits():
    engine = Nsga2(settings_for("falsr"))
    assert all(engine.ask() for _ in range(40))


def test_a_generation_is_handed_out_before_any_of_it_is_told():
    engine = Generational(settings_for("falsr", population=8))
    generation = [engine.ask() for _ in range(8)]
    assert all(generation)
    assert engine.ask() is None
    for proposal in generation[1:]:
        engine.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0)
        assert engine.ask() is None
    engine.tell(generation[0].genotype, None, 0.0)
    child = engine.ask()
    assert child is not None
    assert child.parents


def test_a_generation_is_dispatched_dearest_first():
    proposals = drive(Generational(settings_for("falsr", population=8)), 40).proposals
    costs = [synthetic_scores(proposal.genotype)[1] for proposal in proposals]
    for start in range(0, 40, 8):
        assert costs[start : start + 8] == sorted(costs[start : start + 8], reverse=True)


def test_children_name_parents_that_were_told_before_them_and_the_kind_of_their_mutation():
    proposals = drive(Nsga2(settings_for("falsr", **ALL_KINDS, surrogate=False)), 200).proposals
    told = [proposal.genotype.digest for proposal in proposals]
    assert [proposal.operator for proposal in proposals[:8]] == ["random"] * 8
    assert {proposal.operator for proposal in proposals[8:]} == {"mutation", "mult_adds", "params", "reinforced"}
    for i, proposal in enumerate(proposals[8:], start=8):
        assert 1 <= len(proposal.parents) <= 2
        assert set(proposal.parents) <= set(told[:i])
    assert {len(proposal.parents) for proposal in proposals[8:]} == {1, 2}


def test_more_initial_genotypes_than_the_population_all_come_first():
    space, rng = get_space("falsr"), np.random.default_rng(0)
    initial = tuple(space.sample(rng) for _ in range(20))
    for build in (Nsga2, Generational):
        engine = build(settings_for("falsr", initial=initial))
        assert [engine.ask().operator for _ in range(20)] == ["initial"] * 20


def test_a_stratified_start_spreads_over_the_costs():
    engine = Nsga2(settings_for("falsr", population=32))
    sizes = np.log([size(engine.ask().genotype) for _ in range(32)])
    random = Nsga2(settings_for("falsr", population=32, start="random"))
    assert np.ptp(sizes) > np.ptp(np.log([size(random.ask().genotype) for _ in range(32)]))
    assert np.diff(np.sort(sizes)).max() < 0.5


@pytest.mark.parametrize("mode", ["steady", "generational"])
def test_it_finds_its_way_into_constraints_that_no_random_genotype_meets(mode):
    settings = settings_for("falsr", screen=size_screen(20_000), mode=mode)
    rng = np.random.default_rng(0)
    vectors = np.array([encode(settings.space, settings.space.sample(rng)) for _ in range(300)])
    assert BatchCosts(settings.space, scale=2, channels=1)(vectors)[0].min() > 20_000
    proposals = drive(build_engine(settings), 40).proposals
    assert len(proposals) == 40
    assert all(size(proposal.genotype) <= 20_000 for proposal in proposals)


def test_candidates_outside_the_trained_constraints_are_bred_from_only_for_want_of_others():
    engine = Nsga2(settings_for("falsr", population=16, surrogate=False))
    violations = {}
    for _ in range(12 * 16):
        proposal = engine.ask()
        scores = synthetic_scores(proposal.genotype)
        violations[proposal.genotype.digest] = max(0.0, 33.5 - scores[0])
        engine.tell(proposal.genotype, scores, violations[proposal.genotype.digest])
    violated = [violation > 0 for violation in violations.values()]
    assert sum(violated[:16]) > 8
    assert sum(violated[-64:]) < sum(violated[:64])


def test_a_tell_says_whether_the_network_survived():
    engine = Nsga2(settings_for("falsr", population=4, surrogate=False))
    proposals = [engine.ask() for _ in range(6)]
    for i, proposal in enumerate(proposals[:4]):
        assert engine.tell(proposal.genotype, (30.0 + i, 1e9 * (i + 1)), 0.0)
    assert not engine.tell(proposals[4].genotype, (29.0, 9e9), 0.0)
    assert not engine.tell(proposals[5].genotype, None, 0.0)


@pytest.mark.parametrize("build", [Nsga2, Generational])
def test_a_wrong_number_of_values_is_refused(build):
    engine = build(settings_for("falsr"))
    with pytest.raises(ValueError, match="3 values for 2 objectives"):
        engine.tell(engine.ask().genotype, (1.0, 2.0, 3.0), 0.0)


@pytest.mark.parametrize("metrics", [["psnr"], ["psnr", "mult_adds"], list(METRICS)])
def test_selection_keeps_the_senses_of_the_objectives(metrics):
    """The genotypes of the last outcomes are on average better in the first objective than random ones."""
    objectives = tuple(map(Objective.of, metrics))
    settings = settings_for("falsr", objectives=objectives, population=16, start="random", surrogate=False)

    def score(genotype):
        psnr, cost = synthetic_scores(genotype)
        return [psnr if metric == "psnr" else cost if metric == "mult_adds" else 1.0 for metric in metrics]

    proposals = drive(Nsga2(settings), 320, score=score).proposals
    psnr = [synthetic_scores(proposal.genotype)[0] for proposal in proposals]
    best = sorted(psnr[:16])[-4:], sorted(psnr[-64:])[-16:]
    assert np.mean(best[1]) > np.mean(best[0])


def test_it_finds_most_of_the_exact_front_of_the_small_space():
    scores = {genotype: synthetic_scores(genotype) for genotype in get_space("tiny").enumerate()}
    genotypes = list(scores)
    exact = {genotypes[i] for i in front(list(scores.values()), TWO_OBJECTIVES)}
    engine = Nsga2(settings_for("tiny", population=32, surrogate_after=32, surrogate_refit=16, surrogate_children=100))
    found = exact & {proposal.genotype for proposal in drive(engine, 1152 // 4).proposals}
    assert len(found) > 0.8 * len(exact)


def volume(engine: str, seed: int, **changes: object) -> float:
    settings = settings_for("falsr", population=16, seed=seed)
    settings = replace(settings, options=replace(ENGINES[engine], **changes))
    proposals = drive(build_engine(settings), 200, workers=4).proposals
    points = [synthetic_scores(proposal.genotype) for proposal in proposals]
    return hypervolume(points, TWO_OBJECTIVES, (32.0, 2e11))


@pytest.mark.parametrize(
    ("engine", "changes"),
    [
        ("nsga2", {"surrogate": False}),
        ("nsga2", {"surrogate_after": 32, "surrogate_children": 50}),
        ("falsr", {}),
        ("falsr", {"mode": "steady"}),
    ],
)
def test_its_fronts_beat_those_of_random_search(engine, changes):
    ours, random = (
        np.mean([volume(name, seed, **options) for seed in range(3)])
        for name, options in ((engine, changes), ("random", {}))
    )
    assert ours > 1.04 * random


def test_known_figures_are_those_of_the_cost_model():
    space = get_space("tiny")
    genotype = space.sample(np.random.default_rng(0))
    figures = costs_of(space)(encode(space, genotype)[None])
    assert figures["mult_adds"][0] == synthetic_scores(genotype)[1]
