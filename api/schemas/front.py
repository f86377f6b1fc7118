"""Pareto fronts on the wire."""

from __future__ import annotations

from pydantic import Field

from nas.objectives import METRICS, Objective, Sense

from .candidates import CandidateSummary
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


class FrontView(Wire):
    """The candidates of a search that no other one dominates."""

    search_id: str = Field(description="Whose front it is.")
    objectives: list[ObjectiveView] = Field(description="What was compared.")
    feasible_only: bool = Field(description="Whether candidates that violate a constraint were left out.")
    scored: int = Field(description="How many candidates were compared.")
    hypervolume: Figure = Field(description="At `reference_point`; null when an objective has no reference.")
    reference_point: Figures = Field(description="Reference of the hypervolume, by metric.")
    members: list[CandidateSummary] = Field(description="The front, best in the first objective first.")
    links: Links
