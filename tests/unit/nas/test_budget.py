"""Each part of a budget ends a search by itself, at its bound and not before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.budget import Spent, nothing_left, spent
from nas.records import Progress
from nas.spec import BudgetSpec

NOTHING: dict[str, Any] = {"asked": 0, "planned_steps": 0, "unchanged": 0, "running_s": 0.0}


def of(budget: dict[str, Any], progress: Progress | None = None, **reached: Any) -> Spent | None:
    return spent(BudgetSpec(**{"evaluations": 100, **budget}), progress or Progress(), **{**NOTHING, **reached})


BOUNDS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool, str]] = [
    ({}, {"asked": 99}, {"asked": 100}, False, "100 evaluations"),
    ({"steps": 50}, {"planned_steps": 49}, {"planned_steps": 50}, False, "50 training steps"),
    (
        {"steps": 50},
        {"progress": Progress(steps=30), "planned_steps": 19},
        {"progress": Progress(steps=30), "planned_steps": 20},
        False,
        "50 training steps",
    ),
    ({"patience": 7}, {"unchanged": 6}, {"unchanged": 7}, False, "7 outcomes in a row"),
    ({"wall_time_s": 60.5}, {"running_s": 60.4}, {"running_s": 60.5}, True, "60.5 s"),
    (
        {"worker_hours": 2.0},
        {"progress": Progress(train_s=7000.0, validate_s=199.0)},
        {"progress": Progress(train_s=7000.0, validate_s=200.0)},
        True,
        "2 worker-hours",
    ),
]


@pytest.mark.parametrize(("budget", "before", "at", "hard", "reason"), BOUNDS)
def test_a_part_is_spent_at_its_bound_and_says_so(
    budget: dict[str, Any], before: dict[str, Any], at: dict[str, Any], hard: bool, reason: str
) -> None:
    assert of(budget, **before) is None
    found = of(budget, **at)
    assert found is not None
    assert found.hard == hard
    assert reason in found.reason


def test_without_a_bound_only_evaluations_count() -> None:
    endless = {"planned_steps": 10**9, "unchanged": 10**9, "running_s": 1e9}
    progress = Progress(steps=10**9, train_s=1e9, validate_s=1e9, evaluated=99)
    assert of({}, progress, asked=99, **endless) is None
    assert of({}, progress, asked=100, **endless) == Spent("the budget of 100 evaluations is spent", hard=False)


AMOUNTS = st.fixed_dictionaries(
    {
        "asked": st.integers(0, 12),
        "planned_steps": st.integers(0, 12),
        "unchanged": st.integers(0, 12),
        "running_s": st.floats(0, 12),
    }
)
BUDGETS = st.fixed_dictionaries(
    {"evaluations": st.integers(1, 12)},
    optional={
        "steps": st.integers(1, 12),
        "patience": st.integers(1, 12),
        "wall_time_s": st.floats(0.5, 12),
        "worker_hours": st.floats(0.5, 12),
    },
)


@given(BUDGETS, AMOUNTS, st.integers(0, 12), st.floats(0, 40_000))
def test_a_budget_is_spent_when_a_part_is_and_hard_parts_go_before_others(
    budget: dict[str, Any], reached: dict[str, Any], steps: int, train_s: float
) -> None:
    found = of(budget, Progress(steps=steps, train_s=train_s), **reached)
    hard = [
        reached["running_s"] >= budget.get("wall_time_s", float("inf")),
        train_s / 3600 >= budget.get("worker_hours", float("inf")),
    ]
    soft = [
        reached["asked"] >= budget["evaluations"],
        steps + reached["planned_steps"] >= budget.get("steps", float("inf")),
        reached["unchanged"] >= budget.get("patience", float("inf")),
    ]
    assert (found is not None) == any([*hard, *soft])
    assert found is None or found.hard == any(hard)


@given(BUDGETS, AMOUNTS, AMOUNTS)
def test_what_is_spent_stays_spent(budget: dict[str, Any], reached: dict[str, Any], more: dict[str, Any]) -> None:
    if of(budget, **reached) is not None:
        assert of(budget, **{name: value + more[name] for name, value in reached.items()}) is not None


def test_a_search_that_could_propose_nothing_at_all_says_so() -> None:
    assert "relax" in nothing_left(any_asked=False).reason
    assert "relax" not in nothing_left(any_asked=True).reason
