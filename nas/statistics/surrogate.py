"""What the model of the outcomes was worth: its picks beside the control arm, and its predictions beside the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..engine.screening import Watch
from ..objectives import METRICS
from ..options import EngineOptions
from ..ranking import agreement
from ..records import CandidateState, LedgerRow
from .documents import ArmStatistics, PredictionStatistics, SurrogateStatistics, Tau
from .rows import first_asks, in_told_order

ARMS: Mapping[str, str] = {"screened": "screened", "control": "control", "": "none"}
"""What the arms of candidates are called."""

LATEST = 40
"""Networks over which the engine watches its model."""

MOST = 2000
"""Networks that a tau is taken over at most, the latest: it takes time and memory by their square."""

Pairs = Sequence[tuple[float, float]]


def surrogate(rows: Sequence[LedgerRow], options: EngineOptions) -> SurrogateStatistics:
    """Compare the arms, and predictions with what was found."""
    arms = arm_statistics(rows)
    gains = {arm.arm: arm.mean_gain for arm in arms}
    screened, control = gains.get("screened"), gains.get("control")
    enabled = options.surrogate and options.name != "random"
    pairs = held_out(rows, options)
    return SurrogateStatistics(
        enabled=enabled,
        speaks=enabled and _has_seen_enough(rows, options) and _ranks_well(pairs, options),
        min_tau=options.surrogate_min_tau,
        arms=arms,
        gain=None if screened is None or not control else screened / control,
        predictions=tuple(
            PredictionStatistics(metric=metric, overall=tau_of(found[-MOST:]), latest=tau_of(found[-LATEST:]))
            for metric, found in pairs.items()
        ),
    )


def tau_of(pairs: Pairs) -> Tau:
    """How far the two sides of some pairs agree."""
    return Tau.of(agreement([first for first, _ in pairs], [second for _, second in pairs]))


def arm_statistics(rows: Sequence[LedgerRow]) -> tuple[ArmStatistics, ...]:
    """What networks of each arm brought."""
    first, rises = first_asks(rows), _rises(rows)
    found = []
    for arm, name in ARMS.items():
        told = [row for row in first.values() if row.arm == arm and row.told_ordinal is not None]
        gains = [rises.get(row.genotype_digest, 0.0) for row in told]
        entered = sum(gain > 0 for gain in gains)
        if told:
            found.append(
                ArmStatistics(
                    arm=name,
                    told=len(told),
                    survived=sum(row.survived is True for row in told),
                    entered=entered,
                    entering=entered / len(told),
                    mean_gain=math.fsum(gains) / len(told),
                )
            )
    return tuple(found)


def _rises(rows: Sequence[LedgerRow]) -> Mapping[str, float]:
    """The hypervolume that each network added when it was told, by digest, where it added any."""
    rises: dict[str, float] = {}
    before = 0.0
    for row in in_told_order(rows):
        if row.hypervolume is not None and row.hypervolume > before:
            rises[row.genotype_digest] = rises.get(row.genotype_digest, 0.0) + row.hypervolume - before
            before = row.hypervolume
    return rises


def held_out(rows: Sequence[LedgerRow], options: EngineOptions) -> Mapping[str, Pairs]:
    """By metric the pairs (predicted mean, found value) in the order in which the engine was told of them.

    Only the first outcome of a network is a test: what is promoted was selected by it.
    """
    pairs: dict[str, list[tuple[float, float]]] = {}
    seen: set[str] = set()
    for row in _as_told_to_the_engine(rows, options):
        if row.genotype_digest in seen:
            continue
        seen.add(row.genotype_digest)
        for metric, prediction in row.predicted.items():
            pair = prediction.mean, row.scores.get(METRICS[metric].column, math.nan)
            if all(map(math.isfinite, pair)):
                pairs.setdefault(metric, []).append(pair)
    return pairs


def _as_told_to_the_engine(rows: Sequence[LedgerRow], options: EngineOptions) -> list[LedgerRow]:
    """Scored rows of the engine's own asks."""
    told = [row for row in in_told_order(rows) if row.state is CandidateState.SCORED and row.replicate == 0]
    return sorted(told, key=lambda row: row.ordinal) if options.order == "ordered" else told


def _has_seen_enough(rows: Sequence[LedgerRow], options: EngineOptions) -> bool:
    return len(_as_told_to_the_engine(rows, options)) >= max(options.surrogate_after, options.surrogate_refit)


def _ranks_well(pairs: Mapping[str, Pairs], options: EngineOptions) -> bool:
    """Whether the engine would trust the model, by its own rule."""
    watches = []
    for found in pairs.values():
        watch = Watch(options.surrogate_min_tau, window=LATEST)
        for pair in found[-LATEST:]:
            watch.add(*pair)
        watches.append(watch)
    return all(watch.trusts for watch in watches)
