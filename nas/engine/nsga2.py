"""NSGA-II (Deb et al. 2002), by pymoo's ask and tell, as the engine of a search. FALSR searches with it.

pymoo lives in generations: a generation is handed out one proposal at a time, and when the last of it was told, in
whatever order, pymoo selects the survivors and breeds the next.

Genotypes that fail the screen are settled here, untrained: they are told to pymoo as infeasible by their violation,
so that a search that starts far outside its constraints breeds its way in. While some children pass, more are bred
until they make a full generation.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.operators.selection.tournament import TournamentSelection

from search_space.encoding import upper_bounds
from search_space.genotype import Genotype

from .base import EngineSettings, Proposal
from .sampling import Sampler
from .variation import (
    Breeding,
    Canonical,
    InitialSampling,
    ResetMutation,
    UniformCrossover,
    Unseen,
    individuals,
)

FAILED = 1e6
"""Violation of a failed candidate, and the most that any other can have: below every candidate with scores."""

WORST = 1e12
"""Objective, signed so that less is better, of a candidate without scores. Selection never looks at it."""

MATINGS = 3
"""Rounds of mating in which pymoo replaces children that the search has seen."""

BREEDINGS = 10
"""Most times that pymoo is asked for children to fill one generation with some that pass the screen."""

SETTLED_GENERATIONS = 100
"""Generations in a row in which nothing passes the screen, before the engine gives up."""


class Nsga2:
    """Proposes generations that NSGA-II breeds from all it was told.

    The first generation is the initial genotypes and then random ones, `population` in all, or as many as there are
    initial ones if these are more. Later ones are bred; where no child is new, as at the end of a small space, a
    generation is drawn at random from what is left.

    Raises:
        InvalidInput: An initial genotype is not of the space.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._sampler = Sampler(settings)
        self._initial = {genotype.digest for genotype in settings.initial}
        self._algorithm = _algorithm(settings, self._sampler)
        self._generation: list[Any] = []
        self._queue: deque[Any] = deque()
        self._waiting: dict[str, Any] = {}
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether an ask found neither a child nor a random genotype that is new and passes the screen."""
        return self._exhausted

    def ask(self) -> Proposal | None:
        """The next of this generation, or None until all of it was told."""
        if not (self._queue or self._waiting or self._exhausted):
            self._next_generation()
        if not self._queue:
            return None
        individual = self._queue.popleft()
        genotype, parents = individual.get("genotype", "parents")
        self._waiting[genotype.digest] = individual
        return Proposal(genotype=genotype, operator=self._operator(genotype, parents), parents=parents)

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float) -> None:
        """Note what became of a proposal. Values that are not finite count as a failure.

        Raises:
            ValueError: The genotype is not waiting to be told, or has not one value for each objective.
        """
        if genotype.digest not in self._waiting:
            raise ValueError(f"{genotype} is not waiting to be told")
        if values is not None and len(values) != len(self._settings.objectives):
            raise ValueError(f"{len(values)} values for {len(self._settings.objectives)} objectives")
        individual = self._waiting.pop(genotype.digest)
        if values is None or not all(map(math.isfinite, values)):
            self._settle(individual, None, FAILED)
        else:
            self._settle(individual, values, violation)

    def _next_generation(self) -> None:
        for _ in range(SETTLED_GENERATIONS):
            if self._generation:
                self._algorithm.tell(infills=Population(self._generation))
            self._generation = self._breed() or self._draw()
            if self._queue or not self._generation:
                break
        self._exhausted = not self._queue

    def _breed(self) -> list[Any]:
        """Ask pymoo until a generation's worth passes the screen, or nothing of what it breeds does."""
        started = self._algorithm.is_initialized
        limit = self._settings.population if started else max(self._settings.population, len(self._initial))
        generation: list[Any] = []
        for _ in range(BREEDINGS if started else 1):
            before = len(self._queue)
            bred = self._algorithm.ask()  # None if there is no new child
            generation += [] if bred is None else self._admit(bred, limit)
            if len(self._queue) in (before, limit):
                break
        return generation

    def _draw(self) -> list[Any]:
        population = self._settings.population
        found = self._sampler.draw(population, self._algorithm.random_state).passing
        return self._admit(individuals(self._settings.space, found), population)

    def _admit(self, newcomers: Iterable[Any], limit: int) -> list[Any]:
        """Queue those that pass the screen, up to the limit; settle the others; return them all."""
        admitted = []
        for individual in newcomers:
            if len(self._queue) == limit:
                break
            genotype = individual.get("genotype")
            self._sampler.admit(genotype)
            admitted.append(individual)
            violation = self._settings.screen(genotype)
            if violation > 0:
                self._settle(individual, None, violation)
            else:
                self._queue.append(individual)
        return admitted

    def _settle(self, individual: Any, values: Sequence[float] | None, violation: float) -> None:
        """Give an individual its objectives and its violation, as pymoo reads them."""
        objectives = self._settings.objectives
        if values is None:
            individual.F = np.full(len(objectives), WORST)
        else:
            individual.F = np.array([o.sign * value for o, value in zip(objectives, values, strict=True)])
        individual.G = np.array([violation if violation < FAILED else FAILED])  # NaN and infinity included

    def _operator(self, genotype: Genotype, parents: tuple[str, ...]) -> str:
        if parents:
            return "variation"
        return "initial" if genotype.digest in self._initial else "random"


def _algorithm(settings: EngineSettings, sampler: Sampler) -> NSGA2:
    """NSGA-II of pymoo with our operators, ready to be asked. It never ends of itself."""
    unseen, canonical = Unseen(sampler.seen), Canonical(settings.space)
    mating = Breeding(
        TournamentSelection(func_comp=binary_tournament),
        UniformCrossover(),
        ResetMutation(settings.space),
        repair=canonical,
        eliminate_duplicates=unseen,
        n_max_iterations=MATINGS,
    )
    algorithm = NSGA2(
        pop_size=settings.population,
        sampling=InitialSampling(settings.space, sampler, settings.initial),
        mating=mating,
        repair=canonical,
        eliminate_duplicates=unseen,
        output=None,
    )
    bounds = upper_bounds(settings.space)
    problem = Problem(
        n_var=bounds.size,
        n_obj=len(settings.objectives),
        n_ieq_constr=1,
        xl=np.zeros_like(bounds),
        xu=bounds,
        vtype=int,
    )
    algorithm.setup(problem, seed=settings.seed, termination=_Endless())
    return algorithm


class _Endless(NoTermination):  # type: ignore[misc] # pymoo is untyped
    """Never ends, not even after a mating without new children, for which pymoo would give up."""

    def update(self, _algorithm: object) -> float:
        return 0.0
