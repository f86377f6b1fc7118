"""Recipes of full trainings as documents, and what they are foretold to take."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.cost import costs
from evaluator.finishing import (
    CHANGEABLE,
    FINISHING_RECIPES,
    PARTIAL,
    WRAPPING,
    Distillation,
    FinishingRecipe,
    Stretch,
    expected_s,
    patch_pixels,
)
from evaluator.recipe import RECIPES, InvalidRecipe, Recipe
from evaluator.schedule import learning_rate
from evaluator.testing import TINY_GENOTYPE

TEACHER = "0123456789ab"

weights = st.floats(0, 100)
distillations = st.none() | st.builds(
    Distillation,
    teacher=st.text(min_size=1, max_size=200),
    output=st.floats(1e-3, 100) | st.integers(1, 100),
    features=weights,
    bands=weights,
    quantise=st.booleans(),
    dynamic_cues=st.booleans(),
    value_aware=st.booleans(),
)
recipes = st.builds(
    FinishingRecipe,
    training=st.builds(
        Recipe,
        name=st.sampled_from([*FINISHING_RECIPES, "own"]),
        steps=st.integers(1, 10_000_000),
        batch=st.integers(1, 4096),
        patch=st.integers(8, 1024),
        learning_rate=st.floats(1e-8, 1),
        schedule=st.sampled_from(["constant", "cosine", "stable-decay"]),
        ema_decay=st.floats(0, 0.999999),
        image_residual=st.booleans(),
    ),
    warm_start=st.booleans(),
    distil=distillations,
)


def problems(document: dict[str, Any]) -> list[str]:
    """The fields that a document is refused for."""
    with pytest.raises(InvalidRecipe) as caught:
        FinishingRecipe.from_json(document)
    return [problem.field for problem in caught.value.problems]


@given(recipe=recipes)
def test_a_document_is_read_back_as_it_was_written(recipe: FinishingRecipe) -> None:
    assert FinishingRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@given(one=recipes, other=recipes)
def test_recipes_have_one_digest_when_all_but_their_names_is_equal(
    one: FinishingRecipe, other: FinishingRecipe
) -> None:
    renamed = replace(one, training=replace(one.training, name="another name"))
    assert renamed.digest == one.digest
    assert (one.digest == other.digest) == (replace(other, training=replace(other.training, name=one.name)) == one)


@pytest.mark.parametrize("name", FINISHING_RECIPES)
def test_a_name_alone_is_the_recipe_of_that_name(name: str) -> None:
    recipe = FinishingRecipe.from_json({"name": name})
    assert recipe == FINISHING_RECIPES[name]
    assert recipe.name == name
    assert recipe.distil is None


def test_nothing_at_all_is_quick() -> None:
    assert FinishingRecipe.from_json({}) == FINISHING_RECIPES["quick"]


def test_a_request_names_what_differs() -> None:
    recipe = FinishingRecipe.from_json(
        {"name": "standard", "steps": 500, "warm_start": False, "distil": {"teacher": TEACHER, "features": 1}}
    )
    standard = FINISHING_RECIPES["standard"]
    assert recipe.training == replace(standard.training, steps=500)
    assert recipe.distil == Distillation(teacher=TEACHER, features=1.0)
    assert not recipe.warm_start


def test_every_problem_is_told_at_once_and_by_its_field() -> None:
    document = {"steps": 0, "batches": 8, "warm_start": "yes", "distil": {"outputs": 1, "output": 2}}
    assert problems(document) == [
        "recipe.batches",
        "recipe.steps",
        "recipe.distil.outputs",
        "recipe.distil.teacher",
        "recipe.warm_start",
    ]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"name": "slow"}, "recipe.name"),
        ({"name": None}, "recipe.name"),
        ({"name": ["quick"]}, "recipe.name"),
        ({"distil": "falsr-b"}, "recipe.distil"),
        ({"distil": {"teacher": ""}}, "recipe.distil.teacher"),
        ({"distil": {"teacher": TEACHER, "output": -1}}, "recipe.distil.output"),
        ({"distil": {"teacher": TEACHER, "bands": float("nan")}}, "recipe.distil.bands"),
        ({"distil": {"teacher": TEACHER, "quantise": 1}}, "recipe.distil.quantise"),
        ({"distil": {"teacher": TEACHER, "output": 0}}, "recipe.distil.output"),
        ({"training": 5}, "recipe.training"),
        ({"training": {}, "steps": 5}, "recipe.steps"),
        ({"training": {"settle_window": 5}}, "recipe.settle_window"),
        ({"training": {"rungs": 2, "rung_factor": 2}}, "recipe.rungs"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(document: dict[str, Any], field: str) -> None:
    assert problems(document) == [field]


@pytest.mark.parametrize("name", [*WRAPPING, *PARTIAL])
def test_what_the_search_or_its_partial_trainings_decide_is_no_field_of_a_request(name: str) -> None:
    assert problems({name: getattr(Recipe(), name)}) == [f"recipe.{name}"]


def test_every_field_of_a_recipe_is_the_searchs_the_partial_trainings_or_the_requests() -> None:
    assert {field.name for field in fields(Recipe)} == CHANGEABLE | {*WRAPPING, *PARTIAL}


def test_an_unknown_field_is_answered_with_the_nearest_known() -> None:
    with pytest.raises(InvalidRecipe, match="did you mean learning_rate"):
        FinishingRecipe.from_json({"learning_rat": 1})


def test_the_wrapping_is_the_searchs_and_the_rest_stays() -> None:
    search = RECIPES["paper"]
    recipe = FINISHING_RECIPES["quick"].for_search(search)
    for field in fields(Recipe):
        origin = search if field.name in WRAPPING else FINISHING_RECIPES["quick"].training
        assert getattr(recipe.training, field.name) == getattr(origin, field.name)
    made, searched = (costs(TINY_GENOTYPE, each, scale=2, channels=1) for each in (recipe.training, search))
    assert made == searched


def test_named_recipes_take_every_step_and_end_at_no_rate_each_longer_than_the_one_before() -> None:
    assert list(FINISHING_RECIPES) == ["quick", "standard", "paper"]
    pixels = [patch_pixels(recipe.training) for recipe in FINISHING_RECIPES.values()]
    assert pixels == sorted(pixels)
    for name, recipe in FINISHING_RECIPES.items():
        training = recipe.training
        assert recipe.name == name
        assert training.schedule == "cosine"
        assert learning_rate(training, training.steps - 1) < 1e-6 * training.learning_rate
        assert training.steps % 10 == 0


@given(recipe=recipes, seen=recipes, seen_s=st.floats(1e-3, 1e6), times=st.integers(1, 4))
def test_the_seconds_that_are_foretold_grow_with_the_pixels_of_patches(
    recipe: FinishingRecipe, seen: FinishingRecipe, seen_s: float, times: int
) -> None:
    once = expected_s(recipe.training, seen.training, seen_s)
    assert expected_s(seen.training, seen.training, seen_s) == pytest.approx(seen_s)
    assert once / seen_s == pytest.approx(patch_pixels(recipe.training) / patch_pixels(seen.training))
    assert expected_s(recipe.training, seen.training, times * seen_s) == pytest.approx(times * once)
    assert expected_s(recipe.training, seen.training, seen_s, distilled=True) > once


def test_weights_stay_out_of_sight() -> None:
    assert repr(Stretch(until=5, warm=b"warm", teacher=b"teacher")) == "Stretch(until=5, distil=None)"


def test_the_module_imports_no_torch() -> None:
    code = "import sys, evaluator.finishing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
