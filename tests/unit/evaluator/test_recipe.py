"""Recipes: what they refuse, what their digest depends on, how they are written and read."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.recipe import RECIPES, InvalidRecipe, Recipe

CHANGED = {
    "steps": 301,
    "batch": 9,
    "patch": 25,
    "learning_rate": 2e-3,
    "warmup_steps": 11,
    "schedule": "cosine",
    "decay_fraction": 0.3,
    "gradient_clip": 2.0,
    "ema_decay": 0.9,
    "initialisation": "normal",
    "image_residual": False,
    "input_scale": 2.0,
    "input_offset": 0.5,
    "protocol": "y-rounded",
    "device": "cpu",
    "precision": "bfloat16",
    "deterministic": True,
    "settle_window": 50,
    "settle_tolerance": 0.1,
    "rungs": 2,
}


@given(
    steps=st.integers(1, 10**7),
    learning_rate=st.floats(1e-8, 1.0),
    schedule=st.sampled_from(["constant", "cosine", "stable-decay"]),
    image_residual=st.booleans(),
)
def test_reading_a_written_recipe_gives_it_back(
    steps: int, learning_rate: float, schedule: str, image_residual: bool
) -> None:
    recipe = Recipe(steps=steps, learning_rate=learning_rate, schedule=schedule, image_residual=image_residual)
    read = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert read == recipe
    assert read.digest == recipe.digest


def test_every_field_but_the_name_changes_the_digest() -> None:
    assert {field.name for field in fields(Recipe)} == CHANGED.keys() | {"name", "rung_factor"}
    digests = {replace(Recipe(), **{field: value}).digest for field, value in CHANGED.items()}
    assert len(digests | {Recipe().digest}) == len(CHANGED) + 1
    assert replace(Recipe(), name="mine").digest == Recipe().digest


def test_later_fields_leave_the_digest_of_plain_recipes_as_it_was() -> None:
    assert Recipe(precision="float32").digest == "8b1ea8e6f2c45e40b74ea762ec3f403f"
    assert RECIPES["paper"].digest == "e991a6fe599eaa196ecdf6e7c325106a"
    assert Recipe(rung_factor=3).digest == Recipe().digest
    assert Recipe(rungs=2, rung_factor=3).digest != Recipe(rungs=2).digest


@given(
    rungs=st.integers(1, 10), factor=st.integers(2, 10), steps=st.integers(1, 10**6), warmup_steps=st.integers(0, 100)
)
def test_rungs_ascend_by_their_factor_to_the_steps_and_each_is_a_plain_recipe(
    rungs: int, factor: int, steps: int, warmup_steps: int
) -> None:
    plain = Recipe(name="mine", steps=steps, warmup_steps=warmup_steps)
    ladder = [steps]
    for _ in range(rungs - 1):
        ladder.insert(0, max(1, round(ladder[0] / factor)))
    if rungs > 1 and (ladder[0] <= warmup_steps or ladder[0] == ladder[1]):
        with pytest.raises(InvalidRecipe, match=r"recipe\.rungs"):
            replace(plain, rungs=rungs, rung_factor=factor)
        return
    recipe = replace(plain, rungs=rungs, rung_factor=factor)
    assert recipe.rung_steps == tuple(sorted(set(ladder)))
    for rung, length in enumerate(ladder):
        assert recipe.at_rung(rung) == replace(plain, steps=length)
        assert recipe.at_rung(rung).digest == replace(plain, steps=length).digest


@pytest.mark.parametrize("rung", [-1, 2])
def test_a_rung_that_is_not_there_is_refused(rung: int) -> None:
    with pytest.raises(ValueError, match="rungs are 0 to 1"):
        Recipe(rungs=2).at_rung(rung)


def test_all_that_does_not_go_with_rungs_is_named_at_once() -> None:
    with pytest.raises(InvalidRecipe) as refused:
        Recipe(rungs=6, schedule="cosine", settle_window=5, decay_fraction=2.0)
    assert [problem.field for problem in refused.value.problems] == [
        "recipe.decay_fraction",
        "recipe.schedule",
        "recipe.settle_window",
        "recipe.rungs",
    ]


def test_whole_numbers_and_floats_of_one_value_have_one_digest() -> None:
    assert Recipe(learning_rate=1, gradient_clip=0).digest == Recipe(learning_rate=1.0, gradient_clip=0.0).digest


def test_a_named_recipe_is_the_base_of_its_overrides() -> None:
    recipe = Recipe.from_json({"name": "paper", "steps": 50})
    assert recipe == replace(RECIPES["paper"], steps=50)
    assert Recipe.from_json({}) == RECIPES["default"]


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidRecipe) as refused:
        Recipe.from_json({"steps": 0, "learning_rate": "fast", "image_residual": 1, "momentum": 0.9, "version": 7})
    assert {problem.field for problem in refused.value.problems} == {
        "recipe.steps",
        "recipe.learning_rate",
        "recipe.image_residual",
        "recipe.momentum",
        "recipe.version",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", 3),
        ("steps", True),
        ("steps", 1.5),
        ("batch", 0),
        ("patch", 7),
        ("learning_rate", float("nan")),
        ("learning_rate", 0),
        ("ema_decay", 1.0),
        ("schedule", "linear"),
        ("schedule", []),
        ("initialisation", None),
        ("input_scale", 0.0),
        ("protocol", "psnr"),
        ("settle_window", -1),
        ("settle_window", 1),
        ("settle_window", True),
        ("settle_tolerance", 0.0),
        ("rungs", 0),
        ("rungs", True),
        ("rungs", 11),
        ("rung_factor", 1),
        ("rung_factor", 2.5),
    ],
)
def test_values_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidRecipe) as refused:
        replace(Recipe(), **{field: value})
    assert [problem.field for problem in refused.value.problems] == [f"recipe.{field}"]
