"""A Gaussian process of scikit-learn's with a covariance made for networks. Knows features; nothing of rungs.

The covariance is additive: a Matern part over what layers do to a signal, one over the shape of the network, one that
decays with the genes in which two networks differ, and where there is a score to rest on, a part linear in it. Lengths
are fixed; the weights of the parts and the noise are learned by marginal likelihood under a log-normal prior.

Kendall's tau with the PSNR of held-out networks of FALSR's space after 240 steps, by number of trainings learned from,
over ten random splits of 288 (standard error about 0.015, at 250 twice that). The lengths were chosen on some of them.

| model                                       | 32   | 64   | 128  | 250  |
|---------------------------------------------|------|------|------|------|
| this one                                    | 0.45 | 0.50 | 0.52 | 0.52 |
| Gaussian process, one Matern part, no genes | 0.38 | 0.45 | 0.50 | 0.48 |
| random forest, no genes                     | 0.39 | 0.43 | 0.48 | 0.46 |
| extra trees, no genes                       | 0.40 | 0.42 | 0.47 | 0.45 |
| Bayesian ridge, no genes                    | 0.40 | 0.43 | 0.46 | 0.45 |
| Gaussian process on genes alone             | 0.24 | 0.30 | 0.36 | 0.42 |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped] # no stubs
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel, WhiteKernel

from .features import Floats, Layout

LEARNED = 160
"""Most outcomes that the weights of the parts are learned from; more hardly change them."""

LENGTH = 2.5
"""Networks that differ by so many standard deviations in every feature of a Matern part are one length apart in it."""

GENES_LENGTH = 0.2
"""Share of the genes whose change divides that part of the covariance by e."""

REACH = 3.0
"""Features further than this from their mean, in standard deviations, count as this far."""

STEPS = 20
"""Steps of that learning, at most."""

SIGNAL, SHAPE, GENES, BELOW, NOISE = 0.6, 0.1, 0.2, 1.0, 0.3
"""Medians of the prior of each part's weight and of the noise, in variances of the scores."""


@dataclass(frozen=True, eq=False)
class Belief:
    """What is expected of n genotypes: means (n,), their covariance (n, n), and variances of noise on top (n,)."""

    mean: Floats
    covariance: Floats
    noise: Floats

    @property
    def std(self) -> Floats:
        """Standard deviations with the noise, shape (n,)."""
        return np.asarray(np.sqrt(np.maximum(self.covariance.diagonal(), 0.0) + self.noise))

    def given(self, scores: Floats) -> Belief:
        """The belief once some scores were observed; the others are NaN."""
        unseen = np.isnan(scores)
        mean = np.where(unseen, self.mean, scores)
        return Belief(mean, self.covariance * np.outer(unseen, unseen), self.noise * unseen)


class Regression:
    """A Gaussian process of scikit-learn's, in natural units.

    Args:
        layout: Which features are which.
        raw: Features of n networks, shape (n, d), sorted by genes: the weights of the covariance are learned from
            `LEARNED` of them at even distances.
        below: Their scores at the rung below, shape (n,); None where there is no such rung.
        values: What was found, shape (n,).

    Attributes:
        slope: How much is expected for each unit of the score below.
    """

    def __init__(self, layout: Layout, raw: Floats, below: Floats | None, values: Floats) -> None:
        self._scale = _Scale(layout, raw, below)
        x = self._scale(raw, below)
        some = np.unique(np.linspace(0, len(x) - 1, min(len(x), LEARNED)).astype(np.int64))
        kernel = _Additive(layout, linear=below is not None) + WhiteKernel(NOISE)
        process = _process(kernel, _climb).fit(x[some], values[some])
        if len(some) < len(x):
            process = _process(process.kernel_, None).fit(x, values)
        self._process, self._unit = process, float(process._y_train_std)
        self._noise = float(process.kernel_.k2.noise_level) * self._unit**2
        self.slope = 0.0
        if below is not None:
            weight = float(process.kernel_.k1.weights[-1])
            self.slope = weight * float(x[:, -1] @ process.alpha_) * self._unit / self._scale.below_unit

    def belief(self, raw: Floats, below: Floats | None) -> Belief:
        """What is expected of genotypes whose scores below are given, shape (n,)."""
        mean, covariance = self._process.predict(self._scale(raw, below), return_cov=True)
        n = len(raw)
        return Belief(mean, covariance - self._noise * np.eye(n), np.full(n, self._noise))


