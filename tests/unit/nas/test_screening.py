"""Screening picks what adds most hypervolume, spreads what is in flight, and doubts a model that ranks badly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.engine.screening import Watch, pick
from nas.objectives import Objective
from nas.pareto import hypervolume

PSNR, MULT_ADDS, FSDS = (Objective.of(metric) for metric in ("psnr", "mult_adds", "fsds"))
OBJECTIVES = (PSNR, MULT_ADDS, FSDS)
REFERENCE = (28.0, 1e11, 18.0)


def points(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Networks of which dearer ones are better, on both sides of the reference; shape (n, m)."""
    cost = rng.uniform(0.05, 1.2, n)
    psnr, fsds = 28 + 3 * np.sqrt(cost) + rng.normal(0, 0.5, n), 19 + cost + rng.normal(0, 0.5, n)
    return np.column_stack([psnr, cost * 1e11, fsds])[:, :m]


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 30), st.integers(0, 5))
def test_the_child_that_adds_most_hypervolume_is_picked(seed: int, m: int, found: int, in_flight: int) -> None:
    rng, objectives, reference = np.random.default_rng(seed), OBJECTIVES[:m], REFERENCE[:m]
    children, front, pending = (points(n, m, rng) for n in (25, found, in_flight))
    base = np.concatenate([front, pending])
    volumes = [hypervolume(np.concatenate([base, [child]]), objectives, reference) for child in children]
    picked = pick(children, front, objectives, reference, pending=pending)
    assert volumes[picked] == pytest.approx(max(volumes))


def test_children_like_one_in_flight_are_passed_over() -> None:
    front = [[29.0, 5e10]]
    children = [[30.5, 6e10], [30.49, 6.01e10], [29.3, 2e10]]
    assert pick(children, front, OBJECTIVES[:2], REFERENCE[:2]) == 0
    assert pick(children, front, OBJECTIVES[:2], REFERENCE[:2], pending=[[30.5, 6e10]]) == 2


def test_where_none_improves_the_nearest_to_the_front_is_picked() -> None:
    front = [[30.0, 4e10], [31.0, 8e10]]
    children = [[29.0, 5e10], [30.9, 8.1e10], [29.5, 7e10]]
    assert pick(children, front, OBJECTIVES[:2], REFERENCE[:2]) == 1


def test_where_none_beats_the_reference_the_nearest_to_it_is_picked() -> None:
    children = [[29.0, 1.9e11], [27.9, 9e10], [26.0, 1e10]]
    assert pick(children, [], OBJECTIVES[:2], REFERENCE[:2]) == 1


def test_of_equals_the_first_is_picked() -> None:
    assert pick([[30.0, 5e10], [30.0, 5e10]], [], OBJECTIVES[:2], REFERENCE[:2]) == 0
    assert pick([[30.0, 5e10], [30.0, 5e10]], [[30.0, 5e10]], OBJECTIVES[:2], REFERENCE[:2]) == 0


def test_values_that_are_not_finite_are_never_preferred() -> None:
    children = [[math.nan, 1e10], [math.inf, 1e10], [27.0, 2e11]]
    front = [[math.nan, 1.0], [30.0, 4e10]]
    assert pick(children, front, OBJECTIVES[:2], REFERENCE[:2]) == 2
    assert pick(children[:2], front, OBJECTIVES[:2], REFERENCE[:2]) == 0


@given(st.integers(0, 2**32 - 1))
def test_the_unit_of_an_axis_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    children, front = points(20, 2, rng), points(10, 2, rng)
    giga = np.array([1.0, 1e-9])
    first = pick(children, front, OBJECTIVES[:2], REFERENCE[:2])
    assert first == pick(children * giga, front * giga, OBJECTIVES[:2], (28.0, 100.0))


def test_a_watch_trusts_until_it_has_seen_enough() -> None:
    watch = Watch(0.2)
    for i in range(11):
        watch.add(i, -i)
        assert watch.trusts
    watch.add(11, -11)
    assert watch.tau == -1.0
    assert not watch.trusts


def test_a_watch_forgets_what_is_long_ago() -> None:
    watch = Watch(0.2, window=20)
    for i in range(30):
        watch.add(i, -i)
    assert not watch.trusts
    for i in range(20):
        watch.add(i, i)
    assert watch.tau == 1.0
    assert watch.trusts


def test_a_watch_leaves_out_what_is_not_finite_and_takes_ties_for_no_agreement() -> None:
    watch = Watch(0.2)
    for value in (math.nan, math.inf):
        watch.add(value, 1.0)
        watch.add(1.0, value)
    assert watch.tau is None
    for i in range(12):
        watch.add(30.0, i)
    assert watch.tau is None
    assert not watch.trusts
    assert Watch(-1.0).trusts
