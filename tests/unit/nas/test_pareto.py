"""Fronts, ranks and hypervolumes against definitions written down plainly."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nas.objectives import METRICS, Objective, Sense
from nas.pareto import Archive, front, hypervolume, ranks

PSNR, FSDS, COST = map(Objective.of, ("psnr", "fsds", "mult_adds"))
NAMES = list(METRICS)


def numbers(broken: bool) -> st.SearchStrategy[float]:
    """Few different values, so that ties and equal rows are common."""
    grid = st.integers(-4, 8).map(lambda value: value / 2)
    return grid | st.sampled_from([math.nan, math.inf, -math.inf]) if broken else grid


@st.composite
def problems(draw, broken: bool = True, positive: bool = False):
    """Objectives of any senses, and points."""
    m = draw(st.integers(1, 5))
    senses = draw(st.lists(st.sampled_from(list(Sense)), min_size=m, max_size=m))
    objectives = tuple(map(Objective, NAMES, senses))
    n = draw(st.integers(0, 14))
    points = draw(arrays(np.float64, (n, m), elements=numbers(broken)))
    return (np.abs(points) if positive else points), objectives


def dominates(a, b, objectives) -> bool:
    better = [o.sign * (y - x) for x, y, o in zip(a, b, objectives, strict=True)]
    return all(gain >= 0 for gain in better) and any(gain > 0 for gain in better)


def plain_front(points, objectives) -> list[int]:
    rows = [i for i, row in enumerate(points) if np.isfinite(row).all()]
    return [
        i
        for i in rows
        if not any(dominates(points[j], points[i], objectives) for j in rows)
        and not any((points[j] == points[i]).all() for j in rows if j < i)
    ]


@given(problems())
def test_front_is_what_nothing_dominates_and_the_first_of_equals(problem):
    points, objectives = problem
    assert front(points, objectives).tolist() == plain_front(points, objectives)


@given(problems(), st.randoms())
def test_front_does_not_depend_on_the_order_of_the_points(problem, random):
    points, objectives = problem
    order = list(range(len(points)))
    random.shuffle(order)
    shuffled = points[order]
    assert {tuple(points[i]) for i in front(points, objectives)} == {
        tuple(shuffled[i]) for i in front(shuffled, objectives)
    }


@given(problems())
def test_rank_0_is_the_front_and_its_equals(problem):
    points, objectives = problem
    first = {tuple(points[i]) for i in front(points, objectives)}
    assert {tuple(points[i]) for i in np.flatnonzero(ranks(points, objectives) == 0)} == first


@given(problems(broken=False))
def test_a_point_ranks_one_below_the_worst_that_dominates_it(problem):
    points, objectives = problem
    found = ranks(points, objectives)
    for i, point in enumerate(points):
        above = [found[j] for j, other in enumerate(points) if dominates(other, point, objectives)]
        assert found[i] == max(above, default=-1) + 1


@given(problems())
def test_rows_that_are_not_finite_share_the_last_rank(problem):
    points, objectives = problem
    broken = ~np.isfinite(points).all(axis=1)
    found = ranks(points, objectives)
    if broken.any():
        assert set(found[broken]) == {max(1, found[~broken].max(initial=0) + 1)}


def test_front_keeps_one_of_two_equal_points():
    assert front([[30, 5], [30, 5], [29, 6]], (PSNR, COST)).tolist() == [0]


def test_nothing_in_gives_nothing_out():
    assert front([], (PSNR, COST)).tolist() == []
    assert ranks([], (PSNR, COST)).tolist() == []
    assert hypervolume([], (PSNR, COST), (28.0, 1e9)) == 0.0


def test_one_objective_has_one_best_point():
    assert front([[30.0], [31.0], [math.nan], [31.0]], (PSNR,)).tolist() == [1]
    assert ranks([[30.0], [31.0], [math.nan], [31.0]], (PSNR,)).tolist() == [1, 0, 2, 0]
    assert hypervolume([[30.0], [31.0]], (PSNR,), (28.0,)) == 3.0


def test_hypervolume_of_one_point_is_its_gain_in_db_times_the_share_of_cost_saved():
    assert hypervolume([[30.0, 25.0]], (PSNR, COST), (28.0, 100.0)) == pytest.approx(2.0 * 0.75)


def staircase(points, reference) -> float:
    """The exact area in two dimensions, PSNR up and cost down, by sweeping the costs."""
    gains = sorted(((p - reference[0], 1 - c / reference[1]) for p, c in points), reverse=True)
    area, height = 0.0, 0.0
    for db, share in gains:
        if db > 0 and share > height:
            area += db * (share - height)
            height = share
    return area


@given(st.lists(st.tuples(st.floats(20, 40), st.floats(1, 200)), max_size=20))
def test_hypervolume_in_two_dimensions_is_the_area_under_the_staircase(points):
    found = hypervolume(points, (PSNR, COST), (28.0, 100.0))
    assert found == pytest.approx(staircase(points, (28.0, 100.0)), abs=1e-12)


def test_hypervolume_in_three_dimensions_agrees_with_counting_random_boxes():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(28, 30, 12), rng.uniform(-60, -59, 12), rng.uniform(0, 100, 12)])
    corner, span = np.array([28.0, -60.0, 100.0]), np.array([2.0, 1.0, -100.0])
    darts = rng.random((200_000, 3))
    gains = (points - corner) / span
    hit = (darts[:, None, :] <= gains[None]).all(axis=2).any(axis=1)
    found = hypervolume(points, (PSNR, FSDS, COST), tuple(corner))
    assert found == pytest.approx(hit.mean() * 2.0, rel=0.02)


@given(problems(positive=True))
def test_hypervolume_never_falls_as_points_are_added_and_ignores_their_order(problem):
    points, objectives = problem
    reference = [3.0 if objective.sign > 0 else 0.5 for objective in objectives]
    volumes = [hypervolume(points[:n], objectives, reference) for n in range(len(points) + 1)]
    assert all(a <= b or math.isclose(a, b) for a, b in itertools.pairwise(volumes))
    assert hypervolume(points[::-1], objectives, reference) == pytest.approx(volumes[-1])


def test_points_that_do_not_beat_the_reference_on_every_axis_add_nothing():
    points = [[28.0, 10.0], [35.0, 100.0], [27.0, 1.0], [35.0, 101.0], [math.nan, 1.0], [math.inf, 1.0]]
    assert hypervolume(points, (PSNR, COST), (28.0, 100.0)) == 0.0


@pytest.mark.parametrize("reference", [(28.0,), (math.nan, 1.0), (28.0, 0.0), (28.0, math.inf)])
def test_a_reference_that_cannot_measure_is_refused(reference):
    with pytest.raises(ValueError, match="reference"):
        hypervolume([[30.0, 1.0]], (PSNR, COST), reference)


def test_points_of_the_wrong_width_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 3\)"):
        front([[1.0, 2.0, 3.0]], (PSNR, COST))


@given(problems(positive=True))
def test_an_archive_grows_into_the_front_of_all_it_was_given(problem):
    points, objectives = problem
    reference = [3.0 if objective.sign > 0 else 0.5 for objective in objectives]
    archive = Archive(objectives, reference)
    volume = archive.hypervolume
    for i, point in enumerate(points):
        assert archive.insert(point) == (i in front(points[: i + 1], objectives))
        assert archive.hypervolume >= volume
        volume = archive.hypervolume
    np.testing.assert_array_equal(archive.points, points[front(points, objectives)])
    assert volume == pytest.approx(hypervolume(points, objectives, reference))
