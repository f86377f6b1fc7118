"""What trainings may be expected to give, learned from those told: Gaussian processes over features of genotypes.

A rung's scores are regressed on the features and on the scores of the rung below: an autoregressive chain (Kennedy
and O'Hagan 2000), in which many short trainings inform about few long ones. A score below counts as it was observed,
or where it was not, as the chain expects it.

All of it is a function of the outcomes, whatever their order and the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped] # no stubs

from ..objectives import Objective, Prediction
from ..pareto import ranks
from .base import Known, Vectors, nothing_known
from .features import Features, Floats, Genes, Layout
from .regression import Belief, Regression

FEWEST = 8
"""Outcomes that a rung needs to be modelled."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What became of one training.

    Attributes:
        vector: The genes, shape (genes,), canonical.
        rung: The rung it was trained to.
        values: One for each objective, natural units; None for a failure. An outcome with a value that is not finite
            teaches nothing.
    """

    vector: NDArray[np.int64]
    rung: int
    values: Sequence[float] | NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """What is expected of n genotypes.

    Attributes:
        mean: Expected values, shape (n, m), natural units; exact where a figure is known without training.
        std: Their standard deviations, the noise of a training included; 0 where a figure is known. Shape (n, m).
        covariances: By metric that takes a training, the covariance without that noise, shape (n, n).
        metrics: The metric of each column.
    """

    mean: Floats
    std: Floats
    covariances: Mapping[str, Floats]
    metrics: tuple[str, ...]

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return one function of the posterior at all the genotypes, shape (n, m): a sample of Thompson's."""
        sample = self.mean.copy()
        for metric, covariance in self.covariances.items():
            column = self.metrics.index(metric)
            jitter = 1e-6 * np.square(self.std[:, column].max(initial=0.0))
            with _one_thread():
                root = np.linalg.cholesky(covariance + jitter * np.eye(len(sample)))
                sample[:, column] += root @ rng.standard_normal(len(sample))
        return sample

    def predictions(self, row: int) -> dict[str, Prediction]:
        """What is expected of one genotype, by metric that takes a training."""
        columns = {metric: self.metrics.index(metric) for metric in self.covariances}
        return {
            metric: Prediction(mean=float(self.mean[row, column]), std=float(self.std[row, column]))
            for metric, column in columns.items()
        }


class Surrogate:
    """Learns from outcomes, and says what to expect of other genotypes at the highest rung that it knows.

    Args:
        space: Where genotypes come from.
        objectives: What is optimised.
        known: Figures that need no training: objectives among them are passed on and not learned.
        points: Most outcomes of each rung to learn from; see `choose`.
    """

    def __init__(
        self, space: Genes, objectives: Sequence[Objective], *, known: Known = nothing_known, points: int = 700
    ) -> None:
        self._features = Features(space)
        self._objectives = tuple(objectives)
        self._known = known
        self._points = points
        self._chains: dict[str, _Link] = {}
        self._rung: int | None = None

    @property
    def rung(self) -> int | None:
        """The rung that expectations are about: the highest with `FEWEST` outcomes. None while there is no such."""
        return self._rung

    def fit(self, outcomes: Sequence[Outcome]) -> None:
        """Learn from all outcomes so far, in the order of telling, which matters only beyond `points`."""
        rungs: dict[int, list[Outcome]] = {}
        for outcome in outcomes:
            if outcome.values is not None and np.isfinite(outcome.values).all():
                rungs.setdefault(outcome.rung, []).append(outcome)
        levels = {rung: self._level(rungs[rung]) for rung in sorted(rungs) if len(rungs[rung]) >= FEWEST}
        self._rung = max(levels, default=None)
        self._chains = {}
        for column, objective in enumerate(self._objectives):
            if levels and objective.metric not in self._known(next(iter(levels.values())).vectors[:1]):
                with _one_thread():
                    self._chains[objective.metric] = _chain(self._features.layout, list(levels.values()), column)

    def posterior(self, vectors: Vectors) -> Posterior:
        """Say what to expect of genotypes: canonical vectors, shape (n, genes).

        Raises:
            ValueError: An objective is not known without training, and no rung has enough outcomes to learn it from.
        """
        known, keys, raw = self._known(vectors), _keys(vectors), self._features.of(vectors)
        mean, std = np.zeros((2, len(vectors), len(self._objectives)))
        covariances = {}
        for column, objective in enumerate(self._objectives):
            metric = objective.metric
            if metric in known:
                mean[:, column] = known[metric]
            elif metric in self._chains:
                with _one_thread():
                    belief = self._chains[metric].belief(keys, raw)
                mean[:, column], std[:, column], covariances[metric] = belief.mean, belief.std, belief.covariance
            else:
                raise ValueError(f"no rung has {FEWEST} outcomes to learn {metric} from")
        metrics = tuple(objective.metric for objective in self._objectives)
        return Posterior(mean=mean, std=std, covariances=covariances, metrics=metrics)

    def _level(self, outcomes: Sequence[Outcome]) -> _Level:
        """The outcomes of a rung that are learned from, in an order that does not depend on that of telling."""
        vectors = np.array([outcome.vector for outcome in outcomes])
        values = np.array([outcome.values for outcome in outcomes], dtype=np.float64)
        kept = choose(values, self._objectives, self._points)
        keys = _keys(vectors)
        kept.sort(key=lambda i: (keys[i], *values[i]))
        return _Level([keys[i] for i in kept], vectors[kept], self._features.of(vectors[kept]), values[kept])


