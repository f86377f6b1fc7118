"""The operators change genotypes as they say, and never leave canonical form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymoo.core.population import Population
from pymoo.core.problem import Problem

from nas.engine.sampling import Sampler
from nas.engine.testing import settings_for, size_screen
from nas.engine.variation import (
    Canonical,
    InitialSampling,
    ResetMutation,
    UniformCrossover,
    Unseen,
    individuals,
)
from search_space.encoding import decode, encode, upper_bounds
from search_space.spaces import SPACES, get_space

SEEDS = st.integers(0, 2**32 - 1)
NAMES = st.sampled_from(list(SPACES))


def problem_of(space) -> Problem:
    return Problem(n_var=len(space.genes), n_obj=1, xl=0, xu=upper_bounds(space), vtype=int)


def random_vectors(space, rng, n=4):
    """Any vectors within the bounds, canonical or not."""
    return rng.integers(0, upper_bounds(space), endpoint=True, size=(n, len(space.genes)))


@given(NAMES, SEEDS)
def test_mutation_always_makes_another_genotype(name, seed):
    space, rng = get_space(name), np.random.default_rng(seed)
    before = random_vectors(space, rng)
    after = ResetMutation(space)._do(problem_of(space), before.copy(), random_state=rng)
    assert (after <= upper_bounds(space)).all()
    assert (after >= 0).all()
    for old, new in zip(before, after, strict=True):
        assert decode(space, new) != decode(space, old)


def test_mutation_changes_every_gene_and_about_one_or_two_at_a_time():
    space, rng = get_space("falsr"), np.random.default_rng(0)
    before = random_vectors(space, rng, 2000)
    changed = ResetMutation(space)._do(problem_of(space), before.copy(), random_state=rng) != before
    assert changed.any(axis=0).all()
    assert 1.0 < changed.sum(axis=1).mean() < 2.0


@given(NAMES, SEEDS)
def test_crossover_gives_each_gene_of_one_parent_to_one_child_and_the_other_to_the_other(name, seed):
    space, rng = get_space(name), np.random.default_rng(seed)
    parents = np.stack([random_vectors(space, rng), random_vectors(space, rng)])
    children = UniformCrossover()._do(problem_of(space), parents, random_state=rng)
    np.testing.assert_array_equal(np.sort(children, axis=0), np.sort(parents, axis=0))


@given(NAMES, SEEDS)
def test_canonical_individuals_carry_their_genotypes_own_vector(name, seed):
    space, rng = get_space(name), np.random.default_rng(seed)
    vectors = random_vectors(space, rng)
    for individual, vector in zip(Canonical(space).do(None, Population.new("X", vectors)), vectors, strict=True):
        assert individual.get("genotype") == decode(space, vector)
        np.testing.assert_array_equal(individual.X, encode(space, individual.get("genotype")))


def test_unseen_drops_equals_and_whatever_was_admitted():
    space, rng = get_space("falsr"), np.random.default_rng(0)
    seen, bred, new, other = (space.sample(rng) for _ in range(4))
    population = individuals(space, [seen, new, bred, new, other])
    kept = Unseen({seen.digest}).do(population, individuals(space, [bred]))
    assert [individual.get("genotype") for individual in kept] == [new, other]


def test_initial_sampling_begins_with_the_initial_genotypes():
    space, rng = get_space("falsr"), np.random.default_rng(0)
    initial = tuple(space.sample(rng) for _ in range(3))
    settings = settings_for("falsr", initial=initial)
    population = InitialSampling(space, Sampler(settings), initial).do(None, 10, random_state=rng)
    assert [individual.get("genotype") for individual in population[:3]] == list(initial)
    assert len({individual.get("genotype") for individual in population}) == len(population) == 10


def test_where_nothing_passes_the_least_violating_are_drawn():
    settings = settings_for("tiny", screen=size_screen(1))
    draw = Sampler(settings).draw(5, np.random.default_rng(0))
    assert draw.passing == ()
    violations = sorted(map(settings.screen, settings.space.enumerate()))
    assert list(map(settings.screen, draw.failing)) == pytest.approx(violations[:5])


def test_a_draw_admits_nothing_and_never_gives_what_was_admitted():
    space, rng = get_space("tiny"), np.random.default_rng(0)
    sampler = Sampler(settings_for("tiny"))
    assert len(sampler.draw(2000, rng).passing) == space.distinct_size
    admitted = sampler.draw(1000, rng).passing
    for genotype in admitted:
        sampler.admit(genotype)
    assert set(sampler.draw(2000, rng).passing) == set(space.enumerate()) - set(admitted)
