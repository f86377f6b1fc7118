"""Pareto fronts on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from nas.objectives import METRICS, Objective, Sense
from nas.records import Candidate

from .candidates import CandidateSummary, summary
from .wire import Figure, Figures, Links, Wire


class ObjectiveView(Wire):
    """One axis of a front."""

    metric: str = Field(description="Which metric.")
    column: str = Field(description="Where a candidate's `scores` hold it.")
    unit: str = Field(description="Its unit; empty for a ratio or a count.")
    sense: Sense = Field(description="Which way is better.")

    @classmethod
    def of(cls, objective: Objective) -> ObjectiveView:
        """The wire form of an objective."""
        unit = METRICS[objective.metric].unit
        return cls(metric=objective.metric, column=objective.column, unit=unit, sense=objective.sense)


class MemberView(CandidateSummary):
    """A member of a front, and how sure its scores are."""

    seeds: int = Field(description="From how many training seeds it was scored; `scores` are the first one's.")
    mean: Figures | None = Field(description="Mean score over these seeds, by column; null with one seed.")
    spread: Figures | None = Field(description="Sample standard deviation over them, by column; null with one seed.")

    @classmethod
    def of_member(
        cls, member: Candidate, *, seeds: int, mean: Mapping[str, float], spread: Mapping[str, float]
    ) -> MemberView:
        """The wire form of a member that was scored from so many seeds."""
        several = seeds > 1
        return cls(
            **summary(member),
            seeds=seeds,
            mean=dict(mean) if several else None,
            spread=dict(spread) if several else None,
        )


class FrontView(Wire):
    """The candidates of a search that no other one dominates."""

    search_id: str = Field(description="Whose front it is.")
    objectives: list[ObjectiveView] = Field(description="What was compared.")
    feasible_only: bool = Field(description="Whether candidates that violate a constraint were left out.")
    scored: int = Field(
        description="How many candidates were compared: full trainings, from the seed of the search, that were scored."
    )
    hypervolume: Figure = Field(description="At `reference_point`; null when an objective has no reference.")
    reference_point: Figures = Field(description="Reference of the hypervolume, by metric.")
    members: list[MemberView] = Field(description="The front, best in the first objective first.")
    latency: str = Field(description="Which latency `latency_ms` is, and how it was found; empty where there is none.")
    note: str = Field(description="Why no feasible candidate is in sight; empty where there is one.")
    nearest: CandidateSummary | None = Field(
        description="The scored candidate that violates its constraints least, where none is feasible."
    )
    links: Links
