from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space import cost
from search_space.batch import BatchCosts, canonical
from search_space.encoding import decode, encode, upper_bounds
from search_space.space import SearchSpace
from search_space.spaces import SPACES, get_space

seeds = st.integers(0, 2**32 - 1)


def vectors_of(space: SearchSpace, n: int, seed: int) -> np.ndarray:
    bounds = upper_bounds(space)
    return np.random.default_rng(seed).integers(0, bounds, size=(n, bounds.size), endpoint=True)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 1), (4, 3)])
def test_costs_are_those_of_each_genotype(name: str, scale: int, channels: int) -> None:
    space = get_space(name)
    vectors = vectors_of(space, 60, seed=scale)
    params, mult_adds = BatchCosts(space, scale=scale, channels=channels)(vectors)
    genotypes = [decode(space, vector) for vector in vectors]
    assert params.tolist() == [cost.params(g, scale=scale, channels=channels) for g in genotypes]
    assert mult_adds.tolist() == [cost.mult_adds(g, scale=scale, channels=channels) for g in genotypes]


@pytest.mark.parametrize("name", SPACES)
@given(seed=seeds)
def test_canonical_vectors_are_those_that_genotypes_are_encoded_as(name: str, seed: int) -> None:
    space = get_space(name)
    vectors = vectors_of(space, 8, seed)
    expected = [encode(space, decode(space, vector)).tolist() for vector in vectors]
    assert canonical(space, vectors).tolist() == expected


def test_the_argument_is_left_as_it_is() -> None:
    vectors = vectors_of(get_space("falsr"), 20, seed=0)
    before = vectors.copy()
    canonical(get_space("falsr"), vectors)
    assert (vectors == before).all()


def test_nothing_costs_nothing() -> None:
    space = get_space("tiny")
    params, mult_adds = BatchCosts(space, scale=2, channels=1)(np.empty((0, len(space.genes)), dtype=np.int64))
    assert params.shape == mult_adds.shape == (0,)
