"""What a spec will take, by arithmetic: how many trainings of which length, how large the networks, how long all of it.

Three courses are worked out, the likely one and one on either side of it: see `LEVELS`. What cannot be foreseen is left
out: see `Estimate`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from search_space.spaces import get_space

from ..known import Floats, drawn_figures
from ..spec import SearchSpec
from .documents import Estimate, Limit, Seconds
from .speed import Speed, work

WEIGHT_BYTES, STATE_BYTES, LOG_BYTES = 4, 16, 8192
"""Of a parameter that is kept, of one with its moments and its average, and of what is noted of a candidate."""

TIMED: tuple[Limit, ...] = ("wall_time_s", "worker_hours")
"""Limits after which the front is not confirmed any more."""


@dataclass(frozen=True)
class Level:
    """How one of three courses goes.

    Attributes:
        name: Which of them, as `Seconds` and `Speed` call it.
        quantile: Of the networks' sizes.
        confirmed: Share of the confirmations that are needed.
    """

    name: str
    quantile: float
    confirmed: float


LEVELS = (Level("low", 0.25, 0.0), Level("likely", 0.5, 0.5), Level("high", 0.75, 1.0))


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What of an installation an estimate depends on.

    Attributes:
        workers: Trainings at once, at most.
        counted: Whether these are up, and not only asked for in the settings.
        states_bytes: Most bytes of states kept.
        free_bytes: Room on the disk; None where not known.
    """

    workers: int
    counted: bool
    states_bytes: int
    free_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a search goes.

    Attributes:
        trainings: Candidates until its first limit.
        limited_by: That limit.
        training_s: Seconds of one of them.
        worker_s: Of all of them and of confirmations, summed over workers.
        wall_s: The same on the clock.
    """

    trainings: int
    limited_by: Limit
    training_s: float
    worker_s: float
    wall_s: float


class Ladder:
    """How long the trainings of a spec are, on average over the rungs that candidates come to.

    Of the candidates of a rung one in `rung_factor` is promoted, and goes on from where the stable phase of the shorter
    training ended.

    Args:
        spec: A search.

    Attributes:
        top_steps: Steps of the highest rung.
        first_share: Share of the candidates that are at the lowest: the number of networks, by that of candidates.
        top_share: Share of the candidates that come to the highest.
        mean_steps: Steps of a candidate.
    """

    def __init__(self, spec: SearchSpec) -> None:
        recipe = spec.recipe
        lengths = recipe.rung_steps
        shares = [recipe.rung_factor**-rung for rung in range(recipe.rungs)]
        saved = [0.0, *(steps * (1 - recipe.decay_fraction) for steps in lengths[:-1])]
        self.top_steps = lengths[-1]
        self.first_share = shares[0] / sum(shares)
        self.top_share = shares[-1] / sum(shares)
        taken = (share * (steps - less) for share, steps, less in zip(shares, lengths, saved, strict=True))
        self.mean_steps = sum(taken) / sum(shares)


class Forecast:
    """What one search will take.

    Args:
        spec: A checked spec.
        scoring_pixels: LR pixels of patches whose training takes as long as scoring a candidate does.
        here: The installation.
    """

    def __init__(self, spec: SearchSpec, scoring_pixels: float, here: Circumstances) -> None:
        self._spec, self._scoring_pixels, self._here = spec, scoring_pixels, here
        self._ladder = Ladder(spec)
        self._figures = _within_bounds(spec)
        self._workers = min(here.workers, spec.parallelism or here.workers)

    @property
    def mult_adds(self) -> float:
        """Multiply-adds of the median network."""
        return self._size("mult_adds", 0.5)

    def estimate(self, speed: Speed | None, basis: str) -> Estimate:
        """The estimate.

        Args:
            speed: How fast networks of this size are trained; without it there are no times.
            basis: How that is known, or why it is not.
        """
        courses = [] if speed is None else [self._course(level, speed) for level in LEVELS]
        if courses:
            trainings, limited_by = courses[1].trainings, courses[1].limited_by
        else:
            trainings, limited_by = _first(self._counts())
        confirmations = 0 if limited_by in TIMED else self._confirmations(trainings)
        disk_bytes = self._disk_bytes(trainings, confirmations)
        return Estimate(
            trainings=trainings,
            confirmations=confirmations,
            steps=round(trainings * self._ladder.mean_steps + confirmations * self._ladder.top_steps),
            limited_by=limited_by,
            workers=self._workers,
            mult_adds=self.mult_adds,
            training_s=_span([course.training_s for course in courses]),
            worker_s=_span([course.worker_s for course in courses]),
            wall_s=_span([course.wall_s for course in courses]),
            disk_bytes=disk_bytes,
            disk_free_bytes=self._here.free_bytes,
            basis=basis,
            notes=tuple(self._notes(speed, disk_bytes)),
        )

    # -- one course ------------------------------------------------------------------------------------------------

    def _course(self, level: Level, speed: Speed) -> Course:
        budget, training_s = self._spec.budget, self._seconds(level, speed, self._ladder.mean_steps)
        limits = self._counts()
        if budget.wall_time_s is not None:
            limits["wall_time_s"] = budget.wall_time_s * self._workers / training_s
        if budget.worker_hours is not None:
            limits["worker_hours"] = budget.worker_hours * 3600 / training_s
        trainings, limited_by = _first(limits)
        worker_s = trainings * training_s
        if limited_by not in TIMED:
            confirmation_s = self._seconds(level, speed, self._ladder.top_steps)
            worker_s += level.confirmed * self._confirmations(trainings) * confirmation_s
        least_s = training_s if limited_by != "wall_time_s" else max(training_s, budget.wall_time_s or 0.0)
        return Course(
            trainings=trainings,
            limited_by=limited_by,
            training_s=training_s,
            worker_s=worker_s,
            wall_s=max(worker_s / self._workers, least_s),
        )

    def _counts(self) -> dict[Limit, float]:
        """Candidates at which each limit ends the search that takes no clock."""
        spec, budget = self._spec, self._spec.budget
        counts: dict[Limit, float] = {"evaluations": budget.evaluations}
        if budget.steps is not None:
            counts["steps"] = math.ceil(budget.steps / self._ladder.mean_steps)
        counts["space"] = get_space(spec.space).distinct_size / self._ladder.first_share
        return counts

    def _seconds(self, level: Level, speed: Speed, steps: float) -> float:
        """Of a candidate that is trained for so many steps, and scored."""
        recipe = self._spec.recipe
        pixels = steps * recipe.batch * recipe.patch**2 + self._scoring_pixels
        rate: float = getattr(speed, level.name)
        return rate * work(pixels, self._size("mult_adds", level.quantile))

    def _confirmations(self, trainings: int) -> int:
        """Those of as many members of the front as the population has, or as come to the top rung."""
        members: int = min(self._spec.population, math.ceil(trainings * self._ladder.top_share))
        return members * (self._spec.front_seeds - 1)

    # -- networks --------------------------------------------------------------------------------------------------

    def _size(self, column: str, quantile: float) -> float:
        return float(np.quantile(self._figures[column], quantile))

    def _disk_bytes(self, trainings: int, confirmations: int) -> int:
        """Weights of every training, states of the rungs while they last, and the log."""
        count, params = trainings + confirmations, float(self._figures["params"].mean())
        states = min(self._here.states_bytes, trainings * params * STATE_BYTES) if self._spec.recipe.rungs > 1 else 0
        return round(count * (params * WEIGHT_BYTES + LOG_BYTES) + states)

    # -- in words --------------------------------------------------------------------------------------------------

    def _notes(self, speed: Speed | None, disk_bytes: int) -> Iterator[str]:
        spec, free_bytes = self._spec, self._here.free_bytes
        if speed is not None:
            longest_s = self._seconds(LEVELS[1], speed, self._ladder.top_steps)
            if longest_s > spec.evaluation_timeout_s:
                yield (
                    f"a training of {self._ladder.top_steps:,} steps is expected to take {longest_s:,.0f} s, and is "
                    f"given up after evaluation_timeout_s, {spec.evaluation_timeout_s:g} s"
                )
            if not speed.alike:
                yield f"no training that this was foretold from has x{spec.scale} and {spec.channels} channels"
            if not speed.precise:
                yield f"the trainings that this was foretold from did not compute in {spec.recipe.precision}"
        if not self._here.counted:
            yield "no worker is up that may train it: their number is that of the settings"
        if free_bytes is not None and disk_bytes > free_bytes:
            yield f"{disk_bytes / 2**30:.1f} GiB are needed on a disk with {free_bytes / 2**30:.1f} GiB free"
        if speed is None and (spec.budget.wall_time_s, spec.budget.worker_hours) != (None, None):
            yield "whether a limit of time ends it earlier is not known"


def _within_bounds(spec: SearchSpec) -> Mapping[str, Floats]:
    """Known figures of networks that may be trained; where next to none of them is drawn, they lie at the bounds."""
    figures = dict(drawn_figures(spec))
    for bound in spec.constraint_values:
        if bound.column in figures:
            low = -math.inf if bound.minimum is None else bound.minimum
            high = math.inf if bound.maximum is None else bound.maximum
            figures[bound.column] = figures[bound.column].clip(low, high)
    return figures


def _first(limits: dict[Limit, float]) -> tuple[int, Limit]:
    """The least of some limits, in whole candidates of which there is at least one, and which it is."""
    least = min(limits, key=lambda limit: limits[limit])
    return max(1, math.floor(limits[least])), least


def _span(levels: list[float]) -> Seconds | None:
    """A time at each level; slower trainings may take less of it, where a limit of time leaves room for fewer."""
    return Seconds(low=min(levels), likely=levels[1], high=max(levels)) if levels else None
