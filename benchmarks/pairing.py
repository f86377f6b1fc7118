"""Arms that are timed in turn, and what their ratio is, round by round: a machine's mood hits all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

CONFIDENCE = 0.95

Lap = Callable[[], float]
"""Runs an arm for a while and returns its seconds, those of one step say."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A median, and where the true one lies with 95 % confidence.

    Attributes:
        median: Of the values.
        low: The interval's lower end: an order statistic, so that no distribution is assumed.
        high: Its upper end. Fewer than six values bound no median so surely; the interval is then all of them.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        ordered = sorted(values)
        trimmed = _trimmed(len(ordered))
        return cls(median=median(ordered), low=ordered[trimmed], high=ordered[-1 - trimmed])

    def __str__(self) -> str:
        """As a table has it, `2.10 (2.05-2.14)`."""
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


def _trimmed(count: int) -> int:
    """Values that may be left out at either end with the median still inside: the sign test's interval."""
    outside, trimmed = 2.0 * 0.5**count, 0
    while outside + 2 * comb(count, trimmed + 1) * 0.5**count <= 1 - CONFIDENCE:
        trimmed += 1
        outside += 2 * comb(count, trimmed) * 0.5**count
    return trimmed


def take_turns(arms: Mapping[str, Lap], rounds: int, *, warm_up: int = 1) -> list[dict[str, float]]:
    """Time every arm once a round, each round beginning with the next arm.

    Args:
        arms: At least one.
        rounds: Rounds that count.
        warm_up: Rounds before them that do not.

    Returns:
        For each round the seconds of each arm.
    """
    names = list(arms)
    laps = []
    for number in range(warm_up + rounds):
        first = number % len(names)
        laps.append({name: arms[name]() for name in names[first:] + names[:first]})
    return laps[warm_up:]


def faster_by(laps: Sequence[Mapping[str, float]], arm: str, base: str) -> Spread:
    """How many times faster an arm is than another, from the ratio in each round."""
    return Spread.of([lap[base] / lap[arm] for lap in laps])
