"""What a search has shown about its parts as small pictures: rankings on one axis, operators as bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nas.statistics.documents import Statistics, Tau
from nas.statistics.tables import percent, tau_text

WIDTH, HEIGHT, MARGIN = 240, 34, 8
"""Of the picture of a ranking, and how far its axis, from -1 to 1, stays away from its sides."""

LATEST, EVERY = 24, 10
"""How deep the two marks of a ranking lie."""


@dataclass(frozen=True)
class Mark:
    """A tau and the ends of its 95 % interval, as places along the axis; both ends are the tau without an interval."""

    at: float
    low: float
    high: float
    y: int


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How well something ranks networks.

    Attributes:
        name: What is compared with what.
        least: Where the tau lies that the latest has to reach.
        latest: Over the latest networks, which decide; None before there are enough.
        every: Over all of them that are kept; None likewise.
        verdict: Whether the latest reaches it, in words.
        words: Both taus with their intervals.
    """

    name: str
    least: float
    latest: Mark | None
    every: Mark | None
    verdict: str
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Yield:
    """What became of the candidates of an operator, in per cent and in words; no share where there is nothing to share.

    Attributes:
        operator: What bred them.
        survival: Per cent of its told candidates that entered the population; None before the engine was told of any.
        survived: The same in words.
        front: Per cent of the present front that it bred; None while the front is empty.
        members: The same in words.
    """

    operator: str
    survival: float | None
    survived: str
    front: float | None
    members: str


def rankings(found: Statistics, rung_min_tau: float) -> list[Ranking]:
    """Every rung against the next one, and every metric as the model predicts it."""
    return [*_of_rungs(found, rung_min_tau), *_of_model(found)]


def _of_rungs(found: Statistics, least: float) -> Iterator[Ranking]:
    for rung, following in zip(found.rungs, found.rungs[1:], strict=False):
        name = f"{found.ranked_by} after {rung.steps:,} steps, against {following.steps:,}"
        yield _ranking(name, rung.latest, rung.overall, least, "new networks start at a longer training")


def _of_model(found: Statistics) -> Iterator[Ranking]:
    for one in found.surrogate.predictions:
        name = f"{one.metric} as the model predicted it"
        yield _ranking(name, one.latest, one.overall, found.surrogate.min_tau, "the model is silent")


def _ranking(name: str, latest: Tau | None, every: Tau | None, least: float, otherwise: str) -> Ranking:
    tau = None if latest is None else latest.tau
    if tau is None:
        verdict = "too few networks yet"
    else:
        verdict = f"reaches {least:g}" if tau >= least else f"below {least:g}: {otherwise}"
    return Ranking(
        name=name,
        least=place(least),
        latest=_mark(latest, LATEST),
        every=_mark(every, EVERY),
        verdict=verdict,
        words=(f"latest {tau_text(latest)}", f"all {tau_text(every)}"),
    )


def _mark(tau: Tau | None, y: int) -> Mark | None:
    if tau is None or tau.tau is None:
        return None
    low, high = (tau.tau if end is None else end for end in (tau.low, tau.high))
    return Mark(place(tau.tau), place(low), place(high), y)


def place(tau: float) -> float:
    """Where a tau lies along the axis.

    >>> place(-1), place(0), place(1)
    (8.0, 120.0, 232.0)
    """
    return MARGIN + (WIDTH - 2 * MARGIN) * (1 + tau) / 2


def yields(found: Statistics) -> list[Yield]:
    """What became of the candidates of each operator that proposed any."""
    members = sum(one.front for one in found.operators)
    return [
        Yield(
            operator=one.operator,
            survival=None if one.survival is None else 100 * one.survival,
            survived=percent(one.survival),
            front=100 * one.front / members if members else None,
            members=f"{one.front} of {members}",
        )
        for one in found.operators
    ]
