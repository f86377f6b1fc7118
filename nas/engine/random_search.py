"""Random search: the baseline that every other engine has to beat (Li and Talwalkar, arXiv 1902.07638)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.genotype import Genotype

from .base import EngineSettings, Proposal
from .sampling import Sampler


class RandomSearch:
    """Proposes the initial genotypes that pass the screen, then random ones, each once. It never waits.

    Raises:
        InvalidInput: An initial genotype is not of the space.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._sampler = Sampler(settings)
        self._rng = np.random.default_rng(settings.seed)
        self._initial = iter(settings.initial)
        self._initial_digests = {genotype.digest for genotype in settings.initial}
        self._waiting: set[str] = set()
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether the last ask found nothing new."""
        return self._exhausted

    def ask(self) -> Proposal | None:
        """The next genotype, or None when no other can be found."""
        if self._exhausted:
            return None
        found = self._sampler.draw(1, self._rng, first=self._initial).passing
        if not found:
            self._exhausted = True
            return None
        (genotype,) = found
        self._sampler.admit(genotype)
        self._waiting.add(genotype.digest)
        initial = genotype.digest in self._initial_digests
        return Proposal(genotype=genotype, operator="initial" if initial else "random")

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float) -> None:  # noqa: ARG002
        """Take note that a proposal is done; its values change nothing.

        Raises:
            ValueError: The genotype was never proposed, or was told before.
        """
        if genotype.digest not in self._waiting:
            raise ValueError(f"{genotype} is not waiting to be told")
        self._waiting.remove(genotype.digest)
