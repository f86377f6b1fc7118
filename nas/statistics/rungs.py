"""What short trainings say of longer ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evaluator.recipe import Recipe

from ..objectives import METRICS, Objective
from ..records import CandidateState, LedgerRow
from .documents import RungStatistics
from .rows import feasible, in_told_order
from .surrogate import MOST, Pairs, tau_of

LATEST = 20
"""Promotions over which the engine watches its lowest rung."""


def rungs(rows: Sequence[LedgerRow], recipe: Recipe, objectives: Sequence[Objective]) -> tuple[RungStatistics, ...]:
    """Count by rung, and compare the rankings of neighbouring rungs on the networks that reached both."""
    own = [row for row in rows if row.replicate == 0]
    told = in_told_order(own)
    pairs = _neighbours(told, METRICS[ranked_by(objectives)].column)
    asked = Counter(row.rung for row in own)
    found = []
    for rung, steps in enumerate(recipe.rung_steps):
        here = [row for row in told if row.rung == rung]
        best = (row.scores["psnr_db"] for row in here if feasible(row) and "psnr_db" in row.scores)
        is_top = rung == recipe.rungs - 1
        found.append(
            RungStatistics(
                rung=rung,
                steps=steps,
                asked=asked[rung],
                told=len(here),
                failed=sum(row.state is CandidateState.FAILED for row in here),
                promoted=sum(row.rung == rung + 1 and row.operator == "promotion" for row in own),
                best_psnr_db=max(best, default=None),
                overall=None if is_top else tau_of(pairs.get(rung, ())[-MOST:]),
                latest=None if is_top else tau_of(pairs.get(rung, ())[-LATEST:]),
            )
        )
    return tuple(found)


def ranked_by(objectives: Sequence[Objective]) -> str:
    """The metric by which rungs are compared: the first objective that takes a training."""
    return next((o.metric for o in objectives if METRICS[o.metric].trained), "psnr")


def lowest_rung(rows: Sequence[LedgerRow]) -> int:
    """The rung at which new networks start: that of the latest one; 0 before the first."""
    new = [row for row in rows if row.operator != "promotion" and row.replicate == 0]
    return max(new, key=lambda row: row.ordinal).rung if new else 0


def _neighbours(told: Sequence[LedgerRow], column: str) -> Mapping[int, Pairs]:
    """By rung the pairs (figure there, figure at the next rung) of one network, in the order of the later outcome."""
    figures: dict[tuple[str, int], float] = {}
    pairs: dict[int, list[tuple[float, float]]] = {}
    for row in told:
        if row.state is CandidateState.SCORED and column in row.scores:
            figures[row.genotype_digest, row.rung] = row.scores[column]
            before = figures.get((row.genotype_digest, row.rung - 1))
            if before is not None:
                pairs.setdefault(row.rung - 1, []).append((before, row.scores[column]))
    return pairs
