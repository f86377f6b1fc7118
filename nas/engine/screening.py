"""Which of many children to train next, and whether those who say so can be believed. Knows points, not networks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..objectives import Objective
from ..ranking import kendall_tau
from .features import Floats


def pick(
    children: ArrayLike,
    front: ArrayLike,
    objectives: Sequence[Objective],
    reference: Sequence[float],
    *,
    pending: ArrayLike = (),
) -> int:
    """Pick the child that would add most to the hypervolume of the front and of what is in flight.

    With children drawn from a posterior this is Thompson sampling of hypervolume improvements; networks in flight
    count as if they gave what is expected of them, so that a batch spreads along the front. Hypervolume is measured
    as in `nas.pareto`.

    Where no child adds any, it is the one nearest to it: the least amount, in spans of each axis over all points, by
    which all its values would have to improve. Of equals the first is picked.

    Args:
        children: Shape (n, m), natural units: a draw, or means, with known figures as they are. At least one. Or
            several draws, shape (d, n, m): then improvements are added up over them.
        front: Shape (k, m): values that were found. Or a draw of them with each one of the children, shape (d, k, m).
        objectives: m objectives, in the order of the columns.
        reference: Reference point of the hypervolume, m numbers.
        pending: Shape (p, m): values expected of networks in flight.

    Returns:
        The row of the child. A child with a value that is not finite is picked only where all are such.

    Example:
        >>> objectives = Objective.of("psnr"), Objective.of("params")
        >>> pick([[31.0, 90], [30.9, 20], [29.0, 10]], [[30.8, 90]], objectives, (28.0, 100))
        1
    """
    drawn = np.asarray(children, dtype=np.float64)
    draws = drawn[None] if drawn.ndim == 2 else drawn
    found = np.asarray(front, dtype=np.float64)
    fronts = (
        found
        if found.ndim == 3
        else np.broadcast_to(
            found.reshape(-1, len(objectives)), (len(draws), found.size // len(objectives), len(objectives))
        )
    )
    improvements, shortfalls = np.zeros((2, draws.shape[1]))
    for values, members in zip(draws, fronts, strict=True):
        base = np.concatenate([_gains(points, objectives, reference) for points in (members, pending)])
        base = base[np.isfinite(base).all(axis=1)]
        gains = _gains(values, objectives, reference)
        gains[~np.isfinite(gains).all(axis=1)] = -np.inf
        improvements += _improvements(gains, base[(base > 0).all(axis=1)])
        shortfalls += _shortfalls(gains, base)
    return int(improvements.argmax()) if improvements.max() > 0 else int(shortfalls.argmin())


class Watch:
    """Tells whether predictions still rank networks as trainings do, by the last of them.

    Args:
        minimum: Kendall's tau between predicted and found values that is asked for.
        window: How many of the last pairs count.
        fewest: How many pairs it takes to doubt.
    """

    def __init__(self, minimum: float, *, window: int = 40, fewest: int = 12) -> None:
        self._minimum, self._fewest = minimum, fewest
        self._pairs: deque[tuple[float, float]] = deque(maxlen=window)

    def add(self, predicted: float, found: float) -> None:
        """Note what was found where something was predicted. A pair that is not finite is left out."""
        if math.isfinite(predicted) and math.isfinite(found):
            self._pairs.append((predicted, found))

    @property
    def tau(self) -> float | None:
        """Kendall's tau over the window; None with fewer than two pairs, or where all of one side are tied."""
        return kendall_tau([predicted for predicted, _ in self._pairs], [found for _, found in self._pairs])

    @property
    def trusts(self) -> bool:
        """Whether tau is at least the minimum, or cannot be told yet. All tied counts as a tau of 0."""
        return len(self._pairs) < self._fewest or (self.tau or 0.0) >= self._minimum


def _gains(points: ArrayLike, objectives: Sequence[Objective], reference: Sequence[float]) -> Floats:
    """How far points beat the reference, shape (n, m). Units do not matter: they scale all improvements alike."""
    signs = np.array([objective.sign for objective in objectives], dtype=np.float64)
    array = np.asarray(points, dtype=np.float64).reshape(-1, len(objectives))
    return np.asarray((np.asarray(reference, dtype=np.float64) - array) * signs)


def _improvements(gains: Floats, base: Floats) -> Floats:
    """Hypervolume that each of n points would add to a base of points above 0, shape (n,)."""
    found = np.zeros(len(gains))
    useful = (gains > 0).all(axis=1) & ~_dominated(gains, base)
    if useful.any():
        found[useful] = _planar(gains[useful], base) if gains.shape[1] == 2 else _spatial(gains[useful], base)
    return found


def _dominated(gains: Floats, base: Floats) -> NDArray[np.bool_]:
    """Which points have one in the base that is at least as good on every axis, shape (n,)."""
    matched = np.all(base[None, :, :] >= gains[:, None, :], axis=2)
    return np.asarray(np.any(matched, axis=1))


def _planar(gains: Floats, base: Floats) -> Floats:
    """Improvements in two dimensions: each point's box without what lies under the staircase of the base."""
    stairs = base[np.argsort(base[:, 0], kind="stable")]
    heights = np.maximum.accumulate(stairs[::-1, 1])[::-1]
    ends = np.minimum(stairs[:, 0], gains[:, :1])
    widths = np.diff(ends, axis=1, prepend=0.0)
    return np.asarray(gains.prod(axis=1) - (widths * np.minimum(heights, gains[:, 1:])).sum(axis=1))


def _spatial(gains: Floats, base: Floats) -> Floats:
    """Improvements in any dimension: each point's box without the base's share of it."""
    if not len(base):
        return np.asarray(gains.prod(axis=1))
    shares = [moocore.hypervolume(np.minimum(base, point), ref=0.0, maximise=True) for point in gains]
    return np.asarray(gains.prod(axis=1) - shares)


def _shortfalls(gains: Floats, base: Floats) -> Floats:
    """How far each point would have to improve on all axes at once to beat the reference and the base, shape (n,)."""
    finite = np.vstack([gains[np.isfinite(gains).all(axis=1)], base, np.zeros((1, gains.shape[1]))])
    span = np.ptp(finite, axis=0)
    span[span == 0] = 1.0
    worst = (-gains / span).max(axis=1)
    if not len(base):
        return np.asarray(worst)
    behind = ((base[None, :, :] - gains[:, None, :]) / span).min(axis=2).max(axis=1)
    return np.asarray(np.maximum(worst, behind))
