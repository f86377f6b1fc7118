"""Roulettes replace a cell by another one; first populations cover cells and costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.breeding import (
    cell_roulette,
    diverse_start,
    roulette_weights,
    stratified_start,
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


def cost(genotype):
    return mult_adds(genotype, scale=2, channels=1)


def everything(genotype):
    return True


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
    rng = np.random.default_rng(seed)
    uniform = np.log([cost(FALSR.sample(rng)) for _ in range(n)])
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
    start = stratified_start(space, n, np.random.default_rng(seed), cost, light)
    assert len(set(start)) == len(start) <= n
    assert all(space.contains(genotype) and light(genotype) for genotype in start)
    assert start == stratified_start(space, n, np.random.default_rng(seed), cost, light)


@pytest.mark.parametrize("n", [1, 5, 5000])
def test_a_small_space_gives_what_it_has(n):
    rng = np.random.default_rng(0)
    assert len(stratified_start(ONE_CELL, n, rng, cost, everything)) == min(n, 2)
    assert stratified_start(ONE_CELL, n, rng, cost, lambda _: False) == []
