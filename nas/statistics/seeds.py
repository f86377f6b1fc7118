"""How much a score owes to its seed: what the same network scores when it is trained again from others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from ..objectives import Objective
from ..records import CandidateState, LedgerRow
from .documents import MemberSeeds, SeedStatistics
from .rows import feasible, front_of, full_trainings


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


def seeds_by_network(rows: Iterable[LedgerRow], top_rung: int, columns: Sequence[str]) -> Mapping[str, Seeds]:
    """What the seeds of each network gave at the top rung in some columns of figures, by digest."""
    scores: dict[str, list[Mapping[str, float]]] = {}
    for row in rows:
        if row.state is CandidateState.SCORED and row.rung == top_rung:
            scores.setdefault(row.genotype_digest, []).append(row.scores)
    return {digest: _over(found, columns) for digest, found in scores.items()}


def _over(scores: Sequence[Mapping[str, float]], columns: Sequence[str]) -> Seeds:
    found = {name: [one[name] for one in scores if math.isfinite(one.get(name, math.nan))] for name in columns}
    return Seeds(
        count=len(scores),
        mean={name: fmean(values) for name, values in found.items() if values},
        spread={name: stdev(values) for name, values in found.items() if len(values) > 1},
    )


def seeds(
    rows: Sequence[LedgerRow],
    objectives: Sequence[Objective],
    top_rung: int,
    *,
    columns: Sequence[str],
    search_id: str,
) -> SeedStatistics:
    """What the seeds of the members of the present front gave, and the noise of a seed over every such network.

    Args:
        rows: A search's ledger.
        objectives: What its front is of.
        top_rung: Number of its longest training.
        columns: Those of the figures that come with a training.
        search_id: Whose ledger it is.
    """
    found = seeds_by_network(rows, top_rung, columns)
    members = front_of([row for row in full_trainings(rows, top_rung) if feasible(row)], objectives)
    several = [one for one in found.values() if one.count > 1]
    return SeedStatistics(
        members=tuple(
            MemberSeeds(
                candidate=f"{search_id}-{row.ordinal}",
                seeds=found[row.genotype_digest].count,
                first={name: row.scores[name] for name in columns if name in row.scores},
                mean=dict(found[row.genotype_digest].mean),
                spread=dict(found[row.genotype_digest].spread),
            )
            for row in members
            if found[row.genotype_digest].count > 1
        ),
        networks=len(several),
        noise={name: noise for name in columns if (noise := _pooled(several, name)) is not None},
    )


def _pooled(networks: Sequence[Seeds], column: str) -> float | None:
    """The spreads of several networks as one: each counts by its degrees of freedom."""
    weighed = [(one.count - 1, one.spread[column]) for one in networks if column in one.spread]
    freedom = sum(weight for weight, _ in weighed)
    return math.sqrt(math.fsum(weight * spread**2 for weight, spread in weighed) / freedom) if freedom else None
