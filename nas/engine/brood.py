"""Breeds many children at once: selection, crossover and mutation over vectors, canonical at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_space.cost import Metric
from search_space.encoding import upper_bounds

from .base import EngineSettings, Vectors
from .breeding import cell_roulette, roulette_weights
from .policy import Policy
from .population import Population
from .unseen import canonical_vectors, has_cells


@dataclass(frozen=True, eq=False)
class Brood:
    """Children, none of them looked at yet.

    Attributes:
        vectors: Their canonical genes, shape (n, genes).
        operators: The kind of mutation that made each.
        parents: Digests of the parents of each, one or two.
    """

    vectors: Vectors
    operators: Sequence[str]
    parents: Sequence[tuple[str, ...]]

    def with_strangers(self, vectors: Vectors) -> Brood:
        """The children, and networks drawn at random behind them."""
        return Brood(
            np.vstack([self.vectors, vectors]),
            [*self.operators, *["random"] * len(vectors)],
            [*self.parents, *[()] * len(vectors)],
        )


class Breeder:
    """Makes children as the options say. Kinds of mutation that need cells are left out in a space without any.

    Args:
        settings: Space and options.
        policy: What proposes reinforced mutations; None where their share is 0.
    """

    def __init__(self, settings: EngineSettings, policy: Policy | None) -> None:
        self._options, self._space, self._policy = settings.options, settings.space, policy
        self._bounds = upper_bounds(settings.space)
        self._free = np.flatnonzero(self._bounds)
        shares = dict(settings.options.mutation_shares)
        if not has_cells(settings.space):
            shares = {"mutation": 1.0}
        self._kinds = [kind for kind, share in shares.items() if share > 0]
        weights = np.array([shares[kind] for kind in self._kinds])
        self._shares = weights / weights.sum()
        metrics: tuple[Metric, ...] = ("mult_adds", "params")
        self._roulettes: dict[str, NDArray[np.float64]] = {
            metric: roulette_weights(settings.space, metric) for metric in metrics if metric in self._kinds
        }

    def breed(self, population: Population, n: int, rng: np.random.Generator) -> Brood:
        """Make n children of a population that is not empty."""
        first, second = population.tournaments(n, rng), population.tournaments(n, rng)
        genes = np.array([member.vector for member in population.members])
        crossed = (rng.random(n) < self._options.crossover_share) & (first != second)
        swap = self._swaps(n, rng) & crossed[:, None]
        vectors = np.where(swap, genes[second], genes[first])
        kinds = rng.choice(len(self._kinds), size=n, p=self._shares)
        for number, kind in enumerate(self._kinds):
            rows = np.flatnonzero(kinds == number)
            vectors[rows] = self._mutated(kind, vectors[rows], rng)
        digests = [member.digest for member in population.members]
        parents = [
            (digests[a], digests[b]) if both else (digests[a],)
            for a, b, both in zip(first, second, crossed, strict=True)
        ]
        return Brood(canonical_vectors(self._space, vectors), [self._kinds[kind] for kind in kinds], parents)

    def _swaps(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which genes of each child come from its second parent, shape (n, genes)."""
        genes = self._bounds.size
        if self._options.crossover == "uniform":
            return rng.random((n, genes)) < 0.5
        micro = self._micro_genes
        cuts = np.stack([rng.integers(0, micro + 1, size=n), rng.integers(micro, genes + 1, size=n)], axis=1)
        place = np.arange(genes)
        return np.where(place < micro, place >= cuts[:, :1], place >= cuts[:, 1:])

    @property
    def _micro_genes(self) -> int:
        """Genes before the skips; half of all in a space without cells."""
        if has_cells(self._space):
            return self._bounds.size - len(self._space.possible_skips)
        return self._bounds.size // 2

    def _mutated(self, kind: str, vectors: Vectors, rng: np.random.Generator) -> Vectors:
        if kind == "mutation":
            return self._reset(vectors, rng)
        if kind == "reinforced" and self._policy is not None:
            genes = max(1, round(self._options.mutation_genes))
            rows = [self._policy.propose(vector, rng, genes=genes) for vector in vectors]
        else:
            weights = self._roulettes[kind]
            rows = [cell_roulette(self._space, vector, rng, weights=weights) for vector in vectors]
        return np.array(rows, dtype=np.int64).reshape(vectors.shape)

    def _reset(self, vectors: Vectors, rng: np.random.Generator) -> Vectors:
        """Give genes another of their values, each with the same probability, and one gene of each vector surely."""
        if not self._free.size:
            return vectors
        hit = (rng.random(vectors.shape) < self._options.mutation_genes / self._free.size) & (self._bounds > 0)
        hit[np.arange(len(vectors)), rng.choice(self._free, size=len(vectors))] |= ~hit.any(axis=1)
        moved = vectors + rng.integers(1, np.maximum(self._bounds, 1), size=vectors.shape, endpoint=True)
        return np.where(hit, moved % (self._bounds + 1), vectors)
