"""Fronts, ranks and hypervolumes of points. Knows arrays and objectives; nothing of networks, searches or databases.

Points are arrays of shape (n, m), one column for each objective, in natural units (dB, counts), whichever way is
better. Every function here keeps to one policy:

* a row with a NaN or an infinity is no result: it never enters a front and has the last rank;
* of equal points the first is kept in a front, and all have the same rank;
* nothing in, nothing out;
* the points of a front, and its hypervolume, do not depend on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .objectives import Objective

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def front(points: ArrayLike, objectives: Sequence[Objective]) -> Indices:
    """Return which points no other point dominates.

    Args:
        points: Shape (n, m), natural units.
        objectives: m objectives, in the order of the columns.

    Returns:
        Row numbers, ascending; of equal rows the first.

    Example:
        >>> objectives = Objective.of("psnr"), Objective.of("params")
        >>> front([[31.0, 9], [30.0, 5], [30.0, 7]], objectives).tolist()
        [0, 1]
    """
    losses = _losses(points, objectives)
    finite: Indices = np.flatnonzero(np.isfinite(losses).all(axis=1))
    if finite.size:
        finite = finite[moocore.is_nondominated(losses[finite])]
    return finite


def ranks(points: ArrayLike, objectives: Sequence[Objective]) -> Indices:
    """Return the rank of each point by non-dominated sorting (Deb et al. 2002, section III).

    Args:
        points: Shape (n, m), natural units.
        objectives: m objectives, in the order of the columns.

    Returns:
        Shape (n,): 0 for the front and its equals, 1 for the front of the rest, and so on. Rows that are not finite
        come one after the worst that is, and never below 1.
    """
    losses = _losses(points, objectives)
    finite = np.isfinite(losses).all(axis=1)
    result = np.ones(len(losses), dtype=np.int64)
    if finite.any():
        ranked = moocore.pareto_rank(losses[finite])
        result[finite] = ranked
        result[~finite] = ranked.max() + 1
    return result


def hypervolume(points: ArrayLike, objectives: Sequence[Objective], reference: Sequence[float]) -> float:
    """Return the volume that points dominate, up to a reference point that every useful point beats.

    An axis where less is better is measured in units of its reference value, so that a cost spans 0 to 1; an axis
    where more is better is measured in its own unit above the reference. For PSNR against mult-adds the result is
    in dB: the mean gain over the reference PSNR, across all costs up to the reference cost.

    Args:
        points: Shape (n, m), natural units. A point that fails to beat the reference on every axis adds nothing.
        objectives: m objectives, in the order of the columns.
        reference: m numbers, natural units; fixed for a search, so that its hypervolume never falls.

    Raises:
        ValueError: The reference has the wrong length, is not finite, or is 0 where less is better.
    """
    gains = _gains(points, objectives, reference)
    useful = gains[np.isfinite(gains).all(axis=1) & (gains > 0).all(axis=1)]
    return float(moocore.hypervolume(useful, ref=0.0, maximise=True)) if len(useful) else 0.0


class Archive:
    """A front that grows by one point at a time, and its hypervolume. An insertion compares with the front only.

    Attributes:
        points: The front so far in order of arrival, shape (k, m), natural units; not to be written to.
    """

    def __init__(self, objectives: Sequence[Objective], reference: Sequence[float]) -> None:
        self._objectives = tuple(objectives)
        self._reference = tuple(reference)
        self.points: Floats = np.empty((0, len(self._objectives)))
        self._losses = self.points
        self._hypervolume = hypervolume(self.points, self._objectives, self._reference)
        self._stale = False

    def insert(self, point: Sequence[float]) -> bool:
        """Add a point; return whether it entered the front, which drops the points that it dominates.

        A point that is not finite, or that equals one in the front, stays out.
        """
        loss = _losses([point], self._objectives)[0]
        if not np.isfinite(loss).all() or (self._losses <= loss).all(axis=1).any():
            return False
        kept = (self._losses < loss).any(axis=1)
        self._losses = np.vstack([self._losses[kept], loss])
        self.points = np.vstack([self.points[kept], np.asarray(point, dtype=np.float64)])
        self._stale = True
        return True

    @property
    def hypervolume(self) -> float:
        """Hypervolume of the front; computed when asked for after a change. Rounding never makes it fall."""
        if self._stale:
            found = hypervolume(self.points, self._objectives, self._reference)
            self._hypervolume = max(self._hypervolume, found)
            self._stale = False
        return self._hypervolume


def _losses(points: ArrayLike, objectives: Sequence[Objective]) -> Floats:
    """The points with every axis turned so that less is better; shape (n, m), even for n = 0."""
    array = np.asarray(points, dtype=np.float64)
    if array.size == 0:
        return np.empty((0, len(objectives)))
    if array.ndim != 2 or array.shape[1] != len(objectives):
        raise ValueError(f"points of shape {array.shape} do not have a column for each of {len(objectives)}")
    signs = np.array([objective.sign for objective in objectives], dtype=np.float64)
    return array * signs


def _gains(points: ArrayLike, objectives: Sequence[Objective], reference: Sequence[float]) -> Floats:
    """How far each point beats the reference on each axis, in the units of `hypervolume`; shape (n, m)."""
    if len(reference) != len(objectives) or not np.isfinite(reference).all():
        raise ValueError(f"reference {tuple(reference)} is not {len(objectives)} finite numbers")
    units = [abs(value) if objective.sign > 0 else 1.0 for value, objective in zip(reference, objectives, strict=True)]
    if 0.0 in units:
        raise ValueError("a reference of 0 cannot measure an axis where less is better")
    gains: Floats = (_losses([reference], objectives) - _losses(points, objectives)) / units
    return gains
