"""Trainings that give members of the final front another seed: which were asked for, which are missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from search_space.genotype import Genotype

from .records import Candidate

CONFIRMATION = "confirmation"
"""The operator of such a training."""


class Confirmations:
    """What was asked for of the confirmations of one search.

    Args:
        seeds: From how many seeds a member of the final front is trained, the search's own among them.
        log: Every candidate of the search so far.
    """

    def __init__(self, seeds: int, log: Iterable[Candidate]) -> None:
        self._seeds = seeds
        self._asked: dict[tuple[str, int], int] = {}
        for candidate in log:
            if candidate.replicate:
                self.add(candidate)

    def add(self, candidate: Candidate) -> None:
        """Note one that was asked for."""
        self._asked[candidate.genotype.digest, candidate.replicate] = candidate.ordinal

    def in_flight(self, log: Mapping[int, Candidate]) -> int:
        """How many were asked for and not told."""
        return sum(log[ordinal].told_ordinal is None for ordinal in self._asked.values())

    def missing(self, front: Iterable[Candidate]) -> tuple[Genotype, int] | None:
        """A member of a front, and the number of a seed from which it was not trained; None when there is none."""
        wanted = ((member.genotype, number) for member in front for number in range(1, self._seeds))
        return next(((g, n) for g, n in wanted if (g.digest, n) not in self._asked), None)
