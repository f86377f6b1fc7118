"""Vectors that are no encoding are refused; the round trip is part of the contract that test_space runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.encoding import decode, encode, upper_bounds
from search_space.errors import InvalidInput
from search_space.published import PUBLISHED
from search_space.spaces.falsr import FALSR
from search_space.spaces.tiny import TINY


def test_encodings_of_the_tiny_space_are_all_different() -> None:
    assert len({tuple(encode(TINY, genotype)) for genotype in TINY.enumerate()}) == 1152


def test_bounds_are_the_last_index_of_each_gene() -> None:
    bounds = upper_bounds(FALSR)
    assert bounds.dtype == np.int64
    assert bounds.tolist() == [3, 3, 1, 2, 1] * 7 + [1] * 28


@given(st.integers(0, 62), st.integers(1, 100), st.booleans())
def test_an_index_out_of_bounds_is_named_by_its_gene(i: int, beyond: int, below: bool) -> None:
    vector = encode(FALSR, PUBLISHED["falsr-b"].genotype)
    vector[i] = -beyond if below else upper_bounds(FALSR)[i] + beyond
    with pytest.raises(InvalidInput) as caught:
        decode(FALSR, vector)
    assert [problem.field for problem in caught.value.problems] == [FALSR.genes[i].name]


@pytest.mark.parametrize("vector", [np.zeros(62, int), np.zeros((1, 63), int), np.zeros(63), [], ["a"] * 63])
def test_what_is_no_vector_of_indexes_is_refused(vector: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(FALSR, vector)  # type: ignore[arg-type]
    assert [problem.field for problem in caught.value.problems] == ["vector"]


def test_a_genotype_of_another_space_is_not_encoded() -> None:
    with pytest.raises(InvalidInput, match="features"):
        encode(TINY, PUBLISHED["falsr-b"].genotype)
