"""A spec is read from a document and written back; whatever is wrong in it is named by field."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evaluator.recipe import RECIPES, Recipe
from nas.objectives import METRICS, Constraint, Objective, Sense
from nas.options import ENGINES
from nas.spec import SearchSpec
from search_space.published import PUBLISHED, published_genotype
from search_space.spaces import SPACES, get_space

LEAST = {"dataset": {"train": "photos"}}


def spec_of(**changes) -> SearchSpec:
    return SearchSpec.model_validate({**LEAST, **changes})


def problems_of(**changes) -> dict[str, str]:
    """Message by field of everything that is wrong."""
    with pytest.raises(ValidationError) as caught:
        spec_of(**changes)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


METRIC_SPECS = st.lists(st.sampled_from(list(METRICS)), min_size=1, max_size=5, unique=True).flatmap(
    lambda names: st.tuples(
        *(
            st.just(name) | st.fixed_dictionaries({"metric": st.just(name), "sense": st.sampled_from(Sense)})
            for name in names
        )
    )
)
DOCUMENTS = st.fixed_dictionaries(
    {"dataset": st.just({"train": "photos"})},
    optional={
        "name": st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=120),
        "space": st.sampled_from(list(SPACES)),
        "scale": st.sampled_from([2, 3, 4]),
        "channels": st.sampled_from([1, 3]),
        "objectives": METRIC_SPECS,
        "constraints": st.lists(st.builds(lambda low: {"metric": "psnr", "min": low}, st.floats(0, 60)), max_size=3),
        "recipe": st.sampled_from(list(RECIPES))
        | st.builds(lambda n: {"name": "paper", "steps": n}, st.integers(1, 10**6)),
        "engine": st.sampled_from(["nsga2", "random"]),
        "population": st.integers(4, 2048),
        "initial": st.lists(st.sampled_from(list(PUBLISHED)), max_size=3),
        "budget": st.builds(
            lambda n, s: {"evaluations": n, "wall_time_s": s}, st.integers(1, 10**6), st.floats(1, 1e6)
        ),
        "parallelism": st.none() | st.integers(1, 1000),
        "seed": st.integers(0, 2**32 - 1),
    },
)


@given(DOCUMENTS)
def test_a_spec_survives_the_way_through_json(document):
    spec = SearchSpec.model_validate(document)
    assert SearchSpec.model_validate_json(json.dumps(spec.to_json(), allow_nan=False)) == spec


def test_images_are_all_that_must_be_given():
    spec = spec_of()
    assert (spec.space, spec.scale, spec.engine, spec.recipe) == ("falsr", 2, ENGINES["nsga2"], RECIPES["default"])
    assert spec.objective_values == tuple(map(Objective.of, ("psnr", "fsds", "mult_adds")))
    assert spec.constraint_values == ()
    assert problems_of(dataset={}) == {"dataset.train": "Field required"}


def test_a_spec_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        spec_of().seed = 1


def test_the_schema_lists_what_may_be_chosen():
    schema = SearchSpec.model_json_schema()
    text = json.dumps(schema)
    for names in (METRICS, SPACES, RECIPES):
        assert json.dumps(list(names)) in text
    assert schema["required"] == ["dataset"]


def test_a_bare_metric_stands_for_its_own_sense():
    spec = spec_of(objectives=["psnr", {"metric": "params"}, {"metric": "ssim", "sense": "min"}])
    assert spec.objective_values == (
        Objective("psnr", Sense.MAXIMISE),
        Objective("params", Sense.MINIMISE),
        Objective("ssim", Sense.MINIMISE),
    )


def test_constraints_become_values():
    spec = spec_of(constraints=[{"metric": "psnr", "min": 30, "max": 40}, {"metric": "params", "max": 1e6}])
    assert spec.constraint_values == (
        Constraint(metric="psnr", minimum=30.0, maximum=40.0),
        Constraint(metric="params", maximum=1e6),
    )


def test_a_recipe_is_a_name_or_a_name_with_overrides():
    assert spec_of(recipe="paper").recipe == RECIPES["paper"]
    assert spec_of(recipe={"steps": 50}).recipe == replace(RECIPES["default"], steps=50)
    assert spec_of(recipe={"name": "paper", "steps": 50}).recipe == replace(RECIPES["paper"], steps=50)
    assert spec_of(recipe=RECIPES["paper"]).recipe == RECIPES["paper"]


def test_initial_networks_are_published_names_or_texts():
    text = str(get_space("falsr").sample(np.random.default_rng(0)))
    first, second = spec_of(initial=["falsr-a", text]).initial_genotypes
    assert (first, str(second)) == (published_genotype("falsr-a"), text)


@pytest.mark.parametrize(
    ("field", "value", "known"),
    [
        ("space", "imagenet", SPACES),
        ("recipe", "quick", RECIPES),
        ("objectives", ["lpips"], METRICS),
        ("constraints", [{"metric": "lpips", "max": 1}], METRICS),
    ],
)
def test_an_unknown_name_is_answered_with_every_known_one(field, value, known):
    ((where, message),) = [item for item in problems_of(**{field: value}).items() if item[0] != "objectives"]
    assert where.startswith(field)
    assert all(name in message for name in known)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sapce": "falsr"}, "sapce"),
        ({"version": 2}, "version"),
        ({"scale": 5}, "scale"),
        ({"channels": 2}, "channels"),
        ({"engine": "nsga3"}, "engine"),
        ({"population": 3}, "population"),
        ({"seed": -1}, "seed"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a" * 121}, "name"),
        ({"parallelism": 0}, "parallelism"),
        ({"evaluation_timeout_s": 0}, "evaluation_timeout_s"),
        ({"budget": {"evaluations": 0}}, "budget.evaluations"),
        ({"budget": {"wall_time_s": float("inf")}}, "budget.wall_time_s"),
        ({"budget": {"wall_time_s": float("nan")}}, "budget.wall_time_s"),
        ({"dataset": {"train": ""}}, "dataset.train"),
        ({"dataset": {"train": "a\nb"}}, "dataset.train"),
        ({"dataset": {"train": "a", "validation": "b\0"}}, "dataset.validation"),
        ({"dataset": {"train": "a", "crop": 3}}, "dataset.crop"),
        ({"objectives": []}, "objectives"),
        ({"objectives": "psnr"}, "objectives"),
        ({"objectives": [{"metric": ["psnr"]}]}, "objectives.0.metric"),
        ({"objectives": [{"metric": "psnr", "sense": "up"}]}, "objectives.0.sense"),
        ({"objectives": [7]}, "objectives.0"),
        ({"constraints": [{"metric": "psnr"}]}, "constraints.0"),
        ({"constraints": [{"metric": "psnr", "min": 2, "max": 1}]}, "constraints.0"),
        ({"constraints": [{"metric": "psnr", "min": float("nan")}]}, "constraints.0.min"),
        ({"recipe": {"steps": 0}}, "recipe"),
        ({"recipe": {"step": 100}}, "recipe"),
        ({"recipe": 3}, "recipe"),
        ({"initial": ["falsr-z"]}, "initial.0"),
        ({"version": True}, "version"),
        ({"scale": 2.0}, "scale"),
        ({"channels": True}, "channels"),
        ({"population": 100.0}, "population"),
        ({"parallelism": True}, "parallelism"),
        ({"evaluation_timeout_s": True}, "evaluation_timeout_s"),
        ({"seed": True}, "seed"),
        ({"budget": {"evaluations": True}}, "budget.evaluations"),
        ({"budget": {"wall_time_s": True}}, "budget.wall_time_s"),
        ({"dataset": {"train": "a", "train_limit": True}}, "dataset.train_limit"),
        ({"dataset": {"train": "a", "validation_limit": "8"}}, "dataset.validation_limit"),
        ({"dataset": {"train": "a", "validation_crop": 96.0}}, "dataset.validation_crop"),
        ({"constraints": [{"metric": "psnr", "min": True}]}, "constraints.0.min"),
    ],
)
def test_a_wrong_field_is_named(changes, field):
    assert field in problems_of(**changes)


def test_every_wrong_field_is_named_at_once():
    assert {"space", "scale", "seed"} <= set(problems_of(space="imagenet", scale=7, seed=-1))


def test_an_unknown_metric_is_one_problem_and_not_also_a_missing_sense():
    assert "objectives.0.sense" not in problems_of(objectives=["lpips"])


def test_a_metric_is_optimised_once():
    found = problems_of(objectives=["psnr", "psnr"], seed=-1)
    assert "each metric once" in found["objectives"]
    assert "seed" in found


def test_a_recipes_problems_name_its_fields():
    message = problems_of(recipe={"steps": 0, "stride": 2})["recipe"]
    assert "recipe.steps" in message
    assert "recipe.stride" in message
    assert "recipe.version" in problems_of(recipe={"version": True})["recipe"]


@pytest.mark.parametrize("recipe", [{"name": "papr", "steps": 0}, Recipe(name="mine", steps=5)])
def test_a_recipe_that_overrides_another_keeps_its_name(recipe):
    message = problems_of(recipe=recipe)["recipe"]
    assert "recipe.name" in message
    assert "default, paper" in message
    assert ("recipe.steps" in message) == isinstance(recipe, dict)


def test_constraints_on_one_metric_leave_room_for_a_value():
    low, high = {"metric": "mult_adds", "min": 9e9}, {"metric": "mult_adds", "max": 8e9}
    message = problems_of(constraints=[high, low])["constraints"]
    assert "constraints.1.min: 9000000000.0 is not allowed" in message
    assert "at most 8,000,000,000, the max of constraints.0" in message
    assert spec_of(constraints=[low, {"metric": "params", "max": 8e9}, {"metric": "mult_adds", "max": 9e9}])
