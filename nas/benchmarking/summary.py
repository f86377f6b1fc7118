"""What a race shows: hypervolume at checkpoints, and evaluations to where a rival got; each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student  # type: ignore[import-untyped] # it has no types

from .race import Run

LEVEL = 0.95
"""Confidence of every interval."""

CHECKPOINTS = (100, 300, 500, 1000, 2000)
RESAMPLES = 2000

ROUNDING = 1e-9
"""How far below a mark still counts: hypervolumes of one front, found in another order, differ in the last bits."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Hypervolume after so many evaluations.

    Attributes:
        evaluations: How many.
        mean: Over seeds.
        reach: How far its interval goes either way, by Student's t; None with one seed.
        median: Over seeds.
    """

    evaluations: int
    mean: float
    reach: float | None
    median: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entrant with so many evaluations in flight.

    Attributes:
        entrant: Its name.
        in_flight: Evaluations out at once.
        seeds: Number of runs.
        checkpoints: Its hypervolume.
        cpu_ms: Processor time of one ask and tell, mean over runs.
        duplicates: Share of evaluations that had been made before, mean over runs.
        front_after: Median of evaluations to the whole exact front; None where most runs did not find it.
        front_found: How many runs found it.
    """

    entrant: str
    in_flight: int
    seeds: int
    checkpoints: tuple[Checkpoint, ...]
    cpu_ms: float
    duplicates: float
    front_after: float | None
    front_found: int


@dataclass(frozen=True, kw_only=True)
class Duel:
    """How soon an entrant gets to where another was, with as many in flight.

    Attributes:
        entrant: Who is measured.
        rival: Whose median hypervolume is the mark.
        in_flight: Evaluations out at once, of both.
        after: Evaluations that the rival spent on it.
        mark: The mark.
        needed: Median over seeds of evaluations that the entrant needed; None where most runs did not get there.
        faster: `after / needed`; None likewise.
        low: Lower end of the interval of that, by bootstrap over both entrants' seeds; None where it is open.
        high: Upper end, likewise.
        reached: How many of the entrant's runs got there.
    """

    entrant: str
    rival: str
    in_flight: int
    after: int
    mark: float
    needed: float | None
    faster: float | None
    low: float | None
    high: float | None
    reached: int


def checkpoints_of(evaluations: int) -> tuple[int, ...]:
    """The usual checkpoints within a budget, and its end."""
    return (*(count for count in CHECKPOINTS if count < evaluations), evaluations)


def summarise(runs: Sequence[Run]) -> list[Line]:
    """One line for each entrant and number in flight, in the order of the runs."""
    return [_line(list(group)) for _, group in groupby(runs, key=lambda run: (run.in_flight, run.entrant))]


def curves(runs: Sequence[Run]) -> NDArray[np.float64]:
    """Hypervolumes of some runs, shape (runs, evaluations)."""
    return np.array([run.hypervolume for run in runs])


def interval(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the first axis, and how far its interval reaches from there by Student's t; NaN with one value."""
    mean: NDArray[np.float64] = values.mean(axis=0)
    if len(values) < 2:
        return mean, np.full_like(mean, np.nan)
    reach = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(axis=0, ddof=1) / len(values) ** 0.5
    return mean, reach


def duels(runs: Sequence[Run], marks: Sequence[tuple[str, int]]) -> list[Duel]:
    """Every entrant against every mark, in the order of the runs.

    Args:
        runs: Of a race.
        marks: A rival and the evaluations that it spends; left out where it did not race.
    """
    found = []
    for in_flight, flying in groupby(runs, key=lambda run: run.in_flight):
        by_name = {name: curves(list(group)) for name, group in groupby(flying, key=lambda run: run.entrant)}
        for rival, after in marks:
            if rival in by_name and after <= by_name[rival].shape[1]:
                found += [_duel(name, rival, in_flight, after, by_name) for name in by_name]
    return found


def usual_marks(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """Random search after the whole budget; every other rival, and full training, after half of it."""
    budget = len(runs[0].hypervolume)
    names = dict.fromkeys(run.entrant for run in runs)
    others = [name for name in names if name.startswith(("optuna", "pymoo")) or name == "srnas"]
    return [*([("random", budget)] if "random" in names else []), *((name, max(1, budget // 2)) for name in others)]


def needed(found: NDArray[np.float64], mark: float) -> NDArray[np.float64]:
    """Evaluations after which each run has a hypervolume of the mark or more, shape (runs,); infinite where none."""
    reached = found >= mark - ROUNDING
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)


def _line(runs: list[Run]) -> Line:
    found = curves(runs)
    mean, reach = interval(found)
    fronts = [np.inf if run.front_after is None else run.front_after for run in runs]
    return Line(
        entrant=runs[0].entrant,
        in_flight=runs[0].in_flight,
        seeds=len(runs),
        checkpoints=tuple(
            Checkpoint(
                evaluations=count,
                mean=float(mean[count - 1]),
                reach=_finite(float(reach[count - 1])),
                median=float(np.median(found[:, count - 1])),
            )
            for count in checkpoints_of(found.shape[1])
        ),
        cpu_ms=float(np.mean([run.cpu_ms for run in runs])),
        duplicates=float(np.mean([run.duplicates / max(1, run.evaluations) for run in runs])),
        front_after=_finite(float(_median(np.array(fronts)))),
        front_found=sum(run.front_after is not None for run in runs),
    )


def _duel(name: str, rival: str, in_flight: int, after: int, found: dict[str, NDArray[np.float64]]) -> Duel:
    theirs, ours = found[rival][:, after - 1], found[name]
    mark = float(np.median(theirs))
    spent = needed(ours, mark)
    median = float(_median(spent))
    low, high = _bootstrap(ours, theirs, after)
    return Duel(
        entrant=name,
        rival=rival,
        in_flight=in_flight,
        after=after,
        mark=mark,
        needed=_finite(median),
        faster=_finite(after / median) if np.isfinite(median) else None,
        low=low,
        high=high,
        reached=int(np.isfinite(spent).sum()),
    )


def _bootstrap(ours: NDArray[np.float64], theirs: NDArray[np.float64], after: int) -> tuple[float | None, float | None]:
    """Interval of how many times as fast: both sides' seeds drawn anew, percentiles; None where it is open."""
    if len(ours) < 2 or len(theirs) < 2:
        return None, None
    rng = np.random.default_rng(0)
    marks = np.median(theirs[rng.integers(len(theirs), size=(RESAMPLES, len(theirs)))], axis=1)
    spent = np.stack([np.searchsorted(run, marks - ROUNDING) + 1.0 for run in ours], axis=1)  # marks, runs
    drawn = np.take_along_axis(spent, rng.integers(len(ours), size=(RESAMPLES, len(ours))), axis=1)
    medians = _median(np.where(drawn > ours.shape[1], np.inf, drawn))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(after / medians, [tail, 1 - tail], method="nearest")
    return (float(low) if low > 0 else None), (float(high) if high > 0 else None)


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median along the last axis, of an even number the upper of the middle two: there is no half of infinity."""
    middle: NDArray[np.float64] = np.sort(values, axis=-1)[..., values.shape[-1] // 2]
    return middle


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
