"""Genotypes that a search has not seen yet, drawn at random. What engines have in common; knows no optimiser."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from .base import EngineSettings

TRIES = 10_000
"""Random genotypes looked at before giving up: one in a thousand is found all but surely, in about a second."""

ENUMERABLE = 20_000
"""Spaces of up to this many genotypes are listed once random tries find no more, so none of them is missed."""


@dataclass(frozen=True)
class Draw:
    """Unseen genotypes that are all different.

    Attributes:
        passing: Those that pass the screen, in the order found.
        failing: The least violating others, best first: as many as are missing, at most.
    """

    passing: tuple[Genotype, ...]
    failing: tuple[Genotype, ...]


class Sampler:
    """Draws genotypes of a space by rejection, and remembers which of them were admitted to the search.

    Raises:
        InvalidInput: An initial genotype is not of the space; names everything that is wrong with each.
    """

    def __init__(self, settings: EngineSettings) -> None:
        problems = list(_foreign(settings))
        if problems:
            raise InvalidInput(problems, f"Start from genotypes of the space {settings.space.name}.")
        self._space = settings.space
        self._screen = settings.screen
        self._seen: set[str] = set()
        self._listed: list[Genotype] | None = None

    @property
    def seen(self) -> Collection[str]:
        """Digests of the genotypes admitted so far."""
        return self._seen

    def admit(self, genotype: Genotype) -> None:
        """Remember a genotype, so that it is never drawn again."""
        self._seen.add(genotype.digest)

    def draw(self, n: int, rng: np.random.Generator, *, first: Iterable[Genotype] = ()) -> Draw:
        """Find up to n unseen genotypes that pass the screen, without admitting them.

        Args:
            n: How many are wanted, at least 1.
            rng: Source of randomness.
            first: Genotypes to look at before random ones; an iterator is left where the search ended.
        """
        passing: dict[str, Genotype] = {}
        failing: dict[str, tuple[float, Genotype]] = {}
        for genotype in chain(first, self._random(rng), self._remaining(rng)):
            digest = genotype.digest
            if digest in self._seen or digest in passing or digest in failing:
                continue
            violation = self._screen(genotype)
            if violation > 0:
                failing[digest] = (violation, genotype)
                continue
            passing[digest] = genotype
            if len(passing) == n:
                break
        nearest = sorted(failing.values(), key=lambda pair: pair[0])[: n - len(passing)]
        return Draw(tuple(passing.values()), tuple(genotype for _, genotype in nearest))

    def _random(self, rng: np.random.Generator) -> Iterator[Genotype]:
        if self._listed is None:
            tries = min(TRIES, self._space.distinct_size)
            yield from (self._space.sample(rng) for _ in range(tries))

    def _remaining(self, rng: np.random.Generator) -> Iterator[Genotype]:
        """Every unseen genotype of a small space, in random order; from then on the list replaces random tries."""
        if self._space.distinct_size > ENUMERABLE:
            return
        if self._listed is None:
            every = list(self._space.enumerate())
            self._listed = [every[i] for i in rng.permutation(len(every))]
        self._listed = [genotype for genotype in self._listed if genotype.digest not in self._seen]
        yield from self._listed


def _foreign(settings: EngineSettings) -> Iterator[Problem]:
    for i, genotype in enumerate(settings.initial):
        for problem in settings.space.explain(genotype):
            yield Problem(f"initial[{i}].{problem.field}", problem.value, problem.allowed)
