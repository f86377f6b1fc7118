"""What short trainings say of longer ones."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from evaluator.recipe import Recipe

from ..objectives import METRICS, Objective
from ..records import CandidateState, LedgerRow
from .documents import RungStatistics
from .rows import feasible
from .surrogate import MOST, tau_of

LATEST = 20
"""Promotions over which the engine watches its lowest rung."""


class RungCounts:
    """Counts by rung, and the rankings of neighbouring rungs on the networks that reached both.

    Args:
        recipe: Of the search.
        objectives: What it optimises.
    """

    def __init__(self, recipe: Recipe, objectives: Sequence[Objective]) -> None:
        self._recipe, self._column = recipe, METRICS[ranked_by(objectives)].column
        self._told: Counter[int] = Counter()
        self._failed: Counter[int] = Counter()
        self._promoted: Counter[int] = Counter()
        self._best: dict[int, float] = {}
        self._figures: dict[tuple[str, int], float] = {}
        self._pairs: dict[int, deque[tuple[float, float]]] = {}
        self._newest = -1, 0

    def add(self, row: LedgerRow) -> None:
        """Count a told row; rows come in the order of their tells."""
        if row.replicate:
            return
        self._told[row.rung] += 1
        self._failed[row.rung] += row.state is CandidateState.FAILED
        self._promoted[row.rung - 1] += row.operator == "promotion"
        if row.operator != "promotion":
            self._newest = max(self._newest, (row.ordinal, row.rung))
        if feasible(row) and "psnr_db" in row.scores:
            self._best[row.rung] = max(row.scores["psnr_db"], self._best.get(row.rung, row.scores["psnr_db"]))
        if self._recipe.rungs > 1 and row.state is CandidateState.SCORED and self._column in row.scores:
            self._compare(row.genotype_digest, row.rung, row.scores[self._column])

    def _compare(self, digest: str, rung: int, figure: float) -> None:
        before = self._figures.get((digest, rung - 1))
        if before is not None:
            self._pairs.setdefault(rung - 1, deque(maxlen=MOST)).append((before, figure))
        if rung < self._recipe.rungs - 1:
            self._figures[digest, rung] = figure

    def document(self, untold: Sequence[LedgerRow]) -> tuple[RungStatistics, ...]:
        """Every rung, the shortest first; ``untold`` are the rows without an outcome."""
        own = [row for row in untold if row.replicate == 0]
        asked = self._told + Counter(row.rung for row in own)
        promoted = self._promoted + Counter(row.rung - 1 for row in own if row.operator == "promotion")
        found = []
        for rung, steps in enumerate(self._recipe.rung_steps):
            is_top, pairs = rung == self._recipe.rungs - 1, list(self._pairs.get(rung, ()))
            found.append(
                RungStatistics(
                    rung=rung,
                    steps=steps,
                    asked=asked[rung],
                    told=self._told[rung],
                    failed=self._failed[rung],
                    promoted=promoted[rung],
                    best_psnr_db=self._best.get(rung),
                    overall=None if is_top else tau_of(pairs),
                    latest=None if is_top else tau_of(pairs[-LATEST:]),
                )
            )
        return tuple(found)

    def lowest(self, untold: Sequence[LedgerRow]) -> int:
        """The rung at which new networks start: that of the latest one; 0 before the first."""
        new = [(row.ordinal, row.rung) for row in untold if row.operator != "promotion" and row.replicate == 0]
        return max([self._newest, *new])[1]


def ranked_by(objectives: Sequence[Objective]) -> str:
    """The metric by which rungs are compared: the first objective that takes a training."""
    return next((o.metric for o in objectives if METRICS[o.metric].trained), "psnr")
