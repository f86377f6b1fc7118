"""How far the figures of a search reach, before anything is trained: what its constraints may ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from evaluator.cost import overhead
from search_space.batch import Vectors, canonical
from search_space.cost import LR_PIXELS, cost_range
from search_space.cost import Metric as CostMetric
from search_space.encoding import encode, upper_bounds
from search_space.space import SearchSpace
from search_space.spaces import get_space

from .latency import Latencies, profile_of
from .objectives import METRICS, Source
from .spec import SearchSpec

SCORES: Mapping[str, tuple[float, float]] = {
    "psnr": (0, 100),
    "ssim": (-1, 1),
    "fsds": (-math.inf, 100),
    "fsds_si": (-math.inf, 100),
}
"""Lowest and highest score of any image; decibels are capped when they are averaged."""

LISTED = 20_000
"""Latencies are predicted for every network of a space of up to so many."""

STARTS = 256
"""Networks drawn in a larger space; its fastest and its slowest are sought from the best of them."""

MULT_ADDS_PER_MS = 5e6
"""A rate that few devices stay below: small networks on one core of a server reach four times as much."""


@dataclass(frozen=True)
class Reach:
    """The least and the largest figure of a metric, natural units.

    Attributes:
        low: The least.
        high: The largest.
        certain: Whether no network lies beyond them.
    """

    low: float
    high: float
    certain: bool = True


def reach(spec: SearchSpec, metric: str) -> Reach:
    """How far the networks of a spec's space reach under its recipe; scores reach as far as any image does.

    The largest latency that is measured is that of the dearest network at a nominal rate, which takes the place of a
    bound that nobody knows: it is far off on a GPU.
    """
    source = METRICS[metric].source
    if source is Source.TRAINING:
        return Reach(*SCORES[metric])
    if source is Source.GENOTYPE:
        return _costs(spec, metric)
    profile = profile_of(spec)
    return _nominal(spec) if profile is None else _predicted(get_space(spec.space), Latencies(spec, profile))


def _costs(spec: SearchSpec, metric: str) -> Reach:
    added = overhead(spec.recipe, scale=spec.scale, channels=spec.channels) if metric == "mult_adds" else 0
    space = get_space(spec.space)
    low, high = cost_range(space, cast(CostMetric, metric), scale=spec.scale, channels=spec.channels)
    return Reach(low + added, high + added)


def _nominal(spec: SearchSpec) -> Reach:
    target = spec.latency_target
    if target is None:
        raise ValueError("this search finds no latency")
    share = target.lr_width * target.lr_height / LR_PIXELS
    return Reach(0.0, _costs(spec, "mult_adds").high * share / MULT_ADDS_PER_MS, certain=False)


def _predicted(space: SearchSpace, latencies: Latencies) -> Reach:
    """Exact in a space small enough to be listed.

    In a larger one both ends are sought by changing a gene at a time, from the best of a sample, until no change helps.
    """
    if space.distinct_size <= LISTED:
        found = latencies(np.array([encode(space, genotype) for genotype in space.enumerate()]))
        return Reach(float(found.min()), float(found.max()))
    low, high = (_extreme(space, latencies, sign) for sign in (1, -1))
    return Reach(low, high, certain=False)


def _extreme(space: SearchSpace, latencies: Latencies, sign: int) -> float:
    """A latency from which no single change of a gene leads to a lesser one, or with the sign -1 to a larger one."""
    bounds, rng = upper_bounds(space), np.random.default_rng(0)
    drawn = rng.integers(0, bounds, size=(STARTS, bounds.size), endpoint=True)
    vectors, best = canonical(space, np.vstack([drawn, np.zeros_like(bounds), bounds])), math.inf
    while (found := sign * latencies(vectors)).min() < best:
        best = float(found.min())
        vectors = canonical(space, _neighbours(vectors[found.argmin()], bounds))
    return sign * best


def _neighbours(vector: NDArray[np.int64], bounds: NDArray[np.int64]) -> Vectors:
    """Every vector that differs in one gene, shape (n, genes)."""
    genes = np.repeat(np.arange(bounds.size), bounds)
    found = np.repeat(vector[None], len(genes), axis=0)
    shifts = np.concatenate([np.arange(1, bound + 1) for bound in bounds])
    rows = np.arange(len(genes))
    found[rows, genes] = (vector[genes] + shifts) % (bounds[genes] + 1)
    return found
