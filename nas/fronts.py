"""The Pareto front of a search: which of its full trainings no other one dominates, and how sure that is.

Members and everything that they are compared with are trainings of one fidelity: the top rung, from the search's own
seed. Trainings from other seeds say how much of a member's score is luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .objectives import Objective
from .pareto import hypervolume
from .records import Candidate, LedgerRow, Search
from .statistics.rows import feasible, front_of, full_trainings, points_of_rows
from .statistics.seeds import Seeds, seeds_by_network

Fetch = Callable[[LedgerRow], Candidate]
"""The candidate of a row."""


@dataclass(frozen=True, kw_only=True)
class Front:
    """A Pareto front.

    Attributes:
        search: Whose.
        objectives: What was compared.
        members: Non-dominated candidates, best first objective first.
        scored: How many scored candidates were compared: full trainings from the search's own seed.
        feasible_only: Whether infeasible ones were left out.
        hypervolume: At the search's reference point; None when an objective has no reference there.
        seeds: What the seeds of each member gave that was trained from several, by digest of its genotype.
        note: Why no feasible candidate is in sight, for a person; empty where there is one.
        nearest: The scored candidate that violates its constraints least, where none is feasible.
    """

    search: Search
    objectives: tuple[Objective, ...]
    members: tuple[Candidate, ...]
    scored: int
    feasible_only: bool
    hypervolume: float | None
    seeds: Mapping[str, Seeds] = field(default_factory=dict)
    note: str = ""
    nearest: Candidate | None = None

    def seeds_of(self, member: Candidate) -> Seeds:
        """What the seeds of a member gave; of one that was trained from one only, how many that is."""
        return self.seeds.get(member.genotype.digest, Seeds(count=1, mean={}, spread={}))


def find_front(
    search: Search,
    rows: Sequence[LedgerRow],
    objectives: Sequence[Objective] = (),
    *,
    fetch: Fetch,
    feasible_only: bool = True,
) -> Front:
    """The front of a search, from its whole ledger.

    Args:
        search: Whose.
        rows: Its ledger.
        objectives: What to compare; the search's own if empty.
        fetch: Reads a candidate: the members are, and the nearest one.
        feasible_only: Whether to leave out candidates that violate a constraint.
    """
    chosen = tuple(objectives) or search.spec.objective_values
    top_rung = search.spec.recipe.rungs - 1
    scored = full_trainings(rows, top_rung)
    compared = [row for row in scored if feasible(row) or not feasible_only]
    members = front_of(compared, chosen)
    digests = [row.genotype_digest for row in members]
    nearest = min(scored, key=lambda row: (_violation(row), row.ordinal), default=None)
    seeds = seeds_by_network(rows, top_rung, search.spec.found_columns)
    return make_front(
        search,
        chosen,
        [fetch(row) for row in members],
        points_of_rows(members, chosen),
        scored=len(compared),
        feasible_only=feasible_only,
        seeds={digest: found for digest in digests if (found := seeds[digest]).count > 1},
        nearest=None if nearest is None or any(map(feasible, scored)) else (fetch(nearest), _violation(nearest)),
        any_scored=bool(scored),
    )


def make_front(
    search: Search,
    objectives: tuple[Objective, ...],
    members: Sequence[Candidate],
    points: NDArray[np.float64],
    *,
    scored: int,
    feasible_only: bool,
    seeds: Mapping[str, Seeds],
    nearest: tuple[Candidate, float] | None,
    any_scored: bool,
) -> Front:
    """A front from its members.

    Args:
        search: Whose.
        objectives: What was compared.
        members: By ordinal.
        points: Objective values of the members, one row each, natural units.
        scored: How many candidates were compared.
        feasible_only: Whether infeasible ones were left out.
        seeds: What the seeds of each member gave that was trained from several, by digest of its genotype.
        nearest: Where none is feasible, the scored candidate of the least violation, of equals the oldest, and that.
        any_scored: Whether any candidate was, feasible or not.
    """
    order = np.argsort(objectives[0].sign * points[:, 0], kind="stable")
    return Front(
        search=search,
        objectives=objectives,
        members=tuple(members[place] for place in order),
        scored=scored,
        feasible_only=feasible_only,
        hypervolume=_hypervolume(points, objectives, search.reference_point),
        seeds=seeds,
        note=_note(nearest, search, any_scored),
        nearest=None if nearest is None else nearest[0],
    )


def _violation(row: LedgerRow) -> float:
    return float("inf") if row.violation is None else row.violation


def _note(nearest: tuple[Candidate, float] | None, search: Search, any_scored: bool) -> str:
    if nearest is not None:
        candidate, violation = nearest
        return (
            f"no candidate is feasible yet: {search.id}-{candidate.ordinal} comes nearest, with a violation of "
            f"{violation:.3g}; feasible=false compares those that break constraints"
        )
    if any_scored:
        return ""
    full = "" if search.spec.recipe.rungs == 1 else f" at the top rung ({search.spec.recipe.steps} steps)"
    return f"no candidate has been scored{full} yet"


def _hypervolume(
    points: NDArray[np.float64], objectives: tuple[Objective, ...], reference_point: Mapping[str, float]
) -> float | None:
    if any(objective.metric not in reference_point for objective in objectives):
        return None
    return hypervolume(points, objectives, [reference_point[objective.metric] for objective in objectives])
