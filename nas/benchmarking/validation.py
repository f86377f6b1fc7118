"""How well each family of models foretells rows that it has not seen: repeated k-fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..ranking import Agreement, agreement
from .features import Vector
from .models import Fit, Matrix, fit_smooth, fit_trees, predict

FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well a family foretells one objective, on rows held out.

    Attributes:
        rmse: Root mean squared error, natural units.
        r2: Share of the variance that is explained; below 0 when the mean foretells better, None without variance.
        tau: Kendall's tau between foretold and found, with its interval: means over the repetitions.
    """

    rmse: float
    r2: float | None
    tau: Agreement


def compare(x: Matrix, y: Vector, genes: int, *, repeats: int, step: Callable[[str], None]) -> Mapping[str, Quality]:
    """Measure every family on rows held out, by name; `step` is called with the name of each that is fitted.

    Args:
        x: Features, shape (rows, features).
        y: Scores, shape (rows,).
        genes: How many of the features tell genes.
        repeats: How often the rows are dealt out anew; in each, every row is foretold once.
        step: Is told what is being fitted.
    """
    foretold: dict[str, Matrix] = {}
    for name, fit in (("trees", fit_trees), ("smooth", fit_smooth)):
        step(name)
        foretold[name] = np.stack(
            [_out_of_fold(fit, x, y, genes, np.random.default_rng(repeat)) for repeat in range(repeats)]
        )
    foretold["blend"] = (foretold["trees"] + foretold["smooth"]) / 2
    return {name: quality(found, y) for name, found in foretold.items()}


def quality(foretold: Matrix, y: Vector) -> Quality:
    """Compare what was foretold, shape (repetitions, rows), with what was found, shape (rows,)."""
    squared = float(((foretold - y) ** 2).mean())
    agreements = [agreement(found, y) for found in foretold]
    tau, low, high = (_mean([getattr(each, end) for each in agreements]) for end in ("tau", "low", "high"))
    return Quality(
        rmse=squared**0.5,
        r2=1 - squared / float(y.var()) if y.var() > 0 else None,
        tau=Agreement(tau=tau, low=low, high=high, pairs=len(y)),
    )


def _out_of_fold(fit: Fit, x: Matrix, y: Vector, genes: int, rng: np.random.Generator) -> Vector:
    dealt = rng.permutation(len(y)) % FOLDS
    found = np.empty(len(y))
    for fold in range(FOLDS):
        inside = dealt == fold
        found[inside] = predict(fit(x[~inside], y[~inside], genes), x[inside])
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None
