"""Survival and tournaments: by rung, feasibility, rank and crowding, and of equals the first."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.engine.population import Member, Population, crowding, survivors

INFINITY = float("inf")

LEVELS = st.integers(0, 4).map(float)
"""Few values, so that there are ties and duplicates."""


@st.composite
def members(draw: st.DrawFn, axes: int = 2, most: int = 14, violations: tuple[float, ...] = (0.0, 0.5, INFINITY)):
    rows = draw(
        st.lists(st.tuples(st.tuples(*[LEVELS] * axes), st.sampled_from(violations), st.integers(0, 2)), max_size=most)
    )
    return [
        Member(
            digest=str(i),
            vector=np.array([i]),
            losses=np.array(losses, dtype=np.float64),
            violation=violation,
            rung=rung,
        )
        for i, (losses, violation, rung) in enumerate(rows)
    ]


def member(digest: str, *losses: float, violation: float = 0.0, rung: int = 0) -> Member:
    found = np.array(losses, dtype=np.float64)
    return Member(digest=digest, vector=np.zeros(1), losses=found, violation=violation, rung=rung)


def digests(population: Population) -> list[str]:
    return [found.digest for found in population.members]


def dominates(a: Member, b: Member) -> bool:
    return bool((a.losses <= b.losses).all() and (a.losses < b.losses).any())


def worth(found: Member) -> tuple[float, float]:
    """What goes before ranks: less is better."""
    return -found.rung, found.violation


SIZES = st.integers(0, 16)
AXES = st.integers(1, 3)


@given(AXES.flatmap(members), SIZES)
def test_no_more_survive_than_there_is_room_for_and_no_fewer_than_there_are(found, size) -> None:
    population = survivors(found, size)
    assert len(population.members) == len(population.classes) == min(size, len(found))
    assert len(set(digests(population))) == len(population.members)


@given(AXES.flatmap(members), SIZES)
def test_whoever_survives_is_not_worth_less_than_whoever_does_not(found, size) -> None:
    population = survivors(found, size)
    lost = [each for each in found if each.digest not in digests(population)]
    for kept in population.members:
        assert all(worth(kept) <= worth(each) for each in lost)
        assert not any(worth(kept) == worth(each) and dominates(each, kept) for each in lost)


@given(AXES.flatmap(members), SIZES)
def test_members_stand_by_class_and_classes_by_worth_and_rank(found, size) -> None:
    population = survivors(found, size)
    pairs = list(zip(population.members, population.classes.tolist(), strict=True))
    assert population.classes.tolist() == sorted(population.classes)
    for a, class_a in pairs:
        for b, class_b in pairs:
            assert (class_a < class_b) >= (worth(a) < worth(b))
            if worth(a) == worth(b) and dominates(a, b):
                assert class_a < class_b
            if class_a == class_b:
                assert worth(a) == worth(b)


@given(AXES.flatmap(members), SIZES)
def test_within_a_class_the_order_of_members_stays(found, size) -> None:
    population = survivors(found, size)
    for number in set(population.classes.tolist()):
        places = [
            int(each.digest) for each, c in zip(population.members, population.classes, strict=True) if c == number
        ]
        assert places == sorted(places)


@given(AXES.flatmap(members), SIZES)
def test_survivors_survive_among_themselves(found, size) -> None:
    once = survivors(found, size)
    assert digests(survivors(once.members, size)) == digests(once)


@given(members(axes=1), SIZES)
def test_with_one_objective_of_equals_the_first_survive(found, size) -> None:
    ordered = sorted(found, key=lambda each: (*worth(each), each.losses[0], int(each.digest)))
    kept = digests(survivors(found, size))
    assert set(kept) == {each.digest for each in ordered[:size]}


@given(AXES.flatmap(members), SIZES)
def test_crowding_belongs_to_classes(found, size) -> None:
    population = survivors(found, max(1, size))
    if not population.members:
        return
    for number in set(population.classes.tolist()):
        rows = population.classes == number
        losses = np.array([each.losses for each in population.members])[rows]
        np.testing.assert_array_equal(population.crowding[rows], crowding(losses))


def test_the_least_crowded_of_a_class_survive_and_its_ends_do() -> None:
    line = [member("far", 0, 10), member("a", 4, 5), member("b", 4.5, 4.5), member("c", 5, 4), member("end", 10, 0)]
    assert digests(survivors(line, 4)) == ["far", "a", "c", "end"]
    assert digests(survivors(line, 2)) == ["far", "end"]


def test_a_member_of_a_higher_rung_stands_before_all_of_a_lower_one() -> None:
    found = [member("good", 0, 0), member("bad", 9, 9, rung=1), member("wrong", 1, 1, violation=2.0, rung=1)]
    assert digests(survivors(found, 3)) == ["bad", "wrong", "good"]
    assert digests(survivors(found, 1)) == ["bad"]


def test_less_violation_stands_before_better_values_and_an_infinite_one_last() -> None:
    found = [member("x", 0, 0, violation=INFINITY), member("y", 5, 5, violation=0.1), member("z", 9, 9)]
    assert digests(survivors(found, 3)) == ["z", "y", "x"]


def test_nobody_survives_where_there_is_nobody_or_no_room() -> None:
    assert digests(survivors([], 4)) == digests(survivors([member("a", 1, 2)], 0)) == []
    assert survivors([], 4).classes.shape == (0,)


@given(AXES.flatmap(lambda axes: members(axes)), st.integers(0, 2**32 - 1))
def test_tournaments_are_won_by_members_and_repeat_with_their_generator(found, seed) -> None:
    population = survivors(found, 8)
    if not population.members:
        return
    winners = population.tournaments(50, np.random.default_rng(seed))
    assert winners.shape == (50,)
    assert set(winners.tolist()) <= set(range(len(population.members)))
    np.testing.assert_array_equal(winners, population.tournaments(50, np.random.default_rng(seed)))


def wins(population: Population, n: int = 8000) -> dict[str, float]:
    """The share of tournaments that each member wins."""
    counts = Counter(population.tournaments(n, np.random.default_rng(0)).tolist())
    return {each.digest: counts[i] / n for i, each in enumerate(population.members)}


def test_the_better_class_wins() -> None:
    found = wins(survivors([member("last", 3, 3), member("best", 1, 1), member("next", 2, 2)], 3))
    assert found["best"] == pytest.approx(5 / 9, abs=0.03)
    assert found["next"] == pytest.approx(3 / 9, abs=0.03)
    assert found["last"] == pytest.approx(1 / 9, abs=0.03)


def test_of_one_class_the_less_crowded_wins() -> None:
    line = [member("far", 0, 10), member("a", 4.4, 4.6), member("b", 4.5, 4.5), member("end", 10, 0)]
    found = wins(survivors(line, 4))
    assert min(found["far"], found["end"]) > 1.5 * max(found["a"], found["b"])


def test_the_crowding_of_a_class_does_not_feel_the_others() -> None:
    first = [member("a", 0, 10), member("b", 5, 5), member("c", 10, 0)]
    second = [member("d", 5.5, 9), member("e", 9, 5.5)]
    both = survivors([*first, *second], 5)
    np.testing.assert_array_equal(both.crowding[:3], survivors(first, 3).crowding)
    np.testing.assert_array_equal(both.crowding[3:], [np.inf, np.inf])
