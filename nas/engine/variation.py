"""How NSGA-II draws, crosses and mutates genotypes: pymoo operators over integer vectors, canonical throughout.

An individual carries its canonical vector as `X`, its `genotype`, and the digests of its `parents`. Every random
choice is made by the generator that pymoo hands down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.core.crossover import Crossover
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mating import Mating
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.repair import Repair
from pymoo.core.sampling import Sampling

from search_space.encoding import decode, encode, upper_bounds
from search_space.genotype import Genotype
from search_space.space import SearchSpace

from .sampling import Sampler

Vectors = NDArray[np.int64]


def individuals(space: SearchSpace, genotypes: Collection[Genotype]) -> Population:
    """Return genotypes as a pymoo population, in their order, without parents."""
    return Population.new(
        X=[encode(space, genotype) for genotype in genotypes],
        genotype=list(genotypes),
        parents=[()] * len(genotypes),
    )


class InitialSampling(Sampling):  # type: ignore[misc] # pymoo is untyped
    """The initial genotypes, then random ones that pass the screen; where too few pass, the least violating."""

    def __init__(self, space: SearchSpace, sampler: Sampler, initial: tuple[Genotype, ...]) -> None:
        super().__init__()
        self._space, self._sampler, self._initial = space, sampler, initial

    def do(self, _problem: Any, n_samples: int, *_: Any, random_state: np.random.Generator, **__: Any) -> Population:
        """Draw a population of at least ``n_samples``, more where there are more initial genotypes."""
        wanted = max(n_samples, len(self._initial))
        draw = self._sampler.draw(wanted, random_state, first=self._initial)
        return individuals(self._space, draw.passing + draw.failing)


class UniformCrossover(Crossover):  # type: ignore[misc] # pymoo is untyped
    """Two children of two parents: each gene, micro or macro, is swapped or not by the toss of a coin.

    FALSR crosses at one point; a coin for each gene does not favour genes that happen to lie side by side in a
    vector, which a cell and its skips do not.
    """

    def __init__(self) -> None:
        super().__init__(n_parents=2, n_offsprings=2, prob=0.9)

    def _do(self, _problem: Any, parents: Vectors, *_: Any, random_state: np.random.Generator, **__: Any) -> Vectors:
        first, second = parents
        swap = random_state.random(first.shape) < 0.5
        return np.stack([np.where(swap, second, first), np.where(swap, first, second)])


class ResetMutation(Mutation):  # type: ignore[misc] # pymoo is untyped
    """Gives each gene another of its values with probability 1 / genes, and changes every genotype it meets.

    A change may land on a dead gene (the residual of a single repeat). Where the genotype is still the same, genes
    are reset one by one in random order until it is not: a skip, which every space has, is never dead.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(prob=1.0)
        self._space = space
        self._bounds = upper_bounds(space)
        self._free = np.flatnonzero(self._bounds)

    def _do(self, _problem: Any, vectors: Vectors, *_: Any, random_state: np.random.Generator, **__: Any) -> Vectors:
        return np.array([self._mutant(vector, random_state) for vector in vectors])

    def _mutant(self, vector: Vectors, rng: np.random.Generator) -> Vectors:
        genotype = decode(self._space, vector)
        chosen = self._free[rng.random(self._free.size) < 1 / self._free.size]
        mutant = self._reset(vector, chosen, rng)
        for gene in rng.permutation(self._free):
            if decode(self._space, mutant) != genotype:
                break
            mutant = self._reset(vector, np.array([gene]), rng)
        return mutant

    def _reset(self, vector: Vectors, genes: Vectors, rng: np.random.Generator) -> Vectors:
        """A copy in which each of the genes has another value, all others alike."""
        mutant = vector.copy()
        bounds = self._bounds[genes]
        mutant[genes] = (vector[genes] + rng.integers(1, bounds, endpoint=True)) % (bounds + 1)
        return mutant


class Canonical(Repair):  # type: ignore[misc] # pymoo is untyped
    """Gives each individual its genotype and that genotype's own vector."""

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self._space = space

    def do(self, _problem: Any, population: Population, **_: Any) -> Population:
        """Bring a population into canonical form, in place."""
        for individual in population:
            genotype = decode(self._space, individual.X)
            individual.set("genotype", genotype)
            individual.set("X", encode(self._space, genotype))
        return population


class Unseen(DuplicateElimination):  # type: ignore[misc] # pymoo is untyped
    """Keeps the first of equal genotypes, and none that the search has ever seen."""

    def __init__(self, seen: Collection[str]) -> None:
        super().__init__()
        self._seen = seen

    def _do(self, population: Population, other: Population | None, duplicate: NDArray[np.bool_]) -> Any:
        taken = set(_digests(() if other is None else other))
        for i, digest in enumerate(_digests(population)):
            duplicate[i] = digest in taken or digest in self._seen
            taken.add(digest)
        return duplicate


class Breeding(Mating):  # type: ignore[misc] # pymoo is untyped
    """pymoo's mating that lets each child remember its parents."""

    def _do(self, problem: Any, population: Population, n_offsprings: int, *_: Any, **kwargs: Any) -> Population:
        n_matings = -(-n_offsprings // self.crossover.n_offsprings)
        matings = self.selection(problem, population, n_matings, n_parents=self.crossover.n_parents, **kwargs)
        children = super()._do(problem, population, n_offsprings, parents=matings, **kwargs)
        for i, child in enumerate(children):  # the first child of every mating, then the second of every one
            child.set("parents", tuple(_digests(matings[i % n_matings])))
        return children


def _digests(population: Iterable[Any]) -> list[str]:
    return [individual.get("genotype").digest for individual in population]
