"""NSGA-II keeps the promises of every engine, lives in generations, and finds better fronts than random search."""

import numpy as np
import pytest

from nas.engine.base import EngineSettings
from nas.engine.building import ENGINES, build_engine
from nas.engine.nsga2 import Nsga2
from nas.engine.testing import (
    TWO_OBJECTIVES,
    EngineContract,
    drive,
    settings_for,
    size,
    size_screen,
    synthetic_scores,
)
from nas.objectives import METRICS, Objective
from nas.pareto import front, hypervolume
from search_space.errors import InvalidInput
from search_space.spaces import get_space


class TestNsga2(EngineContract):
    def build(self, settings: EngineSettings) -> Nsga2:
        return Nsga2(settings)


def test_a_generation_is_handed_out_before_any_of_it_is_told():
    engine = Nsga2(settings_for("falsr", population=8))
    generation = [engine.ask() for _ in range(8)]
    assert all(generation)
    assert engine.ask() is None
    for proposal in generation[1:]:
        engine.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0)
        assert engine.ask() is None
    engine.tell(generation[0].genotype, None, 0.0)
    assert engine.ask().operator == "variation"


def test_children_name_two_parents_that_were_told_before_them():
    proposals = drive(Nsga2(settings_for("falsr")), 64).proposals
    told = [proposal.genotype.digest for proposal in proposals]
    assert [proposal.operator for proposal in proposals] == ["random"] * 8 + ["variation"] * 56
    for i, proposal in enumerate(proposals[8:], start=8):
        assert len(proposal.parents) == 2
        assert set(proposal.parents) <= set(told[:i])


def test_more_initial_genotypes_than_the_population_make_a_larger_first_generation():
    space, rng = get_space("falsr"), np.random.default_rng(0)
    initial = tuple(space.sample(rng) for _ in range(20))
    engine = Nsga2(settings_for("falsr", initial=initial))
    assert [engine.ask().operator for _ in range(20)] == ["initial"] * 20
    assert engine.ask() is None


def test_it_breeds_its_way_into_constraints_that_no_random_genotype_meets():
    settings = settings_for("falsr", screen=size_screen(20_000))
    rng = np.random.default_rng(0)
    assert not any(settings.screen(settings.space.sample(rng)) == 0 for _ in range(300))
    proposals = drive(Nsga2(settings), 40).proposals
    assert len(proposals) == 40
    assert all(size(proposal.genotype) <= 20_000 for proposal in proposals)


def test_candidates_outside_the_trained_constraints_are_bred_from_only_for_want_of_others():
    engine = Nsga2(settings_for("falsr", population=16))
    violations = {}
    for _ in range(12 * 16):
        proposal = engine.ask()
        scores = synthetic_scores(proposal.genotype)
        violations[proposal.genotype.digest] = max(0.0, 33.5 - scores[0])
        engine.tell(proposal.genotype, scores, violations[proposal.genotype.digest])
    violated = [violation > 0 for violation in violations.values()]
    assert sum(violated[:16]) > 8
    assert sum(violated[-64:]) < sum(violated[:64])


def test_a_wrong_number_of_values_is_refused():
    engine = Nsga2(settings_for("falsr"))
    with pytest.raises(ValueError, match="3 values for 2 objectives"):
        engine.tell(engine.ask().genotype, (1.0, 2.0, 3.0), 0.0)


@pytest.mark.parametrize("metrics", [["psnr"], ["psnr", "mult_adds"], list(METRICS)])
def test_selection_keeps_the_senses_of_the_objectives(metrics):
    """The genotypes of the last generation are on average better in the first objective than random ones."""
    objectives = tuple(map(Objective.of, metrics))
    settings = settings_for("falsr", objectives=objectives, population=16)

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
    run = drive(Nsga2(settings_for("tiny", population=16)), 400)
    found = exact & {proposal.genotype for proposal in run.proposals}
    assert len(found) > 0.8 * len(exact)


def test_its_fronts_beat_those_of_random_search():
    reference = (32.0, 2e11)

    def volume(engine, seed):
        settings = settings_for("falsr", population=16, seed=seed)
        proposals = drive(build_engine(engine, settings), 300, workers=4).proposals
        points = [synthetic_scores(proposal.genotype) for proposal in proposals]
        return hypervolume(points, TWO_OBJECTIVES, reference)

    volumes = {engine: np.mean([volume(engine, seed) for seed in range(5)]) for engine in ENGINES}
    assert volumes["nsga2"] > 1.08 * volumes["random"]


def test_an_engine_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InvalidInput, match="nsga2, random"):
        build_engine("nsga3", settings_for("falsr"))
