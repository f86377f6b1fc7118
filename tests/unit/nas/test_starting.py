"""First populations: the initial genotypes first, all of them different, none that the screen rejects."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.benchmarking.plain import Plain, TableSpace
from nas.engine.base import EngineSettings, nothing_known
from nas.engine.starting import refuse_foreign, start_vectors
from nas.engine.testing import settings_for, size, size_screen
from nas.engine.unseen import Unseen
from nas.objectives import Objective
from nas.options import EngineOptions
from search_space.encoding import decode
from search_space.errors import InvalidInput
from search_space.space import Gene
from search_space.spaces import FALSR, TINY

SEEDS = st.integers(0, 2**32 - 1)
STARTS = ["stratified", "diverse", "random"]
TABLE = TableSpace(name="table", genes=tuple(Gene(name, (0, 1, 2)) for name in "abcd"))


def start(found: EngineSettings, seed: int = 0) -> list[np.ndarray]:
    return start_vectors(found, Unseen(found), np.random.default_rng(seed))


def of_table(**changes: Any) -> EngineSettings:
    changes = {"space": TABLE, "objectives": (Objective.of("psnr"),), "population": 8, "seed": 0} | changes
    return EngineSettings(**changes)


@settings(deadline=None, max_examples=12)
@given(SEEDS, st.sampled_from(STARTS), st.integers(4, 24), st.integers(0, 6), st.booleans())
def test_a_start_is_the_initial_genotypes_and_then_others_all_different_that_pass(
    seed: int, kind: str, population: int, n_initial: int, screened: bool
) -> None:
    rng = np.random.default_rng(seed)
    initial = tuple(FALSR.sample(rng) for _ in range(min(n_initial, population)))
    screen = size_screen(150_000) if screened else None
    found = settings_for("falsr", start=kind, population=population, initial=initial, screen=screen)
    vectors = start(found, seed)
    genotypes = [decode(FALSR, vector) for vector in vectors]
    passing = [g for g in initial if not screened or size(g) <= 150_000]
    assert genotypes[: len(passing)] == passing
    assert len(genotypes) == len(set(genotypes)) == population
    assert not Unseen(found).violations(np.array(vectors)).any()


@pytest.mark.parametrize("kind", STARTS)
def test_a_start_repeats_with_its_generator(kind: str) -> None:
    found = settings_for("falsr", start=kind, screen=size_screen(150_000))
    np.testing.assert_array_equal(start(found, 5), start(found, 5))
    assert not np.array_equal(start(found, 5), start(found, 6))


def test_more_initial_genotypes_than_the_population_are_all_in() -> None:
    rng = np.random.default_rng(0)
    initial = tuple(FALSR.sample(rng) for _ in range(12))
    assert [decode(FALSR, vector) for vector in start(settings_for("falsr", initial=initial))] == list(initial)


@pytest.mark.parametrize("kind", STARTS)
def test_a_small_space_starts_with_all_there_is(kind: str) -> None:
    every = sorted(TINY.enumerate(), key=size)
    largest = size(every[20])
    left = [genotype for genotype in every if size(genotype) <= largest]
    found = settings_for("tiny", start=kind, population=2000, screen=size_screen(largest), initial=(left[3],))
    genotypes = [decode(TINY, vector) for vector in start(found)]
    assert genotypes[0] == left[3]
    assert sorted(map(str, genotypes)) == sorted(map(str, left))


@pytest.mark.parametrize("kind", STARTS)
def test_a_start_is_empty_where_nothing_passes(kind: str) -> None:
    assert start(settings_for("tiny", start=kind, screen=lambda figures: np.ones_like(figures["params"]))) == []


def test_a_diverse_start_repeats_one_cell_throughout_each_network() -> None:
    genotypes = [decode(FALSR, vector) for vector in start(settings_for("falsr", start="diverse", population=16))]
    assert all(len(set(genotype.cells)) == 1 for genotype in genotypes)
    assert len({genotype.cells[0] for genotype in genotypes}) == 16


def test_where_no_cost_is_known_a_stratified_start_is_random() -> None:
    found = settings_for("falsr", known=nothing_known)
    assert len(start(found)) == found.population


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sampled_from(STARTS), st.integers(4, 100))
def test_a_table_of_genes_starts_at_random(seed: int, kind: str, population: int) -> None:
    initial = (Plain((2, 2, 2, 2)),)
    found = of_table(options=EngineOptions(start=kind), population=population, initial=initial)
    genotypes = [decode(TABLE, vector) for vector in start(found, seed)]
    assert genotypes[0] == initial[0]
    assert len(genotypes) == len(set(genotypes)) == min(population, TABLE.size)


def test_every_foreign_genotype_is_named() -> None:
    own, foreign = FALSR.sample(np.random.default_rng(0)), TINY.sample(np.random.default_rng(0))
    with pytest.raises(InvalidInput) as caught:
        refuse_foreign(settings_for("falsr", initial=(own, foreign, own, foreign)))
    named = {problem.field.split(".")[0] for problem in caught.value.problems}
    assert named == {"initial[1]", "initial[3]"}
    refuse_foreign(settings_for("falsr", initial=(own, own)))