def choose(values: Floats, objectives: Sequence[Objective], limit: int) -> list[int]:
    """Choose which outcomes to learn from: half of the limit the best, the others the last told of the rest.

    Args:
        values: Shape (n, m), natural units, in the order of telling.
        objectives: m objectives.
        limit: How many to choose, where there are more.

    Returns:
        Row numbers, ascending. The best have the lowest non-dominated ranks, and of equal ranks were told last.
    """
    n = len(values)
    if n <= limit:
        return list(range(n))
    rank = ranks(values, objectives)
    best = sorted(range(n), key=lambda i: (rank[i], -i))[: limit // 2]
    rest = sorted(set(range(n)).difference(best))
    return sorted([*best, *rest[len(best) - limit :]])


def _keys(vectors: Vectors) -> list[bytes]:
    return [vector.tobytes() for vector in np.ascontiguousarray(vectors, dtype=np.int64)]


@dataclass(frozen=True, eq=False)
class _Level:
    """What a rung has to teach: n genotypes by key, their vectors, features (n, d), and values (n, m)."""

    keys: list[bytes]
    vectors: Vectors
    raw: Floats
    values: Floats


def _chain(layout: Layout, levels: Sequence[_Level], column: int) -> _Link:
    """The model of the highest level, resting on those below."""
    link: _Link | None = None
    for level in levels:
        link = _Link(layout, level, column, link)
    assert link is not None
    return link


class _Link:
    """One rung of one objective: a regression on features and on the rung below.

    It is linear in the score below, so that means and variances of the two add up.
    """

    def __init__(self, layout: Layout, level: _Level, column: int, below: _Link | None) -> None:
        values = level.values[:, column]
        self._below = below
        self._observed = dict(zip(level.keys, values.tolist(), strict=True))
        scores = None if below is None else below.scores(level.keys, level.raw)
        self._regression = Regression(layout, level.raw, scores, values)

    def scores(self, keys: Sequence[bytes], raw: Floats) -> Floats:
        """Scores of genotypes at this rung, observed or else expected, shape (n,)."""
        scores = self._seen(keys)
        missing = np.flatnonzero(np.isnan(scores)).tolist()
        if missing:
            scores[missing] = self.belief([keys[i] for i in missing], raw[missing]).mean
        return scores

    def belief(self, keys: Sequence[bytes], raw: Floats) -> Belief:
        """What another training to this rung is expected to give."""
        if self._below is None:
            return self._regression.belief(raw, None)
        below = self._below.belief(keys, raw).given(self._below._seen(keys))
        own, slope = self._regression.belief(raw, below.mean), self._regression.slope
        covariance = own.covariance + slope**2 * below.covariance
        return Belief(own.mean, covariance, own.noise + slope**2 * below.noise)

    def _seen(self, keys: Sequence[bytes]) -> Floats:
        return np.array([self._observed.get(key, math.nan) for key in keys])


def _one_thread() -> AbstractContextManager[Any]:
    """Linear algebra on one thread: sums in another order would be other sums."""
    return _threads().limit(limits=1)  # type: ignore[no-any-return] # threadpoolctl is untyped


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()
