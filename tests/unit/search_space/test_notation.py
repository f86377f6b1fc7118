"""Any text and any document either is a genotype or is refused with every fault named."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.errors import InvalidGenotype
from search_space.genotype import Genotype
from search_space.published import PUBLISHED, published_genotype
from search_space.spaces.falsr import FALSR
from search_space.testing import genotypes

TEXT = "f32|ib-k3-f16-n1:0|conv-k1-f48-n2-r:0,1|tail:0,2"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def fields(error: InvalidGenotype) -> list[str]:
    return [problem.field for problem in error.problems]


def document_problems(document: object) -> list[str]:
    with pytest.raises(InvalidGenotype) as caught:
        Genotype.from_json(document)
    return fields(caught.value)


def parse_or_refuse(text: str) -> None:
    try:
        genotype = Genotype.parse(text)
    except InvalidGenotype:
        return
    assert Genotype.parse(str(genotype)) == genotype


def read_or_refuse(document: object) -> None:
    try:
        genotype = Genotype.from_json(document)
    except InvalidGenotype:
        return
    assert Genotype.from_json(genotype.to_json()) == genotype


@given(st.text() | st.text(alphabet="f320|ibconvgtal-krn:,14 ٣").map(lambda tail: "f32|" + tail))
def test_any_text_is_read_or_refused(text: str) -> None:
    parse_or_refuse(text)


@given(st.data())
def test_a_text_with_one_character_changed_is_read_or_refused(data: st.DataObject) -> None:
    text = str(data.draw(genotypes(FALSR)))
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters()) + text[place + 1 :]
    parse_or_refuse(changed)


def test_the_text_form_is_as_documented() -> None:
    genotype = Genotype.parse(TEXT)
    assert str(genotype) == TEXT
    assert Genotype.parse(f"  {TEXT}\n") == genotype
    assert [cell.operator for cell in genotype.cells] == ["inverted_bottleneck", "conv"]


def test_every_part_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InvalidGenotype) as caught:
        Genotype.parse("32|ib-k3-f16-n1:0|pool-k1-f48-n2:0|tail:")
    assert fields(caught.value) == ["features", "cells[1]", "tail"]


@pytest.mark.parametrize("text", ["", "f32", "f32|tail:0", "||", TEXT + "|tail:1", TEXT.replace("k3", "k4")])
def test_a_text_that_is_no_genotype_is_refused(text: str) -> None:
    with pytest.raises(InvalidGenotype):
        Genotype.parse(text)


@given(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(("features", "feat", "cells", "tail"), JSON)))
def test_any_document_is_read_or_refused(document: object) -> None:
    read_or_refuse(document)


@given(st.data())
def test_a_document_with_one_part_replaced_is_read_or_refused(data: st.DataObject) -> None:
    document: Any = data.draw(genotypes(FALSR)).to_json()
    where = [document, document["tail"], *document["cells"], *(cell["inputs"] for cell in document["cells"])]
    part = data.draw(st.sampled_from(where))
    keys = list(part) if isinstance(part, dict) else list(range(len(part)))
    part[data.draw(st.sampled_from(keys))] = data.draw(JSON)
    read_or_refuse(document)


def test_a_missing_an_unknown_and_a_wrong_field_are_all_named() -> None:
    document = published_genotype("falsr-b").to_json()
    del document["features"]
    del document["cells"][0]["kernel"]
    document["cells"][1] |= {"kernal": 3, "channels": -1}
    document["cells"][2]["inputs"] = [9]
    document["cells"][3] = "conv"
    document["tail"] = {"inputs": None, "outputs": 3}
    document["name"] = "B"
    assert set(document_problems(document)) == {
        "features",
        "cells[0].kernel",
        "cells[1].kernal",
        "cells[1].channels",
        "cells[2].inputs",
        "cells[3]",
        "cells[3].inputs",
        "tail.inputs",
        "tail.outputs",
        "name",
    }


@pytest.mark.parametrize("document", [None, [], "f32", 3])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    assert document_problems(document) == ["document"]


def published_schema(reference_dir: Path, name: str) -> dict[str, Any]:
    path = reference_dir / "falsr" / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["falsr-b", "falsr-c", "moremnas-d"])
def test_the_published_schema_is_read(reference_dir: Path, name: str) -> None:
    document = published_schema(reference_dir, name.replace("-", "_"))
    genotype = Genotype.from_json(document)
    assert genotype == PUBLISHED[name].genotype
    assert list(genotype.in_channels[:-1]) == [cell["in_channels"] for cell in document["cells"]]


@pytest.mark.parametrize("name", ["falsr-b", "falsr-c", "moremnas-d"])
def test_the_published_bits_agree_with_the_inputs(reference_dir: Path, name: str) -> None:
    document = published_schema(reference_dir, name.replace("-", "_"))
    skips = set(Genotype.from_json(document).skips)
    bits = "".join("01"[skip in skips] for skip in FALSR.possible_skips)
    assert bits == document["skip_bits"]["bits"]


PUBLISHED_FORM = {
    "feat": {"channels": 8},
    "cells": [{"op": "group_conv", "groups": 2, "kernel": 3, "channels": 8, "repeats": 1, "residual": True}],
    "tail": {"inputs": [1]},
}


def test_a_small_document_in_the_published_schema_is_read() -> None:
    document = copy.deepcopy(PUBLISHED_FORM)
    document["cells"][0]["inputs"] = [0]  # type: ignore[index]
    assert str(Genotype.from_json(document)) == "f8|g2-k3-f8-n1:0|tail:1"


def test_groups_and_expansions_that_cannot_be_built_are_named() -> None:
    document: Any = copy.deepcopy(PUBLISHED_FORM)
    document["cells"] = [
        {**document["cells"][0], "groups": 3, "inputs": [0]},
        {**document["cells"][0], "op": "inverted_bottleneck", "expansion": 6, "inputs": [1]},
        None,
    ]
    assert document_problems(document) == [
        "cells[0].groups",
        "cells[1].expansion",
        "cells[2]",
        "cells[2].inputs",
    ]


@given(st.fixed_dictionaries({"feat": JSON, "cells": st.lists(JSON, max_size=3), "tail": JSON}))
def test_any_document_in_the_published_schema_is_read_or_refused(document: object) -> None:
    read_or_refuse(document)


OPERATOR_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["group_conv", "inverted_bottleneck"]) | JSON,
        "groups": JSON,
        "expansion": JSON,
    },
)


@given(st.lists(OPERATOR_FIELDS, max_size=3))
def test_any_operator_in_the_published_schema_is_read_or_refused(cells: list[object]) -> None:
    read_or_refuse({"feat": {"channels": 8}, "cells": cells, "tail": {"inputs": []}})
