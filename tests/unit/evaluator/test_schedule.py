"""The learning rate: its shapes, and how long it knows nothing of the end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.recipe import Recipe
from evaluator.schedule import learning_rate, stable_steps

schedules = st.builds(
    Recipe,
    steps=st.integers(1, 500),
    warmup_steps=st.integers(0, 50),
    schedule=st.sampled_from(["constant", "cosine", "stable-decay"]),
    decay_fraction=st.floats(0, 1),
)


@given(schedules)
def test_the_rate_stays_between_zero_and_its_peak(recipe: Recipe) -> None:
    rates = [learning_rate(recipe, step) for step in range(recipe.steps)]
    assert all(0 < rate <= recipe.learning_rate * (1 + 1e-12) for rate in rates)


@given(schedules)
def test_the_rate_rises_through_the_warm_up_and_never_after_it(recipe: Recipe) -> None:
    rates = [learning_rate(recipe, step) for step in range(recipe.steps)]
    warm, rest = rates[: recipe.warmup_steps], rates[recipe.warmup_steps :]
    assert warm == sorted(warm)
    assert rest == sorted(rest, reverse=True)


def test_schedules_have_their_shapes() -> None:
    def rates(**fields: object) -> list[float]:
        recipe = Recipe(steps=10, learning_rate=1.0, warmup_steps=2, decay_fraction=0.4, **fields)
        return [round(learning_rate(recipe, step), 3) for step in range(10)]

    assert rates(schedule="constant") == [0.5] + [1.0] * 9
    assert rates(schedule="stable-decay") == [0.5] + [1.0] * 6 + [0.75, 0.5, 0.25]
    assert rates(schedule="cosine")[2] == 1.0
    assert rates(schedule="cosine")[6] == 0.5


def as_if_endless(recipe: Recipe, step: int) -> bool:
    """Whether a step's rate is that of a training which never decays."""
    return learning_rate(recipe, step) == learning_rate(replace(recipe, schedule="constant"), step)


decaying = st.builds(
    Recipe,
    steps=st.integers(1, 500),
    warmup_steps=st.integers(0, 50),
    decay_fraction=st.one_of(st.floats(0, 1), st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5])),
)


@given(decaying)
def test_the_stable_phase_is_every_leading_step_that_has_not_decayed(recipe: Recipe) -> None:
    stable = stable_steps(recipe)
    assert all(as_if_endless(recipe, step) for step in range(stable))
    assert stable == recipe.steps or not as_if_endless(recipe, stable)


@given(decaying, st.integers(1, 500))
def test_a_longer_recipe_takes_the_steps_of_a_stable_phase_alike(recipe: Recipe, more: int) -> None:
    longer = replace(recipe, steps=recipe.steps + more)
    stable = stable_steps(recipe)
    assert stable_steps(longer) >= stable
    assert [learning_rate(longer, step) for step in range(stable)] == [
        learning_rate(recipe, step) for step in range(stable)
    ]


@pytest.mark.parametrize(
    ("fields", "stable"),
    [
        ({"decay_fraction": 0.2}, 81),  # step 80 has 20 steps left of 20 that decay, and so the full rate
        ({"decay_fraction": 0.0}, 100),
        ({"decay_fraction": 1.0}, 10),
        ({"schedule": "constant"}, 100),
        ({"schedule": "cosine"}, 0),
        ({"settle_window": 5}, 0),
    ],
)
def test_stable_phases_have_their_lengths(fields: dict[str, object], stable: int) -> None:
    assert stable_steps(replace(Recipe(steps=100, warmup_steps=10), **fields)) == stable


def test_rungs_that_share_their_stable_phases_take_five_eighths_of_the_steps() -> None:
    recipe = Recipe(steps=1600, rungs=5, decay_fraction=0.2)
    stable = [stable_steps(recipe.at_rung(rung)) for rung in range(recipe.rungs)]
    taken = [steps - saved for steps, saved in zip(recipe.rung_steps, [0, *stable], strict=False)]
    assert recipe.rung_steps == (100, 200, 400, 800, 1600)
    assert stable == [81, 161, 321, 641, 1281]
    assert taken == [100, 119, 239, 479, 959]
    assert (sum(taken), sum(recipe.rung_steps)) == (1896, 3100)
