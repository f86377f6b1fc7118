"""Draws are new, pass the screen, find what is rare, and miss nothing of a small space."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.benchmarking.plain import TableSpace
from nas.engine.base import EngineSettings
from nas.engine.testing import settings_for, size_screen
from nas.engine.unseen import Unseen, canonical_vectors, has_cells
from nas.objectives import Objective
from search_space.cost import cost_range, params
from search_space.encoding import decode, encode, upper_bounds
from search_space.space import Gene
from search_space.spaces import FALSR, TINY

SEEDS = st.integers(0, 2**32 - 1)
TABLE = TableSpace(name="table", genes=(Gene("a", (1, 2, 3)), Gene("b", ("x", "y")), Gene("c", (0,))))
OF_TABLE = EngineSettings(space=TABLE, objectives=(Objective.of("psnr"),), population=4, seed=0)


def vectors_of(space: object) -> list[bytes]:
    return [encode(space, genotype).tobytes() for genotype in space.enumerate()]


def draw_all(unseen: Unseen, rng: np.random.Generator, taken: set[bytes]) -> list[bytes]:
    """Every vector that is drawn until there is no other."""
    drawn: list[bytes] = []
    while (vector := unseen.draw(rng, taken)) is not None:
        drawn.append(vector.tobytes())
        taken.add(drawn[-1])
    return drawn


@settings(deadline=None, max_examples=10)
@given(SEEDS, st.sampled_from(["falsr", "tiny"]))
def test_a_draw_is_new_canonical_and_passes(seed: int, name: str) -> None:
    found = settings_for(name, screen=size_screen(100_000 if name == "falsr" else 3_000))
    unseen, rng, taken = Unseen(found), np.random.default_rng(seed), set()
    for _ in range(20):
        vector = unseen.draw(rng, taken)
        assert vector.tobytes() not in taken
        assert unseen.violations(vector[None])[0] == 0.0
        np.testing.assert_array_equal(vector, encode(found.space, decode(found.space, vector)))
        taken.add(vector.tobytes())


def test_a_draw_repeats_with_its_generator() -> None:
    unseen = Unseen(settings_for("falsr", screen=size_screen(20_000)))
    first, second = (unseen.draw(np.random.default_rng(3), ()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@settings(deadline=None, max_examples=3)
@given(SEEDS, st.sampled_from([1, 2_000, 3_000, 10**9]))
def test_a_small_space_is_drawn_whole_and_each_once(seed: int, largest: int) -> None:
    every = [g for g in TINY.enumerate() if params(g, scale=2, channels=1) <= largest]
    drawn = draw_all(Unseen(settings_for("tiny", screen=size_screen(largest))), np.random.default_rng(seed), set())
    assert sorted(drawn) == sorted(encode(TINY, genotype).tobytes() for genotype in every)


@settings(deadline=None, max_examples=5)
@given(SEEDS, st.data())
def test_the_last_network_of_a_small_space_is_found(seed: int, data: st.DataObject) -> None:
    every = vectors_of(TINY)
    left = data.draw(st.sampled_from(every))
    found = Unseen(settings_for("tiny")).draw(np.random.default_rng(seed), set(every) - {left})
    assert found.tobytes() == left


def test_nothing_is_drawn_where_all_is_taken_or_nothing_passes() -> None:
    rng = np.random.default_rng(0)
    assert Unseen(settings_for("tiny")).draw(rng, set(vectors_of(TINY))) is None
    strict = settings_for("tiny", screen=lambda figures: np.full_like(figures["params"], np.inf))
    assert Unseen(strict).draw(rng, ()) is None


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.0, 0.02])
def test_networks_that_no_random_draw_finds_are_found(seed: int, share: float) -> None:
    least, most = cost_range(FALSR, "params", scale=2, channels=1)
    largest = int(least * (most / least) ** share)
    unseen, rng = Unseen(settings_for("falsr", screen=size_screen(largest))), np.random.default_rng(seed)
    assert (unseen.violations(unseen.random(2000, rng)) > 0.1).all()
    first = unseen.draw(rng, ())
    assert params(decode(FALSR, first), scale=2, channels=1) <= largest


def test_all_that_pass_are_found_in_a_large_space_too() -> None:
    """The smallest networks of FALSR differ in nothing that costs: there is one, and then no other."""
    least, _ = cost_range(FALSR, "params", scale=2, channels=1)
    drawn = draw_all(Unseen(settings_for("falsr", screen=size_screen(least))), np.random.default_rng(0), set())
    assert [params(decode(FALSR, np.frombuffer(v, dtype=np.int64)), scale=2, channels=1) for v in drawn] == [least]


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_fresh_ones_are_the_first_of_equals_that_pass_and_are_not_taken(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unseen = Unseen(settings_for("tiny", screen=size_screen(3_000)))
    vectors = unseen.random(60, rng)
    taken = {vector.tobytes() for vector in unseen.random(200, rng)}
    passing = unseen.violations(vectors) == 0
    keys = [vector.tobytes() for vector in vectors]
    expected = [i for i, key in enumerate(keys) if passing[i] and key not in taken and keys.index(key) == i]
    assert unseen.fresh(vectors, taken) == expected


def test_without_a_screen_everything_passes() -> None:
    unseen = Unseen(settings_for("falsr", screen=None))
    vectors = unseen.random(5, np.random.default_rng(0))
    assert unseen.violations(vectors).tolist() == [0.0] * 5
    assert unseen.fresh(vectors[:0], ()) == []


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sampled_from([FALSR, TINY]))
def test_random_vectors_are_canonical_and_take_every_value(seed: int, space: object) -> None:
    found = settings_for(space.name)
    vectors = Unseen(found).random(300, np.random.default_rng(seed))
    np.testing.assert_array_equal(vectors, canonical_vectors(space, vectors))
    np.testing.assert_array_equal(vectors.min(axis=0), 0)
    np.testing.assert_array_equal(vectors.max(axis=0), upper_bounds(space))


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sets(st.sampled_from(vectors_of(TABLE))))
def test_a_table_of_genes_is_drawn_whole(seed: int, taken: set[bytes]) -> None:
    left = set(vectors_of(TABLE)) - taken
    drawn = draw_all(Unseen(OF_TABLE), np.random.default_rng(seed), set(taken))
    assert sorted(drawn) == sorted(left)


def test_only_a_search_space_has_cells() -> None:
    assert has_cells(TINY)
    assert not has_cells(TABLE)
    vectors = np.array([[2, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(canonical_vectors(TABLE, vectors), vectors)
