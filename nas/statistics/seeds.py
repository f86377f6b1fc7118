"""How much a score owes to its seed: what the same network scores when it is trained again from others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from ..records import CandidateState, LedgerRow
from .documents import MemberSeeds, SeedStatistics


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """What several trainings of one network gave, by column of what comes with a training.

    Attributes:
        count: From how many seeds it was scored, at least 1.
        mean: Mean over the seeds.
        spread: Sample standard deviation over the seeds; empty with one seed.
    """

    count: int
    mean: Mapping[str, float]
    spread: Mapping[str, float]


def seeds_of(scores: Sequence[Mapping[str, float]], columns: Sequence[str]) -> Seeds:
    """What the seeds of a network gave in some columns of figures, from the scores of its full trainings."""
    found = {name: [one[name] for one in scores if math.isfinite(one.get(name, math.nan))] for name in columns}
    return Seeds(
        count=len(scores),
        mean={name: fmean(values) for name, values in found.items() if values},
        spread={name: stdev(values) for name, values in found.items() if len(values) > 1},
    )


def seeds_by_network(rows: Iterable[LedgerRow], top_rung: int, columns: Sequence[str]) -> Mapping[str, Seeds]:
    """What the seeds of each network gave at the top rung in some columns of figures, by digest."""
    scores: dict[str, list[Mapping[str, float]]] = {}
    for row in rows:
        if row.state is CandidateState.SCORED and row.rung == top_rung:
            scores.setdefault(row.genotype_digest, []).append(row.scores)
    return {digest: seeds_of(found, columns) for digest, found in scores.items()}


class Confirmations:
    """Scores from other seeds than the search's own, at the top rung, by digest of the network.

    Args:
        top_rung: Number of the longest training.
        columns: Those of the figures that come with a training.
    """

    def __init__(self, top_rung: int, columns: Sequence[str]) -> None:
        self._top_rung, self._columns = top_rung, tuple(columns)
        self._scores: dict[str, list[Mapping[str, float]]] = {}

    def add(self, row: LedgerRow) -> None:
        """Take in a told row."""
        if row.state is CandidateState.SCORED and row.rung == self._top_rung and row.replicate > 0:
            self._scores.setdefault(row.genotype_digest, []).append(row.scores)

    def __contains__(self, digest: str) -> bool:
        """Whether a network has any."""
        return digest in self._scores

    def __iter__(self) -> Iterator[str]:
        """The networks that have any."""
        return iter(self._scores)

    def seeds(self, digest: str, own: Mapping[str, float] | None) -> Seeds:
        """What every seed of a network gave; ``own`` are the scores from the search's own one, where there are any."""
        first = () if own is None else (own,)
        return seeds_of([*first, *self._scores.get(digest, ())], self._columns)

    def document(
        self, members: Iterable[tuple[str, str, Mapping[str, float]]], several: Sequence[Seeds]
    ) -> SeedStatistics:
        """What the seeds of the members of the front gave, and the noise of a seed.

        Args:
            members: Of each member of the front the candidate's id, the network's digest and its own scores.
            several: What the seeds of networks gave that were trained from more than one.
        """
        return SeedStatistics(
            members=tuple(
                MemberSeeds(
                    candidate=candidate,
                    seeds=found.count,
                    first={name: own[name] for name in self._columns if name in own},
                    mean=dict(found.mean),
                    spread=dict(found.spread),
                )
                for candidate, digest, own in members
                if (found := self.seeds(digest, own)).count > 1
            ),
            networks=len(several),
            noise={name: noise for name in self._columns if (noise := _pooled(several, name)) is not None},
        )


def _pooled(networks: Sequence[Seeds], column: str) -> float | None:
    """The spreads of several networks as one: each counts by its degrees of freedom."""
    weighed = [(one.count - 1, one.spread[column]) for one in networks if column in one.spread]
    freedom = sum(weight for weight, _ in weighed)
    return math.sqrt(math.fsum(weight * spread**2 for weight, spread in weighed) / freedom) if freedom else None
