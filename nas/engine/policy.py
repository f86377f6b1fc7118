"""The reinforced mutation of FALSR (arXiv 1901.07261): a policy over genes that learns from evaluated candidates.

Knows vectors and rewards, no scores and no population. The paper says that a recurrent controller over the cells, with
heads for the connections, proposes the mutated genes and is trained by REINFORCE; sizes and schedule are ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search_space.encoding import upper_bounds
from search_space.space import SearchSpace

from .recurrent import NONE, Floats, Integers, RecurrentNetwork

BATCH = 8
"""Candidates learned from in one step of the optimiser."""

MEMORY = 0.95
"""Share of the moving baseline that a new reward leaves as it was."""


class Policy:
    """Proposes mutations, and is told what candidates were worth.

    Its state depends on nothing but its construction and the sequence of calls of `learn`: `propose` leaves it alone.
    A policy that has learned nothing gives all values of a gene the same chance.

    Args:
        space: What the vectors are of; genes with one value are left alone.
        seed: Of the network's first weights.
        rate: Step size of Adam.
        entropy: Weight of the entropy of the genes' chances, in the unit of rewards: it keeps the policy curious.
    """

    def __init__(self, space: SearchSpace, *, seed: int, rate: float, entropy: float) -> None:
        counts = upper_bounds(space) + 1
        n_micro = counts.size - len(space.possible_skips)
        micro = np.flatnonzero(counts[:n_micro] > 1)
        self._genes = np.concatenate([micro, np.arange(n_micro, counts.size)])
        self._cell_of = np.concatenate([micro // len(space.cell_choices), np.full(len(space.possible_skips), -1)])
        self._n_cells = space.n_cells
        self._network = RecurrentNetwork(counts[micro], counts[n_micro:], np.random.default_rng(seed))
        self._optimiser = _Adam(self._network.weights, rate)
        self._entropy = entropy
        self._baseline: float | None = None
        self._batch: list[tuple[Integers, Integers, float]] = []

    def propose(self, parent: NDArray[np.int64], rng: np.random.Generator, *, genes: float) -> NDArray[np.int64]:
        """Return a mutant: some genes of one random cell, and some skips, are drawn from the policy.

        Which genes is left to chance, half of them in the cell and half among the skips as far as there are so many;
        a draw may be the value that the parent has. Where all are, the policy picks one gene and another value for it,
        likelier the more it would rather have that value. At least one gene changes: perhaps to no effect, as a
        residual over one repeat.

        Args:
            parent: Integers of shape (genes,), within the bounds of the space.
            rng: Source of randomness.
            genes: Expected number of genes to draw, above 0.
        """
        present = parent[self._genes]
        groups = self._cell_of == rng.integers(self._n_cells), self._cell_of == -1
        share = sum(group * (genes / 2 / max(group.sum(), 1)) for group in groups)
        marked = rng.random(present.size) < share
        chosen, chances = self._network.redraw(present, marked, rng.random(present.size))
        if np.array_equal(chosen, present):
            chosen = _another(present, chances * np.logical_or(*groups)[:, None], rng)
        child = parent.copy()
        child[self._genes] = chosen
        return child

    def learn(self, vector: NDArray[np.int64], parent: NDArray[np.int64] | None, reward: float) -> None:
        """Take note of an evaluated candidate, whoever proposed it; every `BATCH` of them change the policy.

        Args:
            vector: The candidate, integers of shape (genes,), within the bounds of the space.
            parent: What it was bred from, of the same shape; None where it has no parent.
            reward: What it was worth, from -1 to 1; a moving average of earlier rewards is what was expected.

        Raises:
            ValueError: The reward is out of range, or NaN.
        """
        if not -1 <= reward <= 1:
            raise ValueError(f"a reward of {reward} is not from -1 to 1")
        expected = reward if self._baseline is None else self._baseline
        self._baseline = MEMORY * expected + (1 - MEMORY) * reward
        present = np.full(self._genes.size, NONE) if parent is None else parent[self._genes]
        self._batch.append((present, vector[self._genes], reward - expected))
        if len(self._batch) == BATCH:
            presents, chosens, advantages = zip(*self._batch, strict=True)
            self._batch.clear()
            batch = np.stack(presents, axis=1), np.stack(chosens, axis=1), np.array(advantages)
            self._optimiser.climb(self._network.gradient(*batch, self._entropy))


def _another(present: Integers, chances: Floats, rng: np.random.Generator) -> Integers:
    """Present values with one of them changed, by the chances of all other values of all genes together."""
    chances[np.arange(present.size), present] = 0.0
    cumulative = chances.cumsum()
    picked = int((cumulative > rng.random() * cumulative[-1]).argmax())
    chosen = present.copy()
    chosen[picked // chances.shape[1]] = picked % chances.shape[1]
    return chosen


class _Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980) uphill, with its usual constants."""

    def __init__(self, weights: Floats, rate: float) -> None:
        self._weights, self._rate = weights, rate
        self._mean, self._square = np.zeros_like(weights), np.zeros_like(weights)
        self._steps = 0

    def climb(self, gradient: Floats) -> None:
        """Change the weights in place."""
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        mean = self._mean / (1 - 0.9**self._steps)
        square = self._square / (1 - 0.999**self._steps)
        self._weights += self._rate * mean / (np.sqrt(square) + 1e-8)
