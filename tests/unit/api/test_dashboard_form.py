"""Forms out of schemas: each part a field of the right kind, and a part that is new one by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from api.dashboard.field_words import EMPTIES, HELPS, LABELS
from api.dashboard.form import Choice, Extras, Reader
from api.dashboard.form import Field as FormField
from api.dashboard.new_search import HERE, SECTIONS, UP_FRONT, advanced, form_fields
from nas.catalogue import Listed
from nas.spec import SearchSpec

NOTHING = Extras(choices={}, bases={}, labels={}, empties={})


class Part(BaseModel):
    """A part."""

    depth: int = Field(3, ge=1, le=9, description="How deep, of `most`.")
    share: float | None = Field(None, gt=0)


class Document(BaseModel):
    """A document of every kind."""

    version: Literal[1] = 1
    title: str = Field(max_length=80)
    kind: Literal["a", "b"] = "a"
    wait_s: float = Field(2.5, ge=0)
    careful: bool = True
    words: list[str] = Field([], max_length=5)
    part: Part = Part()
    other: Part | None = None
    parts: Annotated[list[Part], Field(max_length=4)] = []


def fields_of(model: type[BaseModel], extras: Extras = NOTHING) -> dict[str, FormField]:
    """The fields of a model by name."""
    return {field.name: field for field in Reader(model.model_json_schema(), extras).fields()}


def leaves(fields: list[FormField] | tuple[FormField, ...]) -> list[FormField]:
    """Every field that holds no others."""
    return [leaf for field in fields for leaf in (leaves(field.fields) if field.fields else [field])]


def every(fields: Iterable[FormField]) -> Iterator[FormField]:
    """Every field, and those that it holds."""
    for field in fields:
        yield field
        yield from every(field.fields)


def test_every_part_of_a_schema_is_a_field_of_its_kind() -> None:
    fields = fields_of(Document)
    assert {name: field.kind for name, field in fields.items()} == {
        "version": "const",
        "title": "text",
        "kind": "choice",
        "wait_s": "number",
        "careful": "flag",
        "words": "lines",
        "part": "group",
        "other": "group",
        "parts": "rows",
    }
    assert [name for name, field in fields.items() if field.required] == ["title"]
    assert [name for name, field in fields.items() if field.nullable] == ["other"]
    assert (fields["title"].longest, fields["parts"].longest) == (80, 4)


def test_a_field_says_what_its_schema_says() -> None:
    fields = fields_of(Document)
    depth, share = fields["part"].fields
    assert (depth.path, depth.label, depth.kind, depth.default) == ("part.depth", "Depth", "integer", "3")
    assert (depth.help, depth.range) == (("How deep, of ", "most", "."), "1 to 9")
    assert (share.kind, share.nullable, share.default, share.range) == ("number", True, "null", "above 0")
    assert (fields["wait_s"].label, fields["wait_s"].unit, fields["wait_s"].value) == ("Wait", "s", 2.5)
    assert [choice.value for choice in fields["kind"].choices] == ['"a"', '"b"']
    assert [field.path for field in fields["parts"].fields] == ["parts.*.depth", "parts.*.share"]


def test_few_short_choices_are_seen_at_once() -> None:
    long = (Choice(value='"a"', title="a choice with a long name"), Choice(value='"b"', title="b"))
    assert fields_of(Document)["kind"].segmented
    assert not fields_of(Document, Extras(choices={"kind": long}, bases={}, labels={}, empties={}))["kind"].segmented
    assert not fields_of(Document)["title"].segmented


def test_a_spec_has_a_control_for_all_that_it_takes() -> None:
    fields = form_fields([Listed("photos")])
    assert list(fields) == list(SearchSpec.model_fields)
    named = [name for section in SECTIONS for name in section.names]
    assert sorted([*named, *(field.name for field in advanced(fields))]) == sorted(fields)
    for field in leaves(list(fields.values())):
        assert field.default or field.required or field.kind in ("choice", "const"), field.path


def test_rows_of_objectives_may_be_bare_and_know_the_sense_of_each_metric() -> None:
    objectives = form_fields([])["objectives"]
    metric, sense = objectives.fields
    assert (objectives.bare, objectives.longest, json.loads(objectives.default)) == (
        "metric",
        5,
        ["psnr", "fsds", "mult_adds"],
    )
    assert {choice.value: choice.sense for choice in metric.choices}['"psnr"'] == '"max"'
    assert all(choice.sense in {found.value for found in sense.choices} for choice in metric.choices)
    assert form_fields([])["constraints"].bare == ""


def test_recipes_and_engines_default_to_what_is_named() -> None:
    for name in ("recipe", "engine"):
        field = form_fields([])[name]
        bases = json.loads(field.bases)
        assert field.kind == "base"
        for part in (part for part in field.fields if part.kind != "const"):
            assert json.loads(part.default) == bases[json.loads(field.default)["name"]][part.name]
        assert all(base.keys() == {part.name for part in field.fields} for base in bases.values())


def test_words_of_a_form_name_its_own_fields_and_take_a_line() -> None:
    found = {field.path: field for field in every(form_fields([]).values())}
    for words in (LABELS, HELPS, EMPTIES):
        assert set(words) <= set(found)
    assert max(map(len, HELPS.values())) <= 60
    assert (found["channels"].help, found["budget.steps"].more[:14]) == ((), "Training steps")


@pytest.mark.parametrize("name", UP_FRONT)
def test_what_stands_up_front_is_there(name: str) -> None:
    assert set(UP_FRONT[name]) <= {field.name for field in form_fields([])[name].fields}


def test_datasets_are_choices_by_their_names() -> None:
    hostile = '"><script>owned=1</script>'
    train = form_fields([Listed("photos"), Listed(hostile)])["dataset"].fields[0]
    assert [json.loads(choice.value) for choice in train.choices] == ["photos", hostile]
    assert HERE == "/searches/new"
