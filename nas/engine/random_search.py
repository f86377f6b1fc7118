"""Random search: the baseline that every other engine has to beat (Li and Talwalkar, arXiv 1902.07638)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.encoding import decode, encode
from search_space.genotype import Genotype

from .base import Engine, EngineSettings, Proposal
from .starting import refuse_foreign
from .unseen import Unseen


class RandomSearch(Engine):
    """Proposes the initial genotypes that pass the screen, then random ones, each once. It never waits.

    Raises:
        InvalidInput: An initial genotype is not of the space.
    """

    def __init__(self, settings: EngineSettings) -> None:
        refuse_foreign(settings)
        self._settings = settings
        self._unseen = Unseen(settings)
        vectors = [encode(settings.space, genotype) for genotype in settings.initial]
        self._initial = [vector for vector in vectors if self._unseen.fresh(vector[None], ())]
        self._taken: set[bytes] = set()
        self._waiting: set[tuple[str, int]] = set()
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether the last ask found nothing new."""
        return self._exhausted

    def propose(self) -> Proposal | None:
        """The next network; None when no other can be found."""
        initial = next((vector for vector in self._initial if vector.tobytes() not in self._taken), None)
        if initial is not None:
            return Proposal(genotype=decode(self._settings.space, initial), operator="initial")
        rng = np.random.Generator(np.random.Philox(key=self._settings.seed, counter=[0, 0, 0, len(self._taken)]))
        vector = self._unseen.draw(rng, self._taken)
        self._exhausted = vector is None
        return None if vector is None else Proposal(genotype=decode(self._settings.space, vector), operator="random")

    def admit(self, proposal: Proposal) -> None:
        """Take a proposal as asked."""
        self._taken.add(encode(self._settings.space, proposal.genotype).tobytes())
        self._waiting.add((proposal.genotype.digest, proposal.rung))

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float, *, rung: int = 0) -> bool:  # noqa: ARG002
        """Take note that a proposal is done; its values change nothing, and nothing survives.

        Raises:
            ValueError: The genotype is not waiting at this rung, or has not one value for each objective.
        """
        if (genotype.digest, rung) not in self._waiting:
            raise ValueError(f"{genotype} is not waiting to be told at rung {rung}")
        if values is not None and len(values) != len(self._settings.objectives):
            raise ValueError(f"{len(values)} values for {len(self._settings.objectives)} objectives")
        self._waiting.remove((genotype.digest, rung))
        return False
