"""What the model of the outcomes was worth: its picks beside the control arm, and its predictions beside the truth."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ..engine.screening import Watch
from ..objectives import METRICS
from ..options import EngineOptions
from ..ranking import agreement
from ..records import CandidateState, LedgerRow
from .documents import ArmStatistics, PredictionStatistics, SurrogateStatistics, Tau
from .networks import Networks

ARMS: Mapping[str, str] = {"screened": "screened", "control": "control", "": "none"}
"""What the arms of candidates are called."""

LATEST = 40
"""Networks over which the engine watches its model."""

MOST = 2000
"""Networks that a tau is taken over at most, the latest: it takes time and memory by their square."""

Pairs = Sequence[tuple[float, float]]


def tau_of(pairs: Pairs) -> Tau:
    """How far the two sides of some pairs agree."""
    return _tau(tuple(pairs))


@lru_cache(maxsize=32)
def _tau(pairs: tuple[tuple[float, float], ...]) -> Tau:
    """Kept, for it takes time by the square of the pairs, and these stay the same from one look to the next."""
    return Tau.of(agreement([first for first, _ in pairs], [second for _, second in pairs]))


class Arms:
    """What networks of each arm brought.

    Args:
        networks: Those of the search; whoever tells of a row here has told of it there.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._rises: dict[str, float] = {}
        self._before = 0.0

    def add(self, row: LedgerRow) -> None:
        """Note what a told row added to the hypervolume; rows come in the order of their tells."""
        if row.hypervolume is not None and row.hypervolume > self._before:
            gained = self._rises.get(row.genotype_digest, 0.0) + row.hypervolume - self._before
            self._rises[row.genotype_digest], self._before = gained, row.hypervolume

    def document(self, untold: Sequence[LedgerRow]) -> tuple[ArmStatistics, ...]:
        """The arms that have networks whose first ask was told."""
        told, survived = self._networks.told.copy(), self._networks.survived.copy()
        before = self._networks.asked_before(untold)
        for later in filter(None, map(self._networks.get, before)):
            told[later.arm] -= 1
            survived[later.arm] -= later.survived is True
        gains: dict[str, list[float]] = {arm: [] for arm in ARMS}
        for digest, gain in self._rises.items():
            network = self._networks.get(digest)
            if network is not None and digest not in before:
                gains[network.arm].append(gain)
        return tuple(
            ArmStatistics(
                arm=name,
                told=told[arm],
                survived=survived[arm],
                entered=len(gains[arm]),
                entering=len(gains[arm]) / told[arm],
                mean_gain=math.fsum(gains[arm]) / told[arm],
            )
            for arm, name in ARMS.items()
            if told[arm]
        )


class HeldOut:
    """Predictions beside what was found, of networks that the model had not seen.

    Only the first outcome of a network is a test: what is promoted was selected by it. They are ordered as the engine
    was told of them, and the latest `MOST` are kept.

    Args:
        options: Of the engine.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._pairs: dict[str, list[tuple[int, float, float]]] = {}
        self._scored = 0

    def add(self, row: LedgerRow, *, first: bool) -> None:
        """Take in a told row; ``first`` where it is the first of its network that was scored."""
        if row.state is not CandidateState.SCORED or row.replicate:
            return
        self._scored += 1
        place = row.ordinal if self._options.order == "ordered" else row.told_ordinal or 0
        for metric, prediction in (row.predicted if first else {}).items():
            mean, found = prediction.mean, row.scores.get(METRICS[metric].column, math.nan)
            if math.isfinite(mean) and math.isfinite(found):
                pairs = self._pairs.setdefault(metric, [])
                insort(pairs, (place, mean, found))
                del pairs[:-MOST]

    @property
    def pairs(self) -> Mapping[str, Pairs]:
        """By metric the latest pairs (predicted mean, found value)."""
        return {metric: [(mean, value) for _, mean, value in found] for metric, found in self._pairs.items()}

    def document(self, arms: tuple[ArmStatistics, ...]) -> SurrogateStatistics:
        """What the model was worth, beside the arms."""
        gains, pairs = {arm.arm: arm.mean_gain for arm in arms}, self.pairs
        screened, control = gains.get("screened"), gains.get("control")
        enabled = self._options.surrogate and self._options.name != "random"
        return SurrogateStatistics(
            enabled=enabled,
            speaks=enabled and self._has_seen_enough() and self._ranks_well(pairs),
            min_tau=self._options.surrogate_min_tau,
            arms=arms,
            gain=None if screened is None or not control else screened / control,
            predictions=tuple(
                PredictionStatistics(metric=metric, overall=tau_of(found), latest=tau_of(found[-LATEST:]))
                for metric, found in pairs.items()
            ),
        )

    def _has_seen_enough(self) -> bool:
        return self._scored >= max(self._options.surrogate_after, self._options.surrogate_refit)

    def _ranks_well(self, pairs: Mapping[str, Pairs]) -> bool:
        """Whether the engine would trust the model, by its own rule."""
        watches = []
        for found in pairs.values():
            watch = Watch(self._options.surrogate_min_tau, window=LATEST)
            for pair in found[-LATEST:]:
                watch.add(*pair)
            watches.append(watch)
        return all(watch.trusts for watch in watches)
