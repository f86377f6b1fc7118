"""A genotype is checked and canonical at birth, and the same everywhere."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.errors import InvalidGenotype
from search_space.genotype import Cell, Genotype
from search_space.published import PUBLISHED, published_genotype
from search_space.spaces import SPACES
from search_space.testing import genotypes

CONV = Cell("conv", 16, 3, 2, True)


def fields(error: InvalidGenotype) -> list[str]:
    return [problem.field for problem in error.problems]


def test_a_residual_over_one_repeat_is_cleared() -> None:
    assert Cell("conv", 16, 3, 1, True) == Cell("conv", 16, 3, 1, False)
    assert Cell("conv", 16, 3, 2, True).residual


def test_sources_are_sorted_unique_and_hold_the_predecessor() -> None:
    genotype = Genotype(features=8, cells=(CONV, CONV), inputs=((), (0, 0), (1, 0, 1)))
    assert genotype.inputs == ((0,), (0, 1), (0, 1, 2))
    assert genotype.skips == ((0, 2), (0, 3), (1, 3))


def test_lists_are_taken_and_frozen() -> None:
    genotype = Genotype(features=8, cells=[CONV], inputs=[[0], [1]])  # type: ignore[arg-type]
    assert hash(genotype) == hash(Genotype(features=8, cells=(CONV,), inputs=((0,), (1,))))


def test_widths_add_up_over_what_is_read() -> None:
    genotype = published_genotype("falsr-b")
    assert genotype.in_channels == (32, 48, 96, 16, 96, 144, 112, 80)


def test_every_problem_is_named_at_once() -> None:
    bad = Cell("pool", 0, 2, 0, "yes")  # type: ignore[arg-type]
    with pytest.raises(InvalidGenotype) as caught:
        Genotype(features=30, cells=(CONV, bad, 7), inputs=((0,), (5,), (0,), (True,)))  # type: ignore[arg-type]
    named = [f"cells[1].{name}" for name in ("operator", "channels", "kernel", "repeats", "residual")]
    assert fields(caught.value) == ["features", *named, "cells[2]", "inputs[1]", "inputs[3]"]


def test_groups_must_divide_what_goes_in_and_out() -> None:
    odd = Cell("conv", 7, 1, 1, False)
    with pytest.raises(InvalidGenotype) as caught:
        Genotype(features=8, cells=(odd, Cell("group2", 9, 1, 1, False)), inputs=((0,), (1,), (2,)))
    assert fields(caught.value) == ["cells[1].channels", "inputs[1]"]
    Genotype(features=8, cells=(odd, odd, Cell("group2", 8, 1, 1, False)), inputs=((0,), (1,), (1, 2), (3,)))


@pytest.mark.parametrize("inputs", [None, (), ((0,),), ((0,), (1,), (2,)), "ab", ((0,), 3)])
def test_inputs_of_the_wrong_shape_are_refused(inputs: object) -> None:
    with pytest.raises(InvalidGenotype):
        Genotype(features=8, cells=(CONV,), inputs=inputs)  # type: ignore[arg-type]


@pytest.mark.parametrize("cells", [None, (), 3, (CONV,) * 65])
def test_cells_of_the_wrong_number_are_refused(cells: object) -> None:
    with pytest.raises(InvalidGenotype) as caught:
        Genotype(features=8, cells=cells, inputs=((0,),))  # type: ignore[arg-type]
    assert fields(caught.value) == ["cells"]


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_genotype_survives_pickling(space) -> None:
    @given(genotypes(space))
    def check(genotype: Genotype) -> None:
        assert genotype.digest
        copy = pickle.loads(pickle.dumps(genotype))
        assert copy == genotype
        assert copy.digest == genotype.digest

    check()


def test_the_digest_is_pinned_for_ever() -> None:
    assert published_genotype("falsr-b").digest == "40a5ee39627e0ee18facef195810a7c6"
    assert published_genotype("falsr-c").digest == "83bceaa7f09bddbcbbab2c488fae822b"


def test_the_digest_is_the_same_in_every_process() -> None:
    root = Path(__file__).parents[3]
    program = (
        "from search_space.published import PUBLISHED\n"
        "print(*(network.genotype.digest for network in PUBLISHED.values()))"
    )
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [network.genotype.digest for network in PUBLISHED.values()]


def test_digests_of_the_tiny_space_are_all_different() -> None:
    digests = {genotype.digest for genotype in SPACES["tiny"].enumerate()}
    assert len(digests) == 1152
    assert all(len(digest) == 32 and int(digest, 16) >= 0 for digest in digests)


@given(st.data())
def test_the_json_form_is_json(data: st.DataObject) -> None:
    genotype = data.draw(genotypes(SPACES["falsr"]))
    assert Genotype.from_json(json.loads(json.dumps(genotype.to_json()))) == genotype
