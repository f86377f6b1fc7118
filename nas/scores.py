"""The figures of candidates as rows of numbers: what fronts and engines are fed with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .objectives import Objective
from .records import Candidate


def candidate_scores(candidate: Candidate) -> dict[str, float]:
    """A candidate's figures by column: those known before training, and those of its evaluation."""
    known: dict[str, float] = {"params": candidate.params, "mult_adds": candidate.mult_adds}
    if candidate.latency_ms is not None:
        known["latency_ms"] = candidate.latency_ms
    return known if candidate.evaluation is None else known | candidate.evaluation.scores


def points_of(candidates: Sequence[Candidate], objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """Objective values in natural units.

    Returns:
        One row per candidate and one column per objective, float64, NaN where a figure is missing.
    """
    rows = [[candidate_scores(c).get(o.column, np.nan) for o in objectives] for c in candidates]
    return np.asarray(rows, dtype=np.float64).reshape(len(candidates), len(objectives))
