"""A client that was not told everything, once and in order, is noticed."""

import pytest

from benchmarks.streaming import Follower, Found, Load, report


def seen(*ordinals: int, dismissed: bool = True) -> Follower:
    return Follower(list(ordinals), [0.1 * number for number in ordinals], connections=2, dismissed=dismissed)


def found(*followers: Follower) -> Found:
    return Found(expected=[1, 2, 3], followers=followers, memory_mib={"before": 1.0}, log="", status=0)


@pytest.mark.parametrize("wrong", [seen(1, 3), seen(1, 2, 2, 3), seen(2, 1, 3), seen(), seen(1, 2, 3, dismissed=False)])
def test_a_client_that_was_told_something_else_is_named(wrong: Follower) -> None:
    assert found(seen(1, 2, 3), wrong).wrong == [1]
    assert found(seen(1, 2, 3)).wrong == []


def test_delays_are_told_by_the_share_that_stayed_within() -> None:
    shown = report(Load(clients=1), found(seen(1, 2, 3)))
    assert "p50 200, p90 300, p99 300, p100 300" in shown
    assert "3, 0 missing" in shown
