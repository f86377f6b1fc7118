"""Who is in the population: survival by rung, feasibility, non-dominated rank and crowding (Deb et al. 2002).

Non-dominated sorting and crowding distances are pymoo's. Constraints go by the rules of the same paper: feasible before
infeasible, less violation before more. A member of a higher rung stands before every one of a lower rung, because
values of different rungs are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

Losses = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """A network that was told, as selection sees it.

    Attributes:
        digest: Of its genotype.
        vector: Its genes, shape (genes,).
        losses: Objective values turned so that less is better, shape (m,).
        violation: Of all constraints; 0 is feasible.
        rung: The rung of these values.
    """

    digest: str
    vector: NDArray[np.int64]
    losses: Losses
    violation: float = 0.0
    rung: int = 0


@dataclass(frozen=True, eq=False)
class Population:
    """Members, best class first, with what tournaments compare.

    Attributes:
        members: By class.
        classes: For each member, the number of its class: equal rung, violation and rank. Shape (n,), ascending.
    """

    members: tuple[Member, ...]
    classes: NDArray[np.int64]

    @cached_property
    def crowding(self) -> NDArray[np.float64]:
        """Crowding distance of each member within its class, larger is better; shape (n,)."""
        ends = np.flatnonzero(np.diff(self.classes)) + 1
        return np.concatenate([crowding(_losses(part)) for part in _split(self.members, ends)])

    def tournaments(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Indexes of the winners of n binary tournaments: the better class wins, then the less crowded."""
        first, second = rng.integers(len(self.members), size=(2, n))
        wins = self.classes[first] < self.classes[second]
        tied = self.classes[first] == self.classes[second]
        winners: NDArray[np.int64] = np.where(
            wins | (tied & (self.crowding[first] >= self.crowding[second])), first, second
        )
        return winners


class Elite:
    """The feasible members that no other dominates, of the highest rung that any was told at; as many as there are."""

    def __init__(self) -> None:
        self.members: list[Member] = []

    def insert(self, member: Member) -> None:
        """Let a member in unless one dominates or equals it; those that it dominates go."""
        rung = self.members[0].rung if self.members else 0
        if member.violation > 0 or member.rung < rung:
            return
        kept = self.members if member.rung == rung else []
        if not any((other.losses <= member.losses).all() for other in kept):
            self.members = [*(other for other in kept if (other.losses < member.losses).any()), member]


def survivors(members: Sequence[Member], size: int) -> Population:
    """The best so many of some members; where a class does not fit whole, its least crowded; of equals the first."""
    chosen: list[Member] = []
    classes: list[int] = []
    for number, front in enumerate(_fronts(members)):
        room = size - len(chosen)
        if room < len(front):
            kept = np.argsort(-crowding(_losses(front)), kind="stable")[:room]
            front = [front[i] for i in np.sort(kept)]
        chosen += front
        classes += [number] * len(front)
        if len(chosen) == size:
            break
    return Population(tuple(chosen), np.array(classes, dtype=np.int64))


def crowding(losses: Losses) -> NDArray[np.float64]:
    """Crowding distance of each point of a front, shape (n,): infinite at the ends of an axis, 0 for a repetition."""
    if len(losses) < 3 and (len(losses) < 2 or (losses[0] != losses[1]).any()):  # most classes are as small
        return np.full(len(losses), 0.0 if len(losses) < 2 else np.inf)
    _, first = np.unique(losses, axis=0, return_index=True)
    kept = np.sort(first)
    distances = np.zeros(len(losses))
    distances[kept] = calc_crowding_distance(losses[kept])
    return distances


def _losses(members: Sequence[Member]) -> Losses:
    return np.array([member.losses for member in members])


def _split(members: Sequence[Member], ends: NDArray[np.int64]) -> Iterator[Sequence[Member]]:
    bounds = [0, *ends.tolist(), len(members)]
    return (members[start:end] for start, end in pairwise(bounds) if end > start)


def _fronts(members: Sequence[Member]) -> list[list[Member]]:
    """Members in classes, best class first: by rung, then violation, then non-dominated rank."""
    classes: dict[tuple[int, float], list[Member]] = {}
    for member in members:
        classes.setdefault((-member.rung, member.violation), []).append(member)
    return [front for key in sorted(classes) for front in _ranked(classes[key])]


def _ranked(members: list[Member]) -> list[list[Member]]:
    fronts = NonDominatedSorting().do(_losses(members))
    return [[members[i] for i in np.sort(front)] for front in fronts]
