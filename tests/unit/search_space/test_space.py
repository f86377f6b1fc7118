"""A search space is a table of genes: what it holds, says of itself, and refuses."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.published import PUBLISHED
from search_space.space import SearchSpace
from search_space.spaces.falsr import FALSR
from search_space.spaces.tiny import TINY
from search_space.testing import SearchSpaceContract, genotypes

SMALL = {
    "name": "small",
    "features": 8,
    "n_cells": 1,
    "operators": ("conv",),
    "channels": (8,),
    "kernels": (1,),
    "repeats": (1,),
    "residuals": (False,),
}


class TestFalsr(SearchSpaceContract):
    space = FALSR


class TestTiny(SearchSpaceContract):
    space = TINY


class TestOneGenotype(SearchSpaceContract):
    space = SearchSpace(**SMALL)


def test_the_sizes_of_falsr_are_those_of_the_paper() -> None:
    assert len(FALSR.genes) == 63
    assert len(FALSR.distinct_cells) == 160
    assert FALSR.size == 192**7 * 2**28
    assert FALSR.distinct_size == 160**7 * 2**28


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_networks_are_in_falsr(name: str) -> None:
    assert FALSR.explain(PUBLISHED[name].genotype) == []


def test_the_tiny_space_enumerates_each_distinct_genotype_once() -> None:
    every = list(TINY.enumerate())
    assert len(every) == len(set(every)) == TINY.distinct_size == 1152
    assert len(TINY.distinct_cells) == 12
    assert len(TINY.possible_skips) == 3
    assert all(TINY.contains(genotype) for genotype in every)


def test_genes_have_different_names() -> None:
    names = [gene.name for gene in FALSR.genes]
    assert len(set(names)) == len(names)
    assert names[:2] == ["cells[0].operator", "cells[0].channels"]
    assert names[-1] == "skip[6,8]"


def test_every_reason_for_not_belonging_is_given() -> None:
    genotype = Genotype.parse("f32|ib-k5-f7-n3-r:0|conv-k3-f8-n1:1|conv-k3-f8-n1:2|tail:3")
    fields = [problem.field for problem in TINY.explain(genotype)]
    in_first_cell = [f"cells[0].{name}" for name in ("operator", "channels", "kernel", "repeats")]
    assert fields == ["features", "cells", *in_first_cell]
    assert not TINY.contains(genotype)


@given(genotypes(FALSR))
def test_assembling_the_values_of_a_genotype_gives_it_back(genotype: Genotype) -> None:
    assert FALSR.assemble(FALSR.values(genotype)) == genotype


def test_values_of_a_stranger_are_refused() -> None:
    with pytest.raises(InvalidInput, match="features"):
        TINY.values(PUBLISHED["falsr-b"].genotype)


def test_samples_are_uniform_over_gene_values() -> None:
    rng = np.random.default_rng(7)
    draws = Counter(TINY.sample(rng) for _ in range(12_000))
    cells = Counter(cell for genotype in draws.elements() for cell in genotype.cells)
    twice = [count for cell, count in cells.items() if cell.repeats == 1]
    once = [count for cell, count in cells.items() if cell.repeats == 2]
    assert (len(twice), len(once)) == (4, 8)
    assert all(abs(count - 3000) < 300 for count in twice)
    assert all(abs(count - 1500) < 250 for count in once)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"features": 6}, "features"),
        ({"n_cells": 0}, "n_cells"),
        ({"operators": ("pool",)}, "cell.operator"),
        ({"operators": ()}, "operator"),
        ({"kernels": (2,)}, "cell.kernel"),
        ({"channels": (8, 8)}, "channels"),
        ({"operators": ("group4",), "channels": (8, 6)}, "channels"),
        ({"residuals": (True,)}, "residuals"),
    ],
)
def test_a_space_with_genotypes_that_cannot_be_built_is_refused(change: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SearchSpace(**{**SMALL, **change})
    assert field in [problem.field for problem in caught.value.problems]


def test_the_schema_lists_every_field_and_allows_no_other() -> None:
    schema = TINY.json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["required"] == ["features", "cells", "tail"]
    cells = schema["properties"]["cells"]
    assert (len(cells["prefixItems"]), cells["items"], cells["minItems"]) == (2, False, 2)
    assert cells["prefixItems"][1]["properties"]["channels"] == {"enum": [8, 16]}
    assert all(part["additionalProperties"] is False for part in (schema, *cells["prefixItems"]))


@given(st.data())
def test_the_schema_accepts_the_genotypes_of_its_space_alone(data: st.DataObject) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validators = {space.name: jsonschema.Draft202012Validator(space.json_schema()) for space in (FALSR, TINY)}
    genotype = data.draw(genotypes(FALSR) | genotypes(TINY))
    for space in (FALSR, TINY):
        assert validators[space.name].is_valid(genotype.to_json()) == space.contains(genotype)


def test_the_schema_is_itself_valid() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(FALSR.json_schema())
