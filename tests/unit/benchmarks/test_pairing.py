"""Ratios of arms that took turns, and how sure one is of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pairing import Spread, faster_by, take_turns

VALUES = st.lists(st.floats(0.1, 10), min_size=1, max_size=30)


@given(values=VALUES)
def test_the_median_lies_in_its_interval_and_the_interval_in_the_values(values):
    spread = Spread.of(values)
    assert min(values) <= spread.low <= spread.median <= spread.high <= max(values)


@pytest.mark.parametrize(("count", "trimmed"), [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (10, 1), (20, 5)])
def test_the_interval_is_that_of_the_sign_test(count, trimmed):
    spread = Spread.of([float(value) for value in range(count)])
    assert (spread.low, spread.high) == (trimmed, count - 1 - trimmed)


def test_arms_take_turns_and_each_begins_a_round():
    order = []

    def lap(name):
        return lambda: (order.append(name), 1.0)[1]

    laps = take_turns({name: lap(name) for name in "abc"}, 2, warm_up=1)
    assert "".join(order) == "abcbcacab"
    assert laps == [{"a": 1.0, "b": 1.0, "c": 1.0}] * 2


def test_a_ratio_is_taken_round_by_round():
    laps = [{"ours": 1.0, "plain": 2.0}, {"ours": 10.0, "plain": 20.0}, {"ours": 1.0, "plain": 3.0}]
    assert faster_by(laps, "ours", "plain") == Spread(median=2.0, low=2.0, high=3.0)
    assert str(faster_by(laps, "ours", "plain")) == "2.00 (2.00-3.00)"