class _Scale:
    """Brings features to the scale of the covariance's lengths; the score below becomes the last column."""

    def __init__(self, layout: Layout, raw: Floats, below: Floats | None) -> None:
        n_networks = layout.genes.start
        self._mean, self._unit = raw[:, :n_networks].mean(axis=0), _unit(raw[:, :n_networks])
        self._length = np.full(raw.shape[1], math.sqrt(GENES_LENGTH * layout.n_genes))
        for group in (layout.signal, layout.shape):
            self._length[group] = LENGTH * math.sqrt(max(1, group.stop - group.start))
        self._n_networks = n_networks
        self._below = 0.0 if below is None else float(below.mean())
        self.below_unit = 1.0 if below is None else float(_unit(below[:, None])[0])

    def __call__(self, raw: Floats, below: Floats | None) -> Floats:
        scaled = raw.copy()
        networks = (raw[:, : self._n_networks] - self._mean) / self._unit
        scaled[:, : self._n_networks] = np.clip(networks, -REACH, REACH)
        scaled /= self._length
        if below is None:
            return scaled
        return np.column_stack([scaled, (below - self._below) / self.below_unit])


def _unit(columns: Floats) -> Floats:
    """Standard deviation of each column, 1 where it is all the same."""
    std = columns.std(axis=0)
    return np.where(std > 1e-9 * (1 + np.abs(columns).max(axis=0)), std, 1.0)


class _Additive(Kernel):  # type: ignore[misc] # scikit-learn is untyped
    """The covariance: a weighted sum of parts, each over columns of its own."""

    def __init__(self, layout: Layout, linear: bool, weights: Any = None) -> None:
        self.layout, self.linear = layout, linear
        self.weights = [median for _, _, median in self._parts] if weights is None else weights

    @property
    def _parts(self) -> list[tuple[Callable[[Floats, Floats], Floats], slice, float]]:
        """Each part that has columns: its function, its columns, and the median of its weight."""
        layout = self.layout
        below = slice(layout.genes.stop, layout.genes.stop + self.linear)
        parts = [
            (_matern, layout.signal, SIGNAL),
            (_matern, layout.shape, SHAPE),
            (_gaussian, layout.genes, GENES),
            (_linear, below, BELOW),
        ]
        return [part for part in parts if part[1].stop > part[1].start]

    @property
    def hyperparameter_weights(self) -> Hyperparameter:
        """What scikit-learn learns. The prior keeps it far from these bounds."""
        return Hyperparameter("weights", "numeric", (1e-9, 1e9), len(self._parts))

    def __call__(self, x: Floats, y: Floats | None = None, eval_gradient: bool = False) -> Any:
        """The covariance of rows of x with rows of y, and its slope in the logarithm of each weight."""
        other = x if y is None else y
        parts = [
            weight * part(x[:, columns], other[:, columns])
            for weight, (part, columns, _) in zip(np.atleast_1d(self.weights), self._parts, strict=True)
        ]
        return (sum(parts), np.stack(parts, axis=-1)) if eval_gradient else sum(parts)

    def diag(self, x: Floats) -> Floats:
        """The variance of each row."""
        weights = np.atleast_1d(self.weights)
        if not self.linear:
            return np.full(len(x), weights.sum())
        return np.asarray(weights[:-1].sum() + weights[-1] * x[:, -1] ** 2)

    def is_stationary(self) -> bool:
        """The linear part is not."""
        return not self.linear


def _squares(x: Floats, y: Floats) -> Floats:
    """Squared distances of rows, by a product of matrices."""
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return np.asarray(np.maximum(squares, 0.0))


def _matern(x: Floats, y: Floats) -> Floats:
    """Matern's covariance of smoothness 5/2 and length 1."""
    squares = 5 * _squares(x, y)
    r = np.sqrt(squares)
    return np.asarray((1 + r + squares / 3) * np.exp(-r))


def _gaussian(x: Floats, y: Floats) -> Floats:
    return np.asarray(np.exp(-_squares(x, y)))


def _linear(x: Floats, y: Floats) -> Floats:
    return np.asarray(x @ y.T)


def _process(kernel: Kernel, optimizer: Callable[..., Any] | None) -> Any:
    return GaussianProcessRegressor(kernel, alpha=1e-8, optimizer=optimizer, normalize_y=True, copy_X_train=False)


def _climb(objective: Callable[..., Any], start: Floats, bounds: Floats) -> tuple[Floats, float]:  # noqa: ARG001
    """Maximise marginal likelihood times prior: log-normal with medians where it starts and a log-deviation of 1."""

    def penalised(theta: Floats) -> tuple[float, Floats]:
        value, slope = objective(theta)
        return value + ((theta - start) ** 2).sum() / 2, slope + theta - start

    found = minimize(penalised, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return found.x, float(found.fun)
