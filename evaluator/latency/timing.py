"""How often to time something before its median is believed. Knows no runtime; the clock is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles

Clock = Callable[[], float]
"""Seconds from some beginning, never going back."""


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """When a measurement ends.

    Attributes:
        warm_up: Runs that are not counted; they fill caches and the runtime's memory.
        at_least: Fewest runs that are counted.
        at_most: Most of them.
        spread: Interquartile range over median at which the median is settled.
        limit_s: Seconds after which no more than ``at_least`` are taken.
    """

    warm_up: int = 2
    at_least: int = 5
    at_most: int = 40
    spread: float = 0.03
    limit_s: float = 10.0

    def __post_init__(self) -> None:
        if self.warm_up < 0 or not 2 <= self.at_least <= self.at_most:
            raise ValueError(f"{self}: warm_up >= 0 and 2 <= at_least <= at_most")


REPEATS = Repeats()
"""For networks of milliseconds to seconds."""


def settled_times(once: Callable[[], float], repeats: Repeats, clock: Clock) -> list[float]:
    """Time something until its median is settled.

    Args:
        once: Runs it and returns how long that took.
        repeats: When to stop.
        clock: Seconds, for the limit.

    Returns:
        The times that count, at least two, in the unit of ``once``.
    """
    started = clock()
    for _ in range(repeats.warm_up):
        once()
    times = [once() for _ in range(repeats.at_least)]
    while len(times) < repeats.at_most and clock() - started < repeats.limit_s and _spread(times) > repeats.spread:
        times.append(once())
    return times


def _spread(times: list[float]) -> float:
    low, middle, high = quantiles(times, n=4, method="inclusive")
    return (high - low) / middle if middle else 0.0
