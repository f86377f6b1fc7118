"""Operators stay within bounds and change what they say; first populations cover cells and costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.breeding import (
    cell_roulette,
    diverse_start,
    one_point_crossover,
    random_start,
    reset_mutation,
    roulette_weights,
    stratified_start,
    uniform_crossover,
)
from search_space.cost import cost_range, mult_adds, params
from search_space.encoding import decode, encode, upper_bounds
from search_space.space import SearchSpace
from search_space.spaces import FALSR, TINY

ONE_CELL = SearchSpace(
    name="one-cell",
    features=8,
    n_cells=1,
    operators=("conv",),
    channels=(8,),
    kernels=(3,),
    repeats=(2,),
    residuals=(True,),
)
SPACES = st.sampled_from([FALSR, TINY, ONE_CELL])
SEEDS = st.integers(0, 2**32 - 1)


def random_vector(space, rng):
    return rng.integers(0, upper_bounds(space), endpoint=True)


def two_vectors(space, rng):
    return random_vector(space, rng), random_vector(space, rng)


def cost(genotype):
    return mult_adds(genotype, scale=2, channels=1)


def everything(genotype):
    return True


@given(SPACES, SEEDS)
def test_every_gene_of_a_uniform_child_is_one_of_its_parents(space, seed):
    rng = np.random.default_rng(seed)
    first, second = two_vectors(space, rng)
    child = uniform_crossover(first, second, rng)
    assert ((child == first) | (child == second)).all()
    assert space.contains(decode(space, child))


def test_uniform_crossover_takes_half_of_each_gene_from_each_parent():
    first, second, rng = np.zeros(63, dtype=np.int64), np.ones(63, dtype=np.int64), np.random.default_rng(0)
    children = np.array([uniform_crossover(first, second, rng) for _ in range(1000)])
    assert (np.abs(children.mean(axis=0) - 0.5) < 0.08).all()


@given(SPACES, SEEDS)
def test_a_one_point_child_is_cut_once_in_the_cells_and_once_in_the_skips(space, seed):
    rng = np.random.default_rng(seed)
    n_micro = len(space.genes) - len(space.possible_skips)
    zeros, ones = np.zeros(len(space.genes), dtype=np.int64), np.ones(len(space.genes), dtype=np.int64)
    child = one_point_crossover(space, zeros, ones, rng)
    for part in (child[:n_micro], child[n_micro:]):
        assert (np.diff(part) >= 0).all()
    first, second = two_vectors(space, rng)
    assert space.contains(decode(space, one_point_crossover(space, first, second, rng)))


def test_one_point_cuts_fall_everywhere():
    zeros, ones, rng = np.zeros(63, dtype=np.int64), np.ones(63, dtype=np.int64), np.random.default_rng(0)
    children = [one_point_crossover(FALSR, zeros, ones, rng) for _ in range(1000)]
    assert {int(child[:35].sum()) for child in children} == set(range(36))
    assert {int(child[35:].sum()) for child in children} == set(range(29))


@given(SPACES, SEEDS, st.sampled_from([0.01, 1.0, 5.0, 100.0]))
def test_a_reset_always_changes_a_gene_and_stays_within_bounds(space, seed, genes):
    rng = np.random.default_rng(seed)
    vector = random_vector(space, rng)
    before = vector.copy()
    mutant = reset_mutation(upper_bounds(space), vector, rng, genes=genes)
    assert (vector == before).all()
    assert (mutant != vector).any()
    assert space.contains(decode(space, mutant))
    if genes == 100.0:
        assert ((mutant != vector) == (upper_bounds(space) > 0)).all()


def test_resets_change_every_gene_as_often_and_as_many_as_asked_for():
    rng, bounds = np.random.default_rng(0), upper_bounds(FALSR)
    vector = random_vector(FALSR, rng)
    changed = np.array([reset_mutation(bounds, vector, rng, genes=4.0) != vector for _ in range(2000)])
    assert changed.sum(axis=1).mean() == pytest.approx(4.0, rel=0.1)
    assert (np.abs(changed.mean(axis=0) - 4 / 63) < 0.03).all()


@pytest.mark.parametrize("metric", ["params", "mult_adds"])
def test_the_roulette_draws_cheaper_cells_more_often_and_leaves_none_out(metric):
    weights = roulette_weights(FALSR, metric)
    by_cell = dict(zip(FALSR.distinct_cells, weights, strict=True))
    cheap, dear = min(by_cell, key=by_cell.get), max(by_cell, key=by_cell.get)
    assert weights.shape == (160,)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.max() / weights.min() == pytest.approx(9.4, abs=0.1)
    assert (str(dear), str(cheap)) == ("g4-k1-f16-n1", "ib-k3-f64-n4")
    assert weights.min() > 0.001


@given(SPACES, SEEDS)
def test_a_roulette_replaces_one_whole_cell_by_another(space, seed):
    rng = np.random.default_rng(seed)
    weights = roulette_weights(space, "params")
    vector = random_vector(space, rng)
    before, after = decode(space, vector), decode(space, cell_roulette(space, vector, rng, weights=weights))
    changed = sum(a != b for a, b in zip(before.cells, after.cells, strict=True))
    assert changed == (len(space.distinct_cells) > 1)
    assert after.inputs == before.inputs


def test_roulettes_follow_their_weights():
    rng, weights = np.random.default_rng(0), np.zeros(160)
    weights[[3, 50, 51]] = 0.5, 0.25, 0.25
    vector = encode(FALSR, FALSR.sample(rng))
    changed = [cell_roulette(FALSR, vector, rng, weights=weights) for _ in range(1000)]
    before = decode(FALSR, vector).cells
    drawn = [
        next(new for old, new in zip(before, decode(FALSR, mutant).cells, strict=True) if old != new)
        for mutant in changed
    ]
    counts = [drawn.count(FALSR.distinct_cells[i]) for i in (3, 50, 51)]
    assert sum(counts) == 1000
    np.testing.assert_allclose(counts, [500, 250, 250], atol=60)


@settings(deadline=None)
@given(SPACES, st.integers(1, 200), SEEDS)
def test_a_diverse_start_uses_every_cell_before_any_twice(space, n, seed):
    start = diverse_start(space, n, np.random.default_rng(seed))
    n_cells = len(space.distinct_cells)
    assert len(start) == n
    assert all(space.contains(genotype) and len(set(genotype.cells)) == 1 for genotype in start)
    for begin in range(0, n, n_cells):
        cells = [genotype.cells[0] for genotype in start[begin : begin + n_cells]]
        assert len(set(cells)) == len(cells)


def test_connections_of_a_diverse_start_are_random_dense_or_empty_a_third_each():
    counts = [len(genotype.skips) for genotype in diverse_start(FALSR, 960, np.random.default_rng(0))]
    dense, empty = counts.count(28), counts.count(0)
    assert dense == pytest.approx(320, abs=60)
    assert empty == pytest.approx(320, abs=60)
    between = [count for count in counts if 0 < count < 28]
    assert np.mean(between) == pytest.approx(14, abs=1)


@pytest.mark.parametrize("n", [8, 64])
@pytest.mark.parametrize("seed", range(3))
def test_a_stratified_start_is_spread_evenly_over_log_cost(n, seed):
    start = stratified_start(FALSR, n, np.random.default_rng(seed), cost, everything)
    logs = np.sort(np.log([cost(genotype) for genotype in start]))
    least, most = np.log(cost_range(FALSR, "mult_adds", scale=2, channels=1))
    assert len(set(start)) == n
    assert logs[-1] - logs[0] > 0.6 * (most - least)
    halves = np.histogram(logs, bins=4)[0]
    assert halves.min() >= 0.7 * n / 4
    uniform = np.log([cost(genotype) for genotype in random_start(FALSR, n, np.random.default_rng(seed), everything)])
    assert np.ptp(logs) > 1.3 * np.ptp(uniform)


def test_the_first_of_a_stratified_start_are_spread_too():
    start = stratified_start(FALSR, 64, np.random.default_rng(0), cost, everything)
    logs = np.log([cost(genotype) for genotype in start])
    assert np.ptp(logs[:16]) > 0.7 * np.ptp(logs)


def light(genotype):
    return params(genotype, scale=2, channels=1) < 4000


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([TINY, ONE_CELL]), st.integers(1, 60), SEEDS)
def test_starts_are_distinct_accepted_and_repeat_with_their_generator(space, n, seed):
    for build in (
        lambda rng: stratified_start(space, n, rng, cost, light),
        lambda rng: random_start(space, n, rng, light),
    ):
        start = build(np.random.default_rng(seed))
        assert len(set(start)) == len(start) <= n
        assert all(space.contains(genotype) and light(genotype) for genotype in start)
        assert start == build(np.random.default_rng(seed))


@pytest.mark.parametrize("n", [1, 5, 5000])
def test_a_small_space_gives_what_it_has(n):
    rng = np.random.default_rng(0)
    assert len(stratified_start(ONE_CELL, n, rng, cost, everything)) == min(n, 2)
    assert len(random_start(ONE_CELL, n, rng, everything)) == min(n, 2)
    assert stratified_start(ONE_CELL, n, rng, cost, lambda _: False) == []
    assert random_start(ONE_CELL, n, rng, lambda _: False) == []
