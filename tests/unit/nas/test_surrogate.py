"""The surrogate is a function of what it was told, honest about what it does not know, and learns from short rungs."""

import math
import warnings
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.surrogate import FEWEST, Outcome, Posterior, Surrogate, choose
from nas.objectives import Objective
from nas.pareto import ranks
from nas.ranking import kendall_tau
from search_space.batch import BatchCosts, canonical
from search_space.encoding import upper_bounds
from search_space.space import Gene
from search_space.spaces import get_space

FALSR = get_space("falsr")
PSNR, MULT_ADDS, FSDS = (Objective.of(metric) for metric in ("psnr", "mult_adds", "fsds"))
NOISE = 0.05


@cache
def landscape(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random networks, and a score in dB of each: size, depth and skips count, neighbours of a kind clash."""
    rng, bounds = np.random.default_rng(seed), upper_bounds(FALSR)
    vectors = canonical(FALSR, rng.integers(0, bounds, size=(n, bounds.size), endpoint=True))
    params, _ = BatchCosts(FALSR, scale=2, channels=1)(vectors)
    cells = vectors[:, :35].reshape(n, 7, 5)
    clashes = sum((cells[:, i, 0] == cells[:, j, 0]) for i, j in pairwise(range(7)))
    score = 24 + np.log(params) / 2 + 0.03 * vectors[:, 35:].sum(axis=1) + 0.1 * cells[..., 3].sum(axis=1)
    return vectors, score - 0.15 * clashes + rng.normal(0, NOISE, n)


def outcomes(vectors: np.ndarray, scores: np.ndarray, rung: int = 0) -> list[Outcome]:
    return [Outcome(vector=v, rung=rung, values=[s]) for v, s in zip(vectors, scores, strict=True)]


def fitted(told: list[Outcome], **options: object) -> Surrogate:
    surrogate = Surrogate(FALSR, [PSNR], **options)  # type: ignore[arg-type] # the caller names options
    surrogate.fit(told)
    return surrogate


def assert_same(first: Posterior, second: Posterior) -> None:
    for name in ("mean", "std"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for metric, covariance in first.covariances.items():
        np.testing.assert_array_equal(covariance, second.covariances[metric])
    np.testing.assert_array_equal(first.draw(np.random.default_rng(1)), second.draw(np.random.default_rng(1)))


def test_it_ranks_what_it_has_not_seen() -> None:
    vectors, scores = landscape(160)
    found = fitted(outcomes(vectors[:100], scores[:100])).posterior(vectors[100:])
    assert kendall_tau(found.mean[:, 0], scores[100:]) > 0.6
    assert np.mean(np.abs(found.mean[:, 0] - scores[100:]) < 2 * found.std[:, 0]) > 0.85


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_telling_does_not_matter(random: object) -> None:
    vectors, scores = landscape(60)
    told = [*outcomes(vectors[:40], scores[:40] - 1), *outcomes(vectors[:20], scores[:20], rung=1)]
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # it is a random.Random
    assert_same(fitted(told).posterior(vectors[40:]), fitted(shuffled).posterior(vectors[40:]))


def test_an_earlier_fit_leaves_no_trace() -> None:
    vectors, scores = landscape(60)
    surrogate = fitted(outcomes(vectors[:20], scores[:20]))
    surrogate.fit(outcomes(vectors[:40], scores[:40]))
    assert_same(surrogate.posterior(vectors[40:]), fitted(outcomes(vectors[:40], scores[:40])).posterior(vectors[40:]))


def test_it_is_surer_of_what_it_has_seen() -> None:
    vectors, scores = landscape(80)
    surrogate = fitted(outcomes(vectors[:40], scores[:40]))
    seen, unseen = surrogate.posterior(vectors[:40]), surrogate.posterior(vectors[40:])
    variances = [posterior.covariances["psnr"].diagonal() for posterior in (seen, unseen)]
    assert variances[0].max() < np.median(variances[1])
    assert np.abs(seen.mean[:, 0] - scores[:40]).mean() < np.abs(unseen.mean[:, 0] - scores[40:]).mean()


def test_draws_have_the_means_and_the_covariance_that_they_are_drawn_from() -> None:
    vectors, scores = landscape(60)
    posterior = fitted(outcomes(vectors[:40], scores[:40])).posterior(vectors[40:])
    rng = np.random.default_rng(0)
    draws = np.array([posterior.draw(rng)[:, 0] for _ in range(4000)])
    expected = posterior.covariances["psnr"]
    spread = np.sqrt(expected.diagonal())
    assert np.abs(draws.mean(axis=0) - posterior.mean[:, 0]).max() < 5 * spread.max() / math.sqrt(4000)
    assert np.abs(np.cov(draws.T) - expected).max() < 0.12 * expected.max()
    assert (posterior.std[:, 0] > spread).all()


def test_short_trainings_inform_about_long_ones() -> None:
    vectors, scores = landscape(220)
    long, short, unseen = slice(0, 16), slice(0, 180), slice(180, None)
    told = outcomes(vectors[long], scores[long], rung=1)
    alone = fitted(told).posterior(vectors[unseen])
    chained = fitted([*told, *outcomes(vectors[short], 0.5 * scores[short] + 10)]).posterior(vectors[unseen])
    taus = [kendall_tau(posterior.mean[:, 0], scores[unseen]) for posterior in (alone, chained)]
    assert taus[1] > taus[0] + 0.1
    assert chained.mean[:, 0] == pytest.approx(scores[unseen], abs=1.5)  # in units of the long ones


def test_a_score_below_that_was_seen_counts_as_it_is() -> None:
    vectors, scores = landscape(100)
    luck = np.random.default_rng(0).normal(0, 1.0, 100)  # what no feature tells, and both rungs share
    told = [*outcomes(vectors, scores + luck - 2), *outcomes(vectors[:60], (scores + luck)[:60], rung=1)]
    blind = fitted(told[:60] + told[100:]).posterior(vectors[60:])
    posterior = fitted(told).posterior(vectors[60:])
    assert kendall_tau(posterior.mean[:, 0], (scores + luck)[60:]) > 0.85
    assert posterior.std.max() < blind.std.min()


def test_a_genotype_that_skipped_a_rung_is_learned_from() -> None:
    vectors, scores = landscape(60)
    told = [*outcomes(vectors[:30], scores[:30] - 1), *outcomes(vectors[20:40], scores[20:40], rung=2)]
    surrogate = fitted(told)
    assert surrogate.rung == 2
    assert np.isfinite(surrogate.posterior(vectors[40:]).mean).all()


def test_a_rung_with_few_outcomes_is_not_modelled_yet() -> None:
    vectors, scores = landscape(60)
    surrogate = fitted(outcomes(vectors[: FEWEST - 1], scores[: FEWEST - 1]))
    assert surrogate.rung is None
    with pytest.raises(ValueError, match="psnr"):
        surrogate.posterior(vectors)
    low = outcomes(vectors[:30], scores[:30])
    surrogate.fit([*low, *outcomes(vectors[: FEWEST - 1], scores[: FEWEST - 1] + 9, rung=1)])
    assert surrogate.rung == 0
    assert_same(surrogate.posterior(vectors[30:]), fitted(low).posterior(vectors[30:]))


def test_failures_teach_nothing() -> None:
    vectors, scores = landscape(60)
    told = outcomes(vectors[:30], scores[:30])
    failures = [Outcome(vector=vectors[30], rung=0, values=None)]
    failures += [Outcome(vector=vectors[31], rung=0, values=[value]) for value in (math.nan, math.inf)]
    mixed = fitted([*failures, *told, *failures])
    assert_same(mixed.posterior(vectors[30:]), fitted(told).posterior(vectors[30:]))


def test_known_figures_are_passed_on_and_not_learned() -> None:
    vectors, scores = landscape(60)
    costs = BatchCosts(FALSR, scale=2, channels=1)
    surrogate = Surrogate(FALSR, [PSNR, MULT_ADDS, FSDS], known=lambda v: {"mult_adds": costs(v)[1].astype(float)})
    mult_adds = costs(vectors)[1]
    surrogate.fit(
        [
            Outcome(vector=v, rung=0, values=[s, c, 0.7 * s])
            for v, s, c in zip(vectors[:40], scores[:40], mult_adds[:40], strict=True)
        ]
    )
    posterior = surrogate.posterior(vectors[40:])
    draw = posterior.draw(np.random.default_rng(0))
    for array in (posterior.mean, draw):
        np.testing.assert_array_equal(array[:, 1], mult_adds[40:])
    assert not posterior.std[:, 1].any()
    assert posterior.std[:, [0, 2]].all()
    assert set(posterior.predictions(3)) == {"psnr", "fsds"}
    assert posterior.predictions(3)["fsds"].mean == posterior.mean[3, 2]


def test_scores_that_are_all_alike_are_expected_again() -> None:
    vectors, _ = landscape(60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        posterior = fitted(outcomes(vectors[:40], np.full(40, 30.0))).posterior(vectors[40:])
    np.testing.assert_allclose(posterior.mean, 30.0)


def test_a_table_without_cells_is_learned_from_its_genes() -> None:
    @dataclass(frozen=True)
    class Table:
        genes: tuple[Gene, ...]

    table = Table(tuple(Gene(f"gene{i}", (0, 1, 2)) for i in range(8)))
    rng = np.random.default_rng(0)
    vectors, effects = rng.integers(0, 3, size=(160, 8)), rng.normal(size=(8, 3))
    scores = effects[np.arange(8), vectors].sum(axis=1)
    surrogate = Surrogate(table, [PSNR])
    surrogate.fit(outcomes(vectors[:80], scores[:80]))
    assert kendall_tau(surrogate.posterior(vectors[80:]).mean[:, 0], scores[80:]) > 0.7


def test_no_more_points_are_learned_from_than_asked_for() -> None:
    vectors, scores = landscape(120)
    told = outcomes(vectors[:80], scores[:80])
    few = fitted(told, points=30)
    kept = choose(scores[:80, None], [PSNR], 30)
    assert_same(few.posterior(vectors[80:]), fitted([told[i] for i in kept]).posterior(vectors[80:]))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40),
    st.integers(2, 50),
)
def test_the_best_and_the_last_are_kept(rows: list[tuple[int, int]], limit: int) -> None:
    values = np.array(rows, dtype=float)
    kept = choose(values, [PSNR, MULT_ADDS], limit)
    assert kept == sorted(set(kept))
    assert len(kept) == min(limit, len(rows))
    best = np.flatnonzero(ranks(values, [PSNR, MULT_ADDS]) == 0)
    assert len(set(best.tolist()) & set(kept)) >= min(len(best), limit // 2)
    assert len(rows) - 1 in kept
