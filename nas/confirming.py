"""Trainings that give members of the final front another seed: which were asked for, which are missing. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from search_space.genotype import Genotype

from .records import Candidate, Search
from .tally import Tally

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


def in_hindsight(search: Search, log: Sequence[Candidate]) -> Iterator[tuple[Candidate, tuple[Genotype, int] | None]]:
    """Every confirmation of a log, beside the network and the seed that were missing when it was asked for.

    None is asked for before all that the engine had proposed is told, so the front of then follows from the log.

    Args:
        search: Whose log.
        log: Every candidate of the search.
    """
    spec = search.spec
    tally = Tally(spec.objective_values, search.reference_point, top_rung=spec.recipe.rungs - 1)
    asked = Confirmations(spec.front_seeds, ())
    told = (c for c in log if not c.replicate and c.told_ordinal is not None)
    waiting = deque(sorted(told, key=lambda candidate: candidate.told_ordinal or 0))
    for candidate in sorted((c for c in log if c.replicate), key=lambda candidate: candidate.ordinal):
        while waiting and waiting[0].ordinal < candidate.ordinal:
            tally.add(waiting.popleft(), in_flight=0)
        yield candidate, asked.missing(tally.front)
        asked.add(candidate)
