"""Options as JSON Schema: what it says of recipes and engines is what their readers take."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import pytest

from evaluator.finishing import CHANGEABLE, FINISHING_RECIPES, OWN, WEIGHTS, Distillation
from evaluator.recipe import VERSION, InvalidRecipe, Recipe
from nas.options import EngineOptions, InvalidOptions
from nas.outline import described, properties_of
from nas.spec import SearchSpec
from nas.trainings import TrainingRequest, recipe_document

READERS: dict[str, type[Recipe] | type[EngineOptions]] = {"recipe": Recipe, "engine": EngineOptions}

BESIDE: dict[str, dict[str, Any]] = {"rungs": {"steps": 1_000_000}, "random_share": {"params_share": 1.0}}
"""What some values need beside them."""


def properties(field: str) -> dict[str, Any]:
    """The properties of an object that overrides a recipe or an engine."""
    choice, override = SearchSpec.model_json_schema()["properties"][field]["anyOf"]
    assert override["properties"]["name"]["enum"] == choice["enum"]
    assert override["additionalProperties"] is False
    return dict(override["properties"])


def bounded(kind: str) -> list[tuple[str, str, float, float]]:
    """Field, name, least and greatest value of every property of a kind of number."""
    found = []
    for field in READERS:
        for name, schema in properties(field).items():
            number = schema.get("anyOf", [schema])[0]
            if number.get("type") == kind and "const" not in number:
                found.append((field, name, number["minimum"], number["maximum"]))
    return found


def read(field: str, name: str, value: object) -> object:
    """What a reader makes of one property."""
    return getattr(READERS[field].from_json({**BESIDE.get(name, {}), name: value}), name)


def test_every_option_has_a_property_with_its_words() -> None:
    for field, reader in READERS.items():
        told = properties(field)
        assert told.pop("version", {"const": VERSION})["const"] == VERSION
        assert told.keys() == {option.name for option in fields(reader)}
        assert all(schema["description"].endswith(".") for schema in told.values()), field


@pytest.mark.parametrize(("field", "name", "low", "high"), [*bounded("integer"), *bounded("number")])
def test_the_reader_takes_the_bounds_and_nothing_beyond_them(field: str, name: str, low: float, high: float) -> None:
    beyond = 1 if isinstance(low, int) and isinstance(high, int) else 1e-9
    assert [read(field, name, value) for value in (low, high)] == [low, high]
    for value in (low - beyond, high + beyond):
        with pytest.raises((InvalidRecipe, InvalidOptions)) as refused:
            read(field, name, value)
        assert [problem.field for problem in refused.value.problems] == [f"{field}.{name}"]


def test_the_reader_takes_every_choice_and_every_null() -> None:
    for field in READERS:
        for name, schema in properties(field).items():
            for value in schema.get("enum", []):
                assert read(field, name, value) == value
            if {"type": "null"} in schema.get("anyOf", []):
                assert read(field, name, None) is None


def test_what_a_full_training_may_set_is_what_its_schema_has() -> None:
    choice, override = TrainingRequest.model_json_schema()["properties"]["recipe"]["anyOf"]
    distil = override["properties"].pop("distil")["anyOf"][0]
    assert choice["enum"] == list(FINISHING_RECIPES)
    assert override["properties"].keys() == CHANGEABLE | OWN - {"distil"}
    assert distil["properties"].keys() == {field.name for field in fields(Distillation)}
    whole = {"teacher": "a", **{name: high for name, (_, high) in WEIGHTS.items()}}
    read = TrainingRequest.model_validate({"recipe": {"name": "quick", "distil": whole}}).recipe
    assert recipe_document(read)["distil"].items() >= whole.items()


def test_words_end_where_another_section_begins() -> None:
    @dataclass
    class Options:
        """How.

        Attributes:
            kind: Either "a" or
                ``b``.
            count: How many: at most 9.

        Example:
            kind: no attribute.
        """

        kind: Literal["a", "b"] = "a"
        count: int | None = None

    assert described(Options) == {"kind": 'Either "a" or `b`.', "count": "How many: at most 9."}


@dataclass
class Plain:
    share: float = 0.5
    kind: str = "a"


def test_what_has_no_words_has_a_type() -> None:
    Plain.__doc__ = None
    assert properties_of(Plain, {}, {"kind": ("a", "b")}) == {
        "share": {"type": "number"},
        "kind": {"type": "string", "enum": ["a", "b"]},
    }
