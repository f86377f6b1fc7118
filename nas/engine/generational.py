"""NSGA-II by generation, as FALSR has it: bred from one population, and absorbed once all of it was told.

The dearest network of a generation is dispatched first, so that workers do not wait long for the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.encoding import encode
from search_space.genotype import Genotype

from .base import Engine, EngineSettings, Proposal
from .lineage import Lineage, Told, place_of
from .starting import COST, refuse_foreign


class Generational(Engine):
    """Proposes the first population, then generations of as many children as the population has members.

    In the middle of a generation it can be derived anew, from what was known when it began: a search that goes on from
    its log needs no more than the log.

    Raises:
        InvalidInput: An initial genotype is not of the space.
    """

    def __init__(self, settings: EngineSettings) -> None:
        refuse_foreign(settings)
        self._settings = settings
        self._lineage = Lineage(settings)
        self._admitted: set[bytes] = set()  # of this generation
        self._told: list[Told] = []  # of this generation, in the order of the tells
        self._generation: dict[bytes, Proposal] | None = None  # whole, by vector, once it was derived
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether a generation could not be begun: nothing is left that is new and passes the screen."""
        return self._exhausted

    def propose(self) -> Proposal | None:
        """The next of this generation, dearest first; None until all of it was told, or when nothing is left."""
        self._close_generation()
        generation = self._whole_generation()
        self._exhausted = not generation
        return next((proposal for key, proposal in generation.items() if key not in self._admitted), None)

    def admit(self, proposal: Proposal) -> None:
        """Take a proposal as asked."""
        key = self._bytes(proposal)
        comes_back = key in self._lineage.taken
        if not comes_back:
            self._close_generation()
            self._admitted.add(key)
        self._lineage.admit(proposal)

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float, *, rung: int = 0) -> bool:
        """Note what became of a proposal; values that are not finite count as a failure.

        Returns:
            Whether it is among the best of the population and of what was told since its generation began.

        Raises:
            ValueError: The genotype is not waiting at this rung, or has not one value for each objective.
        """
        told = self._lineage.told(genotype, values, violation, rung)
        self._told.append(told)
        return place_of(told, self._lineage.population_with(self._told)) is not None

    def _close_generation(self) -> None:
        """Absorb a generation that is out and told whole, in whatever order; then the next can begin."""
        if self._lineage.waiting or len(self._admitted) < max(1, len(self._whole_generation())):
            return
        self._lineage.absorb(sorted(self._told, key=lambda told: (told.digest, told.rung)))
        self._admitted, self._told, self._generation = set(), [], None

    def _whole_generation(self) -> dict[bytes, Proposal]:
        """The present generation as it was derived when it began: the initial genotypes, then the dearest first."""
        if self._generation is None:
            taken = self._lineage.taken - self._admitted
            generation = self._first(set(taken)) or self._bred(set(taken))
            self._generation = {self._bytes(proposal): proposal for proposal in self._dearest_first(generation)}
        return self._generation

    def _first(self, taken: set[bytes]) -> list[Proposal]:
        generation: list[Proposal] = []
        while (proposal := self._lineage.start(taken)) is not None:
            generation.append(proposal)
            taken.add(self._bytes(proposal))
        return generation

    def _bred(self, taken: set[bytes]) -> list[Proposal]:
        generation: list[Proposal] = []
        chosen = np.empty((0, len(self._settings.space.genes)), dtype=np.int64)
        while len(generation) < self._settings.population:
            proposal = self._lineage.child(len(taken), taken, chosen)
            if proposal is None:
                break
            generation.append(proposal)
            vector = encode(self._settings.space, proposal.genotype)
            taken.add(vector.tobytes())
            chosen = np.vstack([chosen, vector])
        return generation

    def _dearest_first(self, generation: list[Proposal]) -> list[Proposal]:
        vectors = np.array([encode(self._settings.space, proposal.genotype) for proposal in generation], dtype=np.int64)
        costs = self._settings.known(vectors).get(COST) if generation else None
        if costs is None:
            return generation
        dearest = sorted(zip(generation, costs, strict=True), key=lambda pair: -pair[1])
        initial = [proposal for proposal in generation if proposal.operator == "initial"]
        return [*initial, *(proposal for proposal, _ in dearest if proposal.operator != "initial")]

    def _bytes(self, proposal: Proposal) -> bytes:
        return encode(self._settings.space, proposal.genotype).tobytes()
