"""The figures of networks that need no training: their costs, and their latency where a profile predicts it.

Knows how a search's constraints judge them, and nothing of engines, stores or workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evaluator.cost import costs, overhead
from search_space.batch import BatchCosts, Vectors
from search_space.encoding import encode
from search_space.genotype import Genotype
from search_space.spaces import get_space

from .latency import Latencies, known_latency, profile_of
from .spec import SearchSpec

Floats = NDArray[np.float64]

DRAWS = 300
"""Networks drawn: Kendall's tau is then known to about 0.001 near 1, in a tenth of a second."""

FEWEST = 30
"""Feasible networks that something is told of; with fewer of them, it is told of all that were drawn."""


def known_figures(spec: SearchSpec, genotype: Genotype) -> dict[str, float]:
    """One network's figures by column, as it is deployed: what the recipe wraps around it is counted."""
    found = costs(genotype, spec.recipe, scale=spec.scale, channels=spec.channels)
    figures: dict[str, float] = {"params": found.params, "mult_adds": found.mult_adds}
    latency_ms = known_latency(spec, genotype)
    return figures if latency_ms is None else figures | {"latency_ms": latency_ms}


class KnownFigures:
    """The same figures of many networks at once.

    Args:
        spec: A search.
    """

    def __init__(self, spec: SearchSpec) -> None:
        self._count = BatchCosts(get_space(spec.space), scale=spec.scale, channels=spec.channels)
        self._overhead = overhead(spec.recipe, scale=spec.scale, channels=spec.channels)
        profile = profile_of(spec)
        self._latencies = None if profile is None else Latencies(spec, profile)

    def __call__(self, vectors: Vectors) -> dict[str, Floats]:
        """Figures by column, each of shape (n,), of gene vectors of shape (n, genes)."""
        params, mult_adds = self._count(vectors)
        figures = {"params": params.astype(np.float64), "mult_adds": (mult_adds + self._overhead).astype(np.float64)}
        return figures if self._latencies is None else figures | {"latency_ms": self._latencies(vectors)}


def violations(spec: SearchSpec, figures: Mapping[str, Floats]) -> Floats:
    """Violation of the constraints on known figures, as `objectives.total_violation` adds it up for one network."""
    total = np.zeros(next(iter(figures.values())).shape)
    for constraint in spec.constraint_values:
        if constraint.column in figures:
            total += [constraint.violation(value) for value in figures[constraint.column].tolist()]
    return total


def drawn_figures(spec: SearchSpec) -> Mapping[str, Floats]:
    """Known figures of networks that a search may train, by column, each of shape (n,): always the same networks.

    They are drawn evenly from its space; those that break a constraint on known figures are left out, unless fewer
    than 30 of 300 keep them all.
    """
    figures = KnownFigures(spec)(_drawn(spec.space))
    feasible = violations(spec, figures) == 0.0
    return {name: column[feasible] for name, column in figures.items()} if feasible.sum() >= FEWEST else figures


@cache
def _drawn(name: str) -> Vectors:
    """Gene vectors of random networks of a space, of shape (300, genes); it takes a tenth of a second to draw them."""
    space, rng = get_space(name), np.random.default_rng(0)
    vectors = np.array([encode(space, space.sample(rng)) for _ in range(DRAWS)])
    vectors.flags.writeable = False
    return vectors
