"""A median is believed when its times agree, or when time is up."""

from itertools import chain, repeat
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.latency.timing import Repeats, settled_times


def counted(times, repeats, clock=lambda: 0.0):  # type: ignore[no-untyped-def]
    taken = []

    def once() -> float:
        taken.append(next(times))
        return taken[-1]

    return median(settled_times(once, repeats, clock)), len(taken)


def test_the_first_runs_do_not_count() -> None:
    times = chain([100.0, 50.0], repeat(3.0))
    assert counted(times, Repeats(warm_up=2, at_least=5)) == (3.0, 7)


def test_times_that_scatter_are_taken_again_until_they_agree() -> None:
    times = chain([1.0, 2.0, 3.0, 4.0, 5.0], repeat(2.0))
    found, runs = counted(times, Repeats(warm_up=0, at_least=5, at_most=100, spread=0.0))
    assert found == 2.0
    assert 5 < runs < 20


def test_a_limit_ends_what_never_settles() -> None:
    seconds = iter(range(100))
    scattered = iter(float(i) for i in range(100))
    found, runs = counted(scattered, Repeats(warm_up=0, limit_s=3.0), lambda: float(next(seconds)))
    assert runs == 7
    assert found == 3.0


def test_there_is_a_most() -> None:
    assert counted(iter(float(i) for i in range(100)), Repeats(warm_up=0, at_most=9))[1] == 9


@given(st.lists(st.floats(0.1, 1e3), min_size=5, max_size=5))
def test_the_median_lies_among_the_times(times: list[float]) -> None:
    found, _ = counted(iter(times), Repeats(warm_up=0, at_least=5, at_most=5))
    assert found == sorted(times)[2]


@pytest.mark.parametrize("fields", [{"warm_up": -1}, {"at_least": 1}, {"at_least": 9, "at_most": 8}])
def test_repeats_that_make_no_sense_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at_least"):
        Repeats(**fields)
