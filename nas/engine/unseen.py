"""Networks that a search has not looked at, drawn at random. Knows no optimiser and remembers nothing of a search."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from search_space.batch import canonical
from search_space.encoding import encode, upper_bounds
from search_space.space import SearchSpace

from .base import EngineSettings, Vectors

BATCH = 64
"""Random vectors looked at together."""

BATCHES = 8
"""Batches looked at before a search for passing networks is begun at the least violating one."""

CLIMBS = 400
"""Rounds of that search."""

ENUMERABLE = 20_000
"""Spaces of up to this many genotypes are listed where random draws find nothing, so none of them is missed."""


def has_cells(space: SearchSpace) -> bool:
    """Whether a space is one of cells and skips, rather than a plain table of genes that stands in for one."""
    return isinstance(space, SearchSpace)


def canonical_vectors(space: SearchSpace, vectors: Vectors) -> Vectors:
    """The canonical form of vectors; a space without cells has no other."""
    return canonical(space, vectors) if has_cells(space) else vectors


class Unseen:
    """Draws vectors of a space that pass the screen.

    Args:
        settings: Space, known figures and screen.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._bounds = upper_bounds(settings.space)

    def violations(self, vectors: Vectors) -> NDArray[np.float64]:
        """How far each vector is from passing the screen, shape (n,); 0 passes."""
        screen = self._settings.screen
        if screen is None or not len(vectors):
            return np.zeros(len(vectors))
        return screen(self._settings.known(vectors))

    def fresh(self, vectors: Vectors, taken: Collection[bytes]) -> list[int]:
        """Which of canonical vectors are new, each once, and pass the screen; in their order."""
        passing = self.violations(vectors) == 0.0
        found: dict[bytes, int] = {}
        for i, vector in enumerate(vectors):
            key = vector.tobytes()
            if passing[i] and key not in taken:
                found.setdefault(key, i)
        return list(found.values())

    def random(self, n: int, rng: np.random.Generator) -> Vectors:
        """Canonical vectors whose genes are drawn uniformly, shape (n, genes)."""
        drawn = rng.integers(0, self._bounds, size=(n, self._bounds.size), endpoint=True)
        return canonical_vectors(self._settings.space, drawn)

    def draw(self, rng: np.random.Generator, taken: Collection[bytes]) -> NDArray[np.int64] | None:
        """One vector that is not taken and passes the screen; None when none can be found."""
        nearest: tuple[float, NDArray[np.int64]] | None = None
        for _ in range(BATCHES):
            vectors = self.random(BATCH, rng)
            fresh = self.fresh(vectors, taken)
            if fresh:
                return _row(vectors, fresh[0])
            violations = self.violations(vectors)
            best = int(violations.argmin())
            if nearest is None or violations[best] < nearest[0]:
                nearest = (float(violations[best]), vectors[best])
        if self._settings.space.distinct_size <= ENUMERABLE:
            left = self.fresh(self._every, taken)
            return self._every[left[int(rng.integers(len(left)))]] if left else None
        assert nearest is not None
        return self._climb(nearest[1], rng, taken)

    def strangers(self, n: int, rng: np.random.Generator, taken: Collection[bytes]) -> Vectors:
        """Up to n vectors that are not taken, of a space small enough to be listed; none of a larger one.

        There they are too few to matter; here they let a surrogate look past what the population can breed.
        """
        if self._settings.space.distinct_size > ENUMERABLE:
            return np.empty((0, self._bounds.size), dtype=np.int64)
        left = self.fresh(self._every, taken)
        return self._every[rng.permutation(left)[:n]] if left else self._every[:0]

    def _climb(
        self, vector: NDArray[np.int64], rng: np.random.Generator, taken: Collection[bytes]
    ) -> NDArray[np.int64] | None:
        """Change a few genes at a time, never away from the screen, until a new vector passes."""
        violation = float(self.violations(vector[None])[0])
        for _ in range(CLIMBS):
            children = np.repeat(vector[None], BATCH, axis=0)
            hit = rng.random(children.shape) < 2 / self._bounds.size
            children = np.where(hit, rng.integers(0, self._bounds, size=children.shape, endpoint=True), children)
            children = canonical_vectors(self._settings.space, children)
            fresh = self.fresh(children, taken)
            if fresh:
                return _row(children, fresh[0])
            violations = self.violations(children)
            best = int(violations.argmin())
            if violations[best] <= violation:
                vector, violation = children[best], float(violations[best])
        return None

    @cached_property
    def _every(self) -> Vectors:
        return _listed(self._settings.space)


@lru_cache(maxsize=4)
def _listed(space: SearchSpace) -> Vectors:
    """Every vector of a space, shape (n, genes); read-only, for all engines of a process share it."""
    vectors = np.array([encode(space, genotype) for genotype in space.enumerate()])
    vectors.flags.writeable = False
    return vectors


def _row(vectors: Vectors, i: int) -> NDArray[np.int64]:
    row: NDArray[np.int64] = vectors[i]
    return row
