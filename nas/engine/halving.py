"""Successive halving around any engine: short trainings for all, longer ones for the best of each rung.

Asynchronous, and for several objectives by non-dominated rank within the rung (Schmucker et al., arXiv 2106.12639; the
asynchronous rule is Li et al., arXiv 1810.05934). Whenever a network is asked for, the highest rung with someone to
promote gives it; else the inner engine proposes a new network for the lowest rung.

Short trainings rank learning speed rather than capacity. So Kendall's tau between the lowest rung and the next is
watched over the latest promotions; where it falls too low, the lowest rung is given up: new networks start one higher.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import moocore
import numpy as np
from numpy.typing import NDArray

from search_space.genotype import Genotype

from ..ranking import kendall_tau
from .base import PROMOTION, Engine, EngineSettings, Proposal
from .population import crowding

WINDOW = 20
"""Promotions over which tau is watched."""


@dataclass(eq=False)
class Rung:
    """What is known of one rung.

    Attributes:
        results: (losses, violation) of those told at this rung, by digest. Failures are not among them.
        waiting: Genotypes of those of them that were not promoted, by digest.
        told: How many were told, failures included.
        promoted: Digests of those that were asked for at the next rung.
    """

    results: dict[str, tuple[NDArray[np.float64], float]] = field(default_factory=dict)
    waiting: dict[str, Genotype] = field(default_factory=dict)
    told: int = 0
    promoted: list[str] = field(default_factory=list)

    def best_waiting(self, factor: int) -> Genotype | None:
        """The best that waits, while fewer than one in ``factor`` of all told were promoted; None where there is none.

        Least violation goes first, then the non-dominated ones, of those the one that is farthest from all that were
        promoted before.
        """
        if not self.waiting or len(self.promoted) >= self.told // factor:
            return None
        results = [self.results[digest] for digest in self.waiting]
        violations = np.array([violation for _, violation in results])
        least = np.flatnonzero(violations == violations.min())
        losses = np.array([results[i][0] for i in least])
        front = np.flatnonzero(moocore.is_nondominated(losses))
        before = [self.results[digest][0] for digest in self.promoted if digest in self.results]
        best = least[front[int(_apart(losses[front], before).argmax())]]
        return list(self.waiting.values())[int(best)]


class Halving(Engine):
    """Gives the networks of an engine rungs.

    Args:
        inner: What proposes new networks.
        settings: What that engine was built from; its `rungs` are at least 2.
    """

    def __init__(self, inner: Engine, settings: EngineSettings) -> None:
        self._inner = inner
        self._settings = settings
        self._rungs = [Rung() for _ in range(settings.rungs)]
        self._lowest = 0
        self._in_flight = 0
        self._pairs: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    @property
    def exhausted(self) -> bool:
        """Whether the inner engine is, and nobody is left to promote, nor can anybody be once more is told."""
        return self._inner.exhausted and not self._in_flight and self._promotion() is None

    @property
    def lowest_rung(self) -> int:
        """The rung at which new networks start."""
        return self._lowest

    def propose(self) -> Proposal | None:
        """Somebody to promote, else a new network; None where the inner engine waits."""
        promotion = self._promotion()
        if promotion is not None:
            return promotion
        proposal = self._inner.propose()
        return None if proposal is None else replace(proposal, rung=self._lowest)

    def admit(self, proposal: Proposal) -> None:
        """Take a proposal as asked."""
        if proposal.operator == PROMOTION:
            below = self._rungs[proposal.rung - 1]
            below.waiting.pop(proposal.genotype.digest, None)
            below.promoted.append(proposal.genotype.digest)
        self._in_flight += 1
        self._inner.admit(proposal)

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float, *, rung: int = 0) -> bool:
        """Note what became of a proposal at its rung.

        Raises:
            ValueError: The genotype is not waiting at this rung, or has not one value for each objective.
        """
        survived = self._inner.tell(genotype, values, violation, rung=rung)
        self._in_flight -= 1
        here = self._rungs[rung]
        here.told += 1
        if values is not None and all(map(math.isfinite, values)):
            losses = np.array([o.sign * v for o, v in zip(self._settings.objectives, values, strict=True)])
            here.results[genotype.digest] = losses, violation
            here.waiting[genotype.digest] = genotype
            self._watch(genotype.digest, rung)
        return survived

    def _promotion(self) -> Proposal | None:
        """The best network of the highest rung that has somebody to promote."""
        for rung in reversed(range(self._lowest, len(self._rungs) - 1)):
            here = self._rungs[rung]
            if here.told < self._settings.options.promote_after:
                continue
            best = here.best_waiting(self._settings.rung_factor)
            if best is not None:
                return Proposal(genotype=best, operator=PROMOTION, parents=(best.digest,), rung=rung + 1)
        return None

    def _watch(self, digest: str, rung: int) -> None:
        """Compare the lowest rung with the next by the objectives that take a training; raise it where tau is low."""
        if rung != self._lowest + 1 or digest not in self._rungs[self._lowest].results:
            return
        before, after = (self._rungs[r].results[digest][0] for r in (self._lowest, rung))
        self._pairs.append((float(before[self._trained]), float(after[self._trained])))
        if len(self._pairs) < WINDOW:
            return
        tau = kendall_tau(*zip(*self._pairs, strict=True))
        if tau is not None and tau < self._settings.options.rung_min_tau:
            self._lowest += 1
            self._pairs.clear()

    @cached_property
    def _trained(self) -> int:
        """The first objective that is not known without training: its ranks are compared between rungs."""
        space = self._settings.space
        known = self._settings.known(np.zeros((1, len(space.genes)), dtype=np.int64))
        return next((i for i, o in enumerate(self._settings.objectives) if o.metric not in known), 0)


def _apart(points: NDArray[np.float64], others: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """How far each point is from the nearest of others, in spans of the axes; its crowding where there are none."""
    if not others:
        return crowding(points)
    every = np.array([*others, *points])
    span = np.ptp(every, axis=0)
    span[span == 0] = 1.0
    scaled = every / span
    distances = np.abs(scaled[len(others) :, None] - scaled[None, : len(others)]).sum(axis=2)
    return np.asarray(distances.min(axis=1))
