"""Models of a score: fitted by scikit-learn or in closed form, then asked one genotype at a time in microseconds.

Two families that have little in common, and their mean. None is what an engine's surrogate is (a Gaussian process or
Bayesian ridge over its own features), so that no engine searches a landscape made in its own image.

* "trees": extremely randomised trees (Geurts et al. 2006) and gradient boosting (Friedman 2002), half each.
* "smooth": an ensemble of small neural networks, and ridge regression over all genes and pairs of them, half each.
* "blend": the mean of both, as surrogate benchmarks are made (Zela et al., arXiv 2008.09777).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from .features import Vector

Matrix = NDArray[np.float64]
Model = Callable[[Vector], float]
"""From the features of one genotype to its score."""

Fit = Callable[[Matrix, Vector, int], Model]
"""From features (rows, features), scores (rows,) and the number of features that tell genes to a model."""

TREES, STAGES, NETWORKS = 80, 250, 6
ALPHAS = tuple(10.0**power for power in np.arange(-2, 4.1, 0.5))


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Regression trees walked side by side, one step of all of them at a time. A leaf leads to itself.

    Attributes:
        feature: Which feature each node looks at.
        threshold: Up to what it goes left.
        left: The next node there.
        right: The next node otherwise.
        value: What a leaf adds to the score.
        roots: Where each tree starts.
        base: The score without any tree.
    """

    feature: NDArray[np.int64]
    threshold: Vector
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Vector
    roots: NDArray[np.int64]
    base: float

    @classmethod
    def of(cls, trees: Sequence[Any], weight: float, base: float) -> Forest:
        """Copy scikit-learn's fitted trees; each leaf adds its value times the weight."""
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        own = np.arange(starts[-1])
        sides = (
            np.concatenate([getattr(tree, side) + start for tree, start in zip(trees, starts, strict=False)])
            for side in ("children_left", "children_right")
        )
        left, right = (np.where(leaf, own, side) for side in sides)
        return cls(
            feature=np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            left=left,
            right=right,
            value=np.concatenate([tree.value[:, 0, 0] for tree in trees]) * weight,
            roots=starts[:-1],
            base=base,
        )

    def __call__(self, x: Vector) -> float:
        """The score of one genotype's features."""
        single = x.astype(np.float32)  # as scikit-learn compares
        node = self.roots
        while True:
            following = np.where(single[self.feature[node]] <= self.threshold[node], self.left[node], self.right[node])
            if (following == node).all():
                return self.base + float(self.value[node].sum())
            node = following


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Neural networks with one hidden layer of tanh units each, side by side; the score is their mean.

    Attributes:
        centre: Means of the features.
        spread: Their standard deviations.
        hidden: Weights into all hidden units, shape (features, units).
        offsets: Of the hidden units.
        out: Weight of each unit in the score.
        base: The score where every unit is silent.
    """

    centre: Vector
    spread: Vector
    hidden: Matrix
    offsets: Vector
    out: Vector
    base: float

    def __call__(self, x: Vector) -> float:
        """The score of one genotype's features."""
        return self.base + float(np.tanh((x - self.centre) / self.spread @ self.hidden + self.offsets) @ self.out)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Ridge regression over features and all products of two, in the dual form: K = (1 + x x' / features)^2.

    Attributes:
        centre: Means of the features.
        spread: Their standard deviations.
        rows: What it was fitted to, standardised, shape (rows, features).
        weights: Of the rows, shape (rows,) or (rows, scores).
        base: The mean score.
        left_out: Score of each row as foretold by the fit without it.
    """

    centre: Vector
    spread: Vector
    rows: Matrix
    weights: Matrix
    base: Any
    left_out: Matrix

    @classmethod
    def fit(cls, x: Matrix, y: Matrix) -> Pairs:
        """Fit; the penalty is that of the least squared error with each row left out in turn."""
        centre, spread = _standard(x)
        rows = (x - centre) / spread
        base = y.mean(axis=0)
        values, vectors = np.linalg.eigh(_kernel(rows, rows))
        tried = [_ridge(values, vectors, y - base, alpha) for alpha in ALPHAS]
        weights, errors = min(tried, key=lambda found: float((found[1] ** 2).sum()))
        return cls(centre=centre, spread=spread, rows=rows, weights=weights, base=base, left_out=y - errors)

    def __call__(self, x: Vector) -> Any:
        """The score, or scores, of one genotype's features."""
        found = self.base + _kernel((x - self.centre) / self.spread, self.rows) @ self.weights
        return float(found) if self.weights.ndim == 1 else found


def _kernel(a: Matrix, b: Matrix) -> Matrix:
    found: Matrix = (1 + a @ b.T / b.shape[1]) ** 2
    return found


def _ridge(values: Vector, vectors: Matrix, y: Matrix, alpha: float) -> tuple[Matrix, Matrix]:
    """Dual weights, and the errors with each row left out: weight / diagonal of the inverse."""
    inverse = (vectors / (values + alpha)) @ vectors.T
    weights = inverse @ y
    diagonal = np.diag(inverse)
    return weights, weights / (diagonal if y.ndim == 1 else diagonal[:, None])


def _standard(x: Matrix) -> tuple[Vector, Vector]:
    spread = x.std(axis=0)
    return x.mean(axis=0), np.where(spread > 0, spread, 1.0)


@dataclass(frozen=True)
class Mean:
    """The mean of some models."""

    models: tuple[Model, ...]

    def __call__(self, x: Vector) -> float:
        """The score of one genotype's features."""
        return sum(model(x) for model in self.models) / len(self.models)


@dataclass(frozen=True)
class Shape:
    """A model that looks at the last features only: the shape, where there is one."""

    model: Model
    first: int

    def __call__(self, x: Vector) -> float:
        """The score of one genotype's features."""
        return self.model(x[self.first :])


def fit_trees(x: Matrix, y: Vector, genes: int) -> Model:  # noqa: ARG001
    """Fit the family "trees"."""
    base = float(y.mean())
    extra = ExtraTreesRegressor(TREES, min_samples_leaf=2, max_features=0.5, random_state=0).fit(x, y - base)
    rate, options = 0.05, {"max_depth": 3, "subsample": 0.6, "max_features": 0.3, "random_state": 0}
    boosted = GradientBoostingRegressor(n_estimators=STAGES, learning_rate=rate, init="zero", **options)
    stages = boosted.fit(x, y - base).estimators_[:, 0]
    return Mean(
        (
            Forest.of([tree.tree_ for tree in extra.estimators_], 1 / TREES, base),
            Forest.of([tree.tree_ for tree in stages], rate, base),
        )
    )


def fit_smooth(x: Matrix, y: Vector, genes: int) -> Model:
    """Fit the family "smooth"; its networks look at the shape where there is one, its pairs at everything."""
    first = genes if x.shape[1] > genes else 0
    return Mean((Shape(_fit_networks(x[:, first:], y), first), Pairs.fit(x, y)))


def _fit_networks(x: Matrix, y: Vector) -> Networks:
    centre, spread = _standard(x)
    mean, scale = float(y.mean()), float(y.std()) or 1.0
    fitted = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        for seed in range(NETWORKS):
            network = MLPRegressor(
                hidden_layer_sizes=(32,), activation="tanh", alpha=10.0, solver="lbfgs", max_iter=150, random_state=seed
            )
            fitted.append(network.fit((x - centre) / spread, (y - mean) / scale))
    return Networks(
        centre=centre,
        spread=spread,
        hidden=np.hstack([network.coefs_[0] for network in fitted]),
        offsets=np.concatenate([network.intercepts_[0] for network in fitted]),
        out=np.concatenate([network.coefs_[1][:, 0] for network in fitted]) * scale / NETWORKS,
        base=mean + scale * float(np.mean([network.intercepts_[1][0] for network in fitted])),
    )


def fit_blend(x: Matrix, y: Vector, genes: int) -> Model:
    """Fit both families and take their mean."""
    return Mean((fit_trees(x, y, genes), fit_smooth(x, y, genes)))


FAMILIES: Mapping[str, Fit] = {"blend": fit_blend, "trees": fit_trees, "smooth": fit_smooth}
"""What a landscape may be made of."""


def predict(model: Model, x: Matrix) -> Vector:
    """Return the score of each row of features, shape (rows,)."""
    return np.fromiter(map(model, x), dtype=np.float64, count=len(x))
