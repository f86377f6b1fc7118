"""The losses of a training: when they are judged, and what is left of them."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluator.losses import Diverged, Losses
from evaluator.recipe import Recipe

RECIPE = Recipe(steps=60, warmup_steps=0)


def judged(values: list[float], *, late: bool, recipe: Recipe = RECIPE) -> int | None:
    """The step at which a training with these losses is found to diverge; None if it is not."""
    losses = Losses(recipe, late=late)
    for step, value in enumerate(values, start=1):
        losses.add(torch.tensor(value))
        try:
            if step % 10 == 0:
                losses.check()
        except Diverged:
            return step
    try:
        losses.finish()
    except Diverged:
        return len(values)
    return None


@pytest.mark.parametrize(("late", "step"), [(False, 20), (True, 30)])
def test_losses_that_are_not_finite_are_found_at_the_next_check_or_one_late(late: bool, step: int) -> None:
    values = [0.1] * 60
    values[14] = math.nan
    assert judged(values, late=late) == step


@pytest.mark.parametrize("late", [False, True])
def test_the_last_losses_are_judged_at_the_end_however_few(late: bool) -> None:
    recipe = replace(RECIPE, steps=33)
    assert judged([0.1] * 30 + [2.0] * 3, late=late, recipe=recipe) == 33
    assert judged([0.1] * 33, late=late, recipe=recipe) is None


@pytest.mark.parametrize("late", [False, True])
def test_a_ten_that_is_not_full_is_left_to_whoever_goes_on(late: bool) -> None:
    values = torch.tensor([0.1] * 30 + [2.0] * 3 + [0.1] * 7)
    first = Losses(RECIPE, late=late)
    for loss in values[:33]:
        first.add(loss)
    first.finish()
    assert first.latest == pytest.approx(0.1)
    second = Losses(RECIPE, late=late)
    second.resume(first.so_far())
    for loss in values[33:]:
        second.add(loss)
    second.finish()
    assert second.latest == pytest.approx(0.67)


@given(st.lists(st.floats(0, 0.875, width=32), min_size=1, max_size=60), st.data())
def test_the_curve_of_a_stretch_is_that_of_its_losses_alone(values: list[float], data: st.DataObject) -> None:
    since = data.draw(st.integers(0, len(values)))
    whole, stretch = Losses(RECIPE), Losses(RECIPE)
    whole.resume(torch.tensor(values))
    stretch.resume(torch.tensor(values[since:]))
    assert whole.curve(since) == tuple((since + step, loss) for step, loss in stretch.curve())


def test_high_losses_at_the_start_are_forgiven() -> None:
    assert judged([5.0] * 20 + [0.1] * 40, late=False) is None
    assert judged([5.0] * 30 + [0.1] * 30, late=False) == 30


def test_the_latest_mean_is_of_the_ten_that_were_judged_last() -> None:
    losses = Losses(RECIPE, late=True)
    assert losses.latest is None
    for step in range(1, 31):
        losses.add(torch.tensor(float(step > 10)))
        if step % 10 == 0:
            losses.check()
    assert losses.latest == 1.0
    assert Losses(RECIPE).latest is None


@given(st.lists(st.floats(0, 0.875, width=32), min_size=1, max_size=60))
def test_judging_late_changes_nothing_that_is_left(values: list[float]) -> None:
    curves = []
    for late in (False, True):
        losses = Losses(RECIPE, late=late)
        for step, value in enumerate(values, start=1):
            losses.add(torch.tensor(value))
            if step % 10 == 0:
                losses.check()
        losses.finish()
        assert losses.so_far().tolist() == values
        curves.append(losses.curve())
    assert curves[0] == curves[1]
