"""An estimate as a document: what a search is expected to take, and from what that was foretold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..fields import Document

Limit = Literal["evaluations", "steps", "wall_time_s", "worker_hours", "space"]
"""What ends a search: a part of its budget, or a space of which every network was looked at."""


class Seconds(Document):
    """A time that is not known exactly."""

    low: float = Field(ge=0, description="Seconds, where networks are small and the machine is quick.")
    likely: float = Field(ge=0, description="Seconds by the medians of all that goes into it.")
    high: float = Field(ge=0, description="Seconds, where networks are large and the machine is slow.")


class Estimate(Document):
    """What a search is expected to take. Patience, and outcomes that are known already, can only shorten it."""

    trainings: int = Field(ge=0, description="Candidates until the first limit of the budget, each rung counted.")
    confirmations: int = Field(
        ge=0,
        description="Trainings of the final front from other seeds, at most: for as many members as the population "
        "has. 0 where a limit of time ends the search.",
    )
    steps: int = Field(ge=0, description="Training steps of all of these.")
    limited_by: Limit = Field(
        description="What is expected to end it first. Limits of time count where it is known how long trainings take."
    )
    workers: int = Field(ge=1, description="Trainings at once: workers that are up, or that the settings ask for.")
    mult_adds: float = Field(ge=0, description="Multiply-adds of the median network that its constraints allow.")
    training_s: Seconds | None = Field(description="Of one candidate of that size, scored; null where not known.")
    worker_s: Seconds | None = Field(
        description="Of all workers together. `low` has no confirmations, `likely` half and `high` all of them."
    )
    wall_s: Seconds | None = Field(description="On the clock, where no other search needs the workers.")
    disk_bytes: int = Field(ge=0, description="What it writes at most: weights, states of rungs, its log. No files.")
    disk_free_bytes: int | None = Field(description="Room on the disk of the home folder; null where not known.")
    basis: str = Field(description="What the times were foretold from, or why there are none.")
    notes: tuple[str, ...] = Field(description="What speaks against running it so.")
