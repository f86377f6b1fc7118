"""What shorter trainings score, and what they cost: so that engines with rungs can be raced by training steps.

A shorter training is modelled by its difference from the full one: the part that genes foretell, and a deviation with
the covariance that was measured over all rungs and objectives together. The full score, noise included, is part of
every rung's score, as it is in one training that is looked at early; so rungs rank alike as they do in the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..ranking import kendall_tau
from .features import Features, Vector
from .models import Matrix, Pairs
from .table import Table, is_trained

FULL = -1
"""The longest training; -2 is the rung below it, and so on."""

FEWEST = 20
"""Rows with a curve that differences are fitted to, at least."""


@dataclass(frozen=True, kw_only=True)
class Rungs:
    """Trainings of growing length.

    Attributes:
        steps: Optimiser steps of each rung, ascending; the last is the full training.
        decay: Share of a rung's steps that are a branch of falling rate, which the next rung does not go on from.
        trained: Which objectives, by place, a training scores.
        model: From features to the differences of the lower rungs, lowest first, objectives within a rung.
        mixing: Lower triangle that gives standard deviates the measured covariance; empty without rungs.
        taus: Kendall's tau between each lower rung and the full training in the table, by steps and objective.
    """

    steps: tuple[int, ...] = (1,)
    decay: float = 0.0
    trained: tuple[int, ...] = ()
    model: Pairs | None = None
    mixing: Matrix | None = None
    taus: Mapping[int, tuple[float | None, ...]] | None = None

    @property
    def deviations(self) -> int:
        """How many standard deviates a shorter training needs."""
        return (len(self.steps) - 1) * len(self.trained)

    @property
    def factor(self) -> int:
        """How many times as long a rung is as the one below."""
        return round(self.steps[FULL] / self.steps[FULL - 1]) if len(self.steps) > 1 else 2

    def shortened(self, full: Sequence[float], x: Vector, rung: int, deviates: Sequence[float]) -> tuple[float, ...]:
        """The scores of a shorter training.

        Args:
            full: Scores of the full training, noise included.
            x: Features of the genotype.
            rung: Which one, from -2 down.
            deviates: Standard deviates of this genotype and seed, `deviations` of them.
        """
        assert self.model is not None
        assert self.mixing is not None
        differences = self.model(x) + self.mixing @ np.asarray(deviates)
        width = len(self.trained)
        first = (len(self.steps) + rung) * width
        seen = list(full)
        for place, difference in zip(self.trained, differences[first : first + width], strict=True):
            seen[place] += float(difference)
        return tuple(seen)

    def cost(self, rung: int, *, after: int | None = None) -> float:
        """Steps of a training to a rung as a share of the full one, resumed after another rung or from scratch.

        A training goes on from the stable phase of the one before; the decay branch is run anew.
        """
        kept = 0 if after is None else self.steps[after] - round(self.steps[after] * self.decay)
        return (self.steps[rung] - kept) / self.steps[FULL]


def fit_rungs(table: Table) -> Rungs:
    """Fit the differences between rungs that a table's curves show; without enough curves there is one rung."""
    steps = rung_steps(table)
    if len(steps) == 1:
        return Rungs()
    rows = [row for row in table.rows if tuple(count for count, _ in row.curve) == steps]
    scores = np.array([[point for _, point in row.curve] for row in rows])  # rows, rungs, trained objectives
    differences = (scores[:, :FULL] - scores[:, FULL:]).reshape(len(rows), -1)
    features = Features(table.space)
    model = Pairs.fit(np.array([features(row.genotype) for row in rows]), differences)
    covariance = np.atleast_2d(np.cov(differences - model.left_out, rowvar=False))
    full = scores[:, FULL]
    return Rungs(
        steps=steps,
        decay=float(table.extra.get("recipe", {}).get("decay_fraction", 0.0)),
        trained=tuple(j for j, objective in enumerate(table.objectives) if is_trained(objective)),
        model=model,
        mixing=np.asarray(np.linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance))), dtype=np.float64),
        taus={
            count: tuple(kendall_tau(scores[:, i, k], full[:, k]) for k in range(full.shape[1]))
            for i, count in enumerate(steps[:FULL])
        },
    )


def rung_steps(table: Table) -> tuple[int, ...]:
    """The steps of each rung that a table's curves show, those that most of them have; (1,) without enough curves."""
    counted = Counter(tuple(steps for steps, _ in row.curve) for row in table.rows if row.curve)
    steps, count = counted.most_common(1)[0] if counted else ((), 0)
    return steps if count >= FEWEST and len(steps) > 1 else (1,)
