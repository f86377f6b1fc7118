"""Buckets empty with use and fill up with time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.limits import Buckets, neighbourhood


class Clock:
    """Seconds that somebody else counts."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.1, 10), st.integers(1, 10))
def test_nobody_takes_more_than_the_burst_and_what_came_back(pauses: list[float], per_s: float, burst: int) -> None:
    clock = Clock()
    buckets = Buckets(per_s, burst, clock)
    begun, taken = clock.now, 0
    for pause in pauses:
        clock.now += pause
        taken += buckets.take("alice") == 0
        assert taken <= burst + (clock.now - begun) * per_s + 1e-6


def test_who_waits_as_long_as_was_said_gets_one() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 3, clock)
    assert [buckets.take("alice") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.wait_s("alice") == 0.5
    assert buckets.take("bob") == 0
    clock.now += 0.5
    assert buckets.wait_s("alice") == 0
    assert [buckets.take("alice") for _ in range(2)] == [0, 0.5]


def test_who_was_not_seen_for_longest_is_forgotten() -> None:
    buckets = Buckets(1.0, 1, Clock(), most=2)
    for name in ("a", "b", "c"):
        assert buckets.take(name) == 0
    assert [buckets.wait_s(name) for name in ("a", "b", "c")] == [0, 1, 1]


@pytest.mark.parametrize(
    ("address", "whom"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_subscriber_is_one_whatever_the_address(address: str, whom: str) -> None:
    assert neighbourhood(address) == whom
