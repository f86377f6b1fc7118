"""NSGA-II (Deb et al. 2002), asynchronous and steady, as the engine of a search.

A child is bred from the population as it is whenever one is asked for, so no worker ever waits for another, and every
outcome takes its place, or not, by (mu + 1) survival.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_space.genotype import Genotype

from .base import Engine, EngineSettings, Proposal
from .lineage import Lineage, place_of
from .starting import refuse_foreign


class Nsga2(Engine):
    """Proposes a first population, then children of whatever survived.

    The first population is the initial genotypes that pass the screen, then as many others as make up its size, by the
    option `start`. Where no outcome is known when they are out, or no child is new, networks are drawn at random.

    Raises:
        InvalidInput: An initial genotype is not of the space.
    """

    def __init__(self, settings: EngineSettings) -> None:
        refuse_foreign(settings)
        self._lineage = Lineage(settings)
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether an ask found neither a child nor a random network that is new and passes the screen."""
        return self._exhausted

    def propose(self) -> Proposal | None:
        """The next network; None when there is no other."""
        lineage = self._lineage
        proposal = lineage.start(lineage.taken) or lineage.child(len(lineage.taken), lineage.taken, lineage.in_flight)
        self._exhausted = proposal is None
        return proposal

    def admit(self, proposal: Proposal) -> None:
        """Take a proposal as asked."""
        self._lineage.admit(proposal)

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float, *, rung: int = 0) -> bool:
        """Note what became of a proposal; values that are not finite count as a failure.

        Raises:
            ValueError: The genotype is not waiting at this rung, or has not one value for each objective.
        """
        told = self._lineage.told(genotype, values, violation, rung)
        self._lineage.absorb([told])
        return place_of(told, self._lineage.population) is not None
