"""How far two rankings agree: Kendall's tau-b and its interval. Knows nothing of what is ranked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
"""Confidence of every interval."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Kendall's tau-b of two rankings.

    Attributes:
        tau: From -1 (reversed) over 0 (unrelated) to 1 (the same); None where it is not defined.
        low: Lower end of its interval at `LEVEL`; None where there is none.
        high: Upper end.
        pairs: How many items were ranked twice.
    """

    tau: float | None
    low: float | None
    high: float | None
    pairs: int


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float | None:
    """Kendall's tau-b of two equally long lists of figures: O(n^2), made for up to a few thousand.

    Pairs that are tied in either list count as neither concordant nor discordant. None with fewer than two items, or
    where all of a list are tied. An item whose figure is NaN in either list is left out.
    """
    return _concordance(first, second)[0]


def agreement(first: ArrayLike, second: ArrayLike) -> Agreement:
    """Kendall's tau-b with an interval that assumes no distribution (Samara and Randles 1988).

    The interval needs at least four items; it is cut at -1 and 1.
    """
    tau, signs = _concordance(first, second)
    n = len(signs)
    if tau is None or n < 4:
        return Agreement(tau=tau, low=None, high=None, pairs=n)
    counts = signs.sum(axis=1)
    spread = float(((counts - counts.mean()) ** 2).sum())
    variance = 2 / (n * (n - 1)) * (2 * (n - 2) / (n * (n - 1) ** 2) * spread + 1 - tau**2)
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * math.sqrt(max(0.0, variance))
    return Agreement(tau=tau, low=max(-1.0, tau - reach), high=min(1.0, tau + reach), pairs=n)


def _concordance(first: ArrayLike, second: ArrayLike) -> tuple[float | None, NDArray[np.float64]]:
    """Tau-b, and for every two items 1 where both lists order them alike, -1 where they do not, 0 at a tie."""
    both = np.stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)])
    a, b = both[:, ~np.isnan(both).any(axis=0)]
    orders_a, orders_b = (np.sign(np.subtract.outer(x, x)) for x in (a, b))
    signs = orders_a * orders_b
    untied = math.sqrt(float(np.abs(orders_a).sum()) * float(np.abs(orders_b).sum()))
    return (float(signs.sum()) / untied if untied else None), signs
