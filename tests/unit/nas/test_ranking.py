from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nas.ranking import agreement, kendall_tau

figures = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=30)


@given(figures)
def test_tau_is_scipys_tau_b(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    found, expected = kendall_tau(first, second), stats.kendalltau(first, second).statistic
    assert (found is None) == math.isnan(expected)
    assert found is None or found == pytest.approx(expected, abs=1e-12)


@given(figures)
def test_the_interval_holds_tau_and_stays_in_range(pairs: list[tuple[int, int]]) -> None:
    found = agreement(*zip(*pairs, strict=True))
    assert found.pairs == len(pairs)
    if found.tau is None or found.pairs < 4:
        assert found.low is None
        assert found.high is None
    else:
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= found.tau <= found.high <= 1


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth, rounds, covered = 2 / math.pi * math.asin(0.6), 400, 0
    for _ in range(rounds):
        points = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=40)
        found = agreement(points[:, 0], points[:, 1])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.91 < covered / rounds < 0.99


def test_an_unknown_figure_leaves_its_item_out() -> None:
    assert agreement([1, 2, math.nan, 3], [1, 2, 0, 3]).pairs == 3
    assert kendall_tau([1, 2, math.nan, 3], [1, 2, 0, 3]) == 1


def test_nothing_and_one_item_have_no_tau() -> None:
    assert kendall_tau([], []) is None
    assert agreement([1.0], [2.0]).tau is None
