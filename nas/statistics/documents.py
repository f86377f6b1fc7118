"""Statistics as documents: what the service answers with, and what tables and pages are made of. Knows no ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from ..fields import Document
from ..figures import finite
from ..ranking import Agreement

Figure = Annotated[float | None, BeforeValidator(finite)]
"""A number, or null where there is none."""


class Tau(Document):
    """How far two rankings of the same networks agree: Kendall's tau-b and its 95 % interval."""

    tau: Figure = Field(description="From -1 (reversed) over 0 (unrelated) to 1 (the same); null if not defined.")
    low: Figure = Field(description="Lower end of its interval; null with fewer than four networks.")
    high: Figure = Field(description="Upper end of its interval.")
    pairs: int = Field(description="How many networks were ranked twice.")

    @classmethod
    def of(cls, found: Agreement) -> Tau:
        """The document of an agreement."""
        return cls(tau=found.tau, low=found.low, high=found.high, pairs=found.pairs)


class OperatorStatistics(Document):
    """What became of the candidates of one operator."""

    operator: str = Field(description="What bred them: initial, random, mult_adds, promotion, confirmation, ...")
    proposed: int = Field(description="Candidates that were asked for.")
    told: int = Field(description="Those of them whose outcome is known.")
    failed: int = Field(description="Told ones that failed.")
    feasible: int = Field(description="Told ones that respect every constraint.")
    survived: int = Field(description="Told ones that entered the population.")
    survival: Figure = Field(description="Share that entered, of those of which the engine was told; null for none.")
    front: int = Field(
        description="Members of the present front whose network it bred; promotions and confirmations breed none."
    )


class ArmStatistics(Document):
    """What became of the networks of one arm; a network counts once, whatever rungs it climbed."""

    arm: str = Field(description="`screened`: the model picked it; `control`: it may not; `none`: it was silent.")
    told: int = Field(description="Networks whose first outcome is known.")
    survived: int = Field(description="Those of them that entered the population by it.")
    entered: int = Field(description="Those of them that raised the hypervolume when they were told.")
    entering: Figure = Field(description="Share of the told that did.")
    mean_gain: Figure = Field(description="Hypervolume that a told network added, on average.")


class PredictionStatistics(Document):
    """How well the model ranked networks that it had not seen, by one metric."""

    metric: str = Field(description="Which metric.")
    overall: Tau = Field(description="Predicted mean against the found value, over the latest 2000 networks.")
    latest: Tau = Field(description="The same over the latest 40 networks, which decide whether the model speaks.")


class SurrogateStatistics(Document):
    """What the model of the outcomes was worth."""

    enabled: bool = Field(description="Whether the search uses a model at all.")
    speaks: bool = Field(description="Whether it has seen enough and ranks well enough to pick networks now.")
    min_tau: float = Field(description="The tau that its latest predictions have to reach.")
    arms: tuple[ArmStatistics, ...] = Field(description="The arms that have candidates.")
    gain: Figure = Field(
        description="Mean gain of the screened arm over that of the control arm; null until control gained something."
    )
    predictions: tuple[PredictionStatistics, ...] = Field(description="By metric that takes a training.")


class RungStatistics(Document):
    """One length of training."""

    rung: int = Field(description="Its number; 0 is the shortest.")
    steps: int = Field(description="Steps of its recipe.")
    asked: int = Field(description="Networks that were sent to it.")
    told: int = Field(description="Those of them whose outcome is known.")
    failed: int = Field(description="Told ones that failed.")
    promoted: int = Field(description="Networks that went on to the next rung.")
    best_psnr_db: Figure = Field(description="Best PSNR of a feasible network at it, in dB.")
    overall: Tau | None = Field(
        description="Its ranking against the next rung's, over the latest 2000 networks at both; null for the top."
    )
    latest: Tau | None = Field(description="The same over the latest 20; below `rung_min_tau` the lowest rung rises.")


class MemberSeeds(Document):
    """What several seeds say of one member of the front, by column of its figures."""

    candidate: str = Field(description="The candidate that is the member.")
    seeds: int = Field(description="Seeds from which it was trained and scored.")
    first: dict[str, Figure] = Field(description="What the search's own seed gave: what put it on the front.")
    mean: dict[str, Figure] = Field(description="Mean over the seeds.")
    spread: dict[str, Figure] = Field(description="Sample standard deviation over the seeds; empty with one seed.")


class SeedStatistics(Document):
    """How much a score owes to its seed."""

    members: tuple[MemberSeeds, ...] = Field(description="Members of the present front that more seeds confirm.")
    networks: int = Field(description="Networks that were trained from several seeds.")
    noise: dict[str, Figure] = Field(
        description="Standard deviation that a change of seed makes, pooled over these networks, by column."
    )


class BudgetPart(Document):
    """One limit of a search and what is spent of it."""

    part: str = Field(description="The field of the spec's budget.")
    spent: float = Field(description="What is spent, in the unit of that field.")
    limit: float | None = Field(description="How much there is; null for no limit.")
    share: Figure = Field(description="Spent over limit; null without a limit.")


class BudgetStatistics(Document):
    """What is spent, and when it will end."""

    parts: tuple[BudgetPart, ...] = Field(description="Every part of a budget.")
    validation_share: Figure = Field(
        description="Share of the workers' time in candidates that went into scoring them; null before any."
    )
    seconds_left: Figure = Field(description="Estimate from the pace since the start; null unless it runs.")
    ends_at: datetime | None = Field(description="When that is.")


class Statistics(Document):
    """What a search has shown so far about its own parts."""

    operators: tuple[OperatorStatistics, ...] = Field(description="By operator, the most used first.")
    surrogate: SurrogateStatistics = Field(description="The model that picks among children.")
    rungs: tuple[RungStatistics, ...] = Field(description="Every rung, the shortest first.")
    ranked_by: str = Field(description="The metric by which rungs are compared.")
    lowest_rung: int = Field(description="The rung at which new networks start now.")
    seeds: SeedStatistics = Field(description="How much scores owe to seeds.")
    budget: BudgetStatistics = Field(description="What is spent.")


class Point(Document):
    """Where a search stood after an outcome."""

    told_ordinal: int = Field(description="Number of the outcome, from 0.")
    told_at: datetime = Field(description="When it was told.")
    evaluations: int = Field(description="Outcomes until then, this one included.")
    steps: int = Field(description="Training steps until then; known outcomes cost none.")
    hypervolume: Figure = Field(description="Hypervolume of the feasible front.")
    best_psnr_db: Figure = Field(description="Best PSNR of a feasible network at the top rung, in dB.")
