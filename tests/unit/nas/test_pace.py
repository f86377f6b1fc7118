"""Pace and wall time are those of a search while it runs: what it waited or stood still is not in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nas.pace import elapsed_s, fraction, seconds_left
from nas.records import Search, SearchState
from nas.spec import BudgetSpec
from nas.testing.builders import START, make_progress, make_search

NOW = START + timedelta(hours=5)


def half_done(**changes: Any) -> Search:
    """A search that ran for a minute long ago, runs again for another, and has done 5 of 10 evaluations."""
    search = make_search(
        state=SearchState.RUNNING,
        started_at=START,
        ran_s=60.0,
        running_since=NOW - timedelta(seconds=60),
        progress=make_progress(5),
    )
    budget = BudgetSpec.model_validate({"evaluations": 10, **changes})
    return replace(search, spec=search.spec.model_copy(update={"budget": budget}))


def test_time_is_what_a_search_ran() -> None:
    assert elapsed_s(half_done(), NOW) == 120.0
    assert elapsed_s(replace(half_done(), running_since=None), NOW) == 60.0
    assert elapsed_s(make_search(), NOW) == 0.0


def test_what_is_left_follows_the_pace_while_it_ran() -> None:
    assert seconds_left(half_done(), NOW) == pytest.approx(120.0)
    assert seconds_left(half_done(wall_time_s=150), NOW) == pytest.approx(30.0)
    assert seconds_left(replace(half_done(), state=SearchState.PAUSED), NOW) is None


def test_the_part_of_the_budget_of_which_most_is_used_counts() -> None:
    assert fraction(half_done(), NOW) == 0.5
    assert fraction(half_done(wall_time_s=150), NOW) == pytest.approx(0.8)
    assert fraction(half_done(wall_time_s=1), NOW) == 1.0
    assert fraction(replace(half_done(), state=SearchState.COMPLETED), NOW) == 1.0
