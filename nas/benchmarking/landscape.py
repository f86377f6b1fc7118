"""The truth that engines are scored by, what they see of it, and what each look costs.

Where a table holds every genotype of its space the truth is a lookup. Elsewhere it is a model of each trained
objective fitted to the table (a surrogate benchmark, Zela et al., arXiv 2008.09777), whose error on rows held out is
part of every report. What an engine sees is the truth and the noise of one training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no types

from search_space.batch import BatchCosts
from search_space.errors import InvalidInput, Problem
from search_space.space import SearchSpace

from ..objectives import Objective
from ..pareto import front
from .features import Features, Vector
from .models import FAMILIES, Model
from .plain import Space
from .rungs import FULL, Rungs, fit_rungs
from .table import COSTS, Table, is_trained
from .validation import Quality, compare

FEWEST = 20
"""Rows that a model is fitted to, at least."""

Values = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """How a landscape was made.

    Attributes:
        table: The table's name.
        rows: How many rows it has.
        complete: Whether the truth is a lookup.
        family: The family of models of each modelled objective.
        quality: Of every family for each modelled objective, on rows held out.
        noise: Standard deviation of one training, by objective.
        noise_rows: Rows of several seeds that it was measured on; 0 where it was told, or nothing was measured.
        rough: Standard deviation of what was added to the truth of each genotype, by objective.
    """

    table: str
    rows: int
    complete: bool
    family: Mapping[str, str]
    quality: Mapping[str, Mapping[str, Quality]]
    noise: Mapping[str, float]
    noise_rows: int
    rough: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Scores of every genotype of a space. It can be pickled, and gives every process the same scores.

    Attributes:
        space: Where genotypes are from.
        objectives: What is optimised.
        reference: Reference point of hypervolumes, in the order of the objectives.
        table: Where costs come from.
        listed: Truth by digest where the table is complete; empty otherwise.
        models: Of the trained objectives, by name, where it is not.
        noise: Standard deviation of one training for each objective; 0 for costs.
        rough: Standard deviation, for each objective, of what the models leave unexplained and is given to each
            genotype at random; 0 for none.
        rungs: What shorter trainings score and cost.
        report: How it was made.
    """

    space: Space
    objectives: tuple[Objective, ...]
    reference: Values
    table: Table
    listed: Mapping[str, Values]
    models: Mapping[str, Model]
    noise: Values
    rough: Values
    rungs: Rungs
    report: Report
    _known: dict[str, Values] = field(default_factory=dict)

    def truth(self, genotype: Any) -> Values:
        """Scores at full training without noise, in the order of the objectives; remembered by digest."""
        digest = genotype.digest
        found = self.listed.get(digest) or self._known.get(digest)
        if found is None:
            found = self._known[digest] = self._modelled(genotype)
        return found

    def observe(self, genotype: Any, *, seed: int, rung: int = FULL) -> Values:
        """Scores as one training shows them, the same whenever a seed asks for the same genotype and rung."""
        clean = self.truth(genotype)
        deviations = normals(genotype.digest, seed, len(clean) + self.rungs.deviations)
        seen = tuple(value + std * z for value, std, z in zip(clean, self.noise, deviations, strict=False))
        if rung == FULL:
            return seen
        return self.rungs.shortened(seen, self.features(genotype), rung, deviations[len(clean) :])

    def features(self, genotype: Any) -> Vector:
        """What models are given of a genotype."""
        return self._features(genotype)

    @cached_property
    def _features(self) -> Features:
        return Features(self.space)

    def known(self, vectors: NDArray[np.int64]) -> Mapping[str, Vector]:
        """Figures that need no training, by metric: both costs of networks, the tabulated ones of anything else.

        Args:
            vectors: Index of each gene's choice, shape (n, genes).
        """
        if isinstance(self.space, SearchSpace):
            found = zip(COSTS, self._count(vectors), strict=True)
            return {name: counts.astype(np.float64) + self.table.overheads.get(name, 0.0) for name, counts in found}
        cheap = [j for j, objective in enumerate(self.objectives) if not is_trained(objective)]
        if not cheap:
            return {}
        genes = self.space.genes
        rows = ([gene.choices[i] for gene, i in zip(genes, vector, strict=True)] for vector in vectors.tolist())
        truths = np.array([self.truth(self.space.assemble(row)) for row in rows]).reshape(len(vectors), -1)
        return {self.objectives[j].metric: truths[:, j] for j in cheap}

    @cached_property
    def _count(self) -> BatchCosts:
        return BatchCosts(cast(SearchSpace, self.space), **self.table.task)

    @property
    def exact_front(self) -> frozenset[Values]:
        """The scores of the exact front; empty where the table is not complete."""
        if not self.listed:
            return frozenset()
        points = list(self.listed.values())
        return frozenset(points[i] for i in front(points, self.objectives))

    def _modelled(self, genotype: Any) -> Values:
        x = self.features(genotype)
        deviations = normals(genotype.digest, "truth", len(self.objectives)) if any(self.rough) else self.rough
        return tuple(
            self.table.cost(objective, genotype)
            if self.table.computes(objective)
            else self.models[objective.metric](x) + std * z
            for objective, std, z in zip(self.objectives, self.rough, deviations, strict=True)
        )


def build_landscape(
    table: Table,
    *,
    family: str = "best",
    noise: float | None = None,
    rough: bool = False,
    repeats: int = 2,
    step: Callable[[str], None] = lambda _: None,
) -> Landscape:
    """Make the landscape of a table.

    Args:
        table: What was evaluated, with the objectives that are optimised.
        family: One of `FAMILIES` for models, or "best" for the least error on rows held out.
        noise: Standard deviation of one training's scores, for every trained objective, natural units; None for what
            rows with several seeds show, which is none where there are no such rows.
        rough: Whether what models leave unexplained is given back to genotypes at random, as deviations that nobody
            can foretell: the real landscape is between that and a smooth one.
        repeats: How often the rows are dealt out anew to measure errors.
        step: Is told what is being fitted.

    Raises:
        InvalidInput: No such family, or too few rows to fit any.
    """
    problems = []
    if family not in (*FAMILIES, "best"):
        problems.append(Problem("landscape", family, "one of best, " + ", ".join(FAMILIES)))
    if not table.complete and len(table.rows) < FEWEST:
        problems.append(Problem("rows", len(table.rows), f"{FEWEST} at least, or every genotype of the space"))
    if problems:
        raise InvalidInput(problems)
    noises, noise_rows = _noise(table, noise)
    with threadpool_limits(1):  # sums of floats depend on how they are split
        fitted = {} if table.complete else _fit(table, family, repeats, step)
        rungs = fit_rungs(table)
    found = {name: fit.quality[fit.family] for name, fit in fitted.items()}
    stds = dict(zip((o.metric for o in table.objectives), noises, strict=True))
    unexplained = {name: max(0.0, q.rmse**2 - stds[name] ** 2) ** 0.5 if rough else 0.0 for name, q in found.items()}
    pairs = zip(table.rows, table.means.tolist(), strict=True)
    return Landscape(
        space=table.space,
        objectives=table.objectives,
        reference=table.reference,
        table=table,
        listed={row.genotype.digest: tuple(means) for row, means in pairs} if table.complete else {},
        models={name: fit.model for name, fit in fitted.items()},
        noise=noises,
        rough=tuple(unexplained.get(objective.metric, 0.0) for objective in table.objectives),
        rungs=rungs,
        report=Report(
            table=table.name,
            rows=len(table.rows),
            complete=table.complete,
            family={name: fit.family for name, fit in fitted.items()},
            quality={name: fit.quality for name, fit in fitted.items()},
            noise=stds,
            noise_rows=noise_rows,
            rough=unexplained,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Fitted:
    family: str
    model: Model
    quality: Mapping[str, Quality]


def _fit(table: Table, family: str, repeats: int, step: Callable[[str], None]) -> dict[str, _Fitted]:
    features = Features(table.space)
    x = np.array([features(row.genotype) for row in table.rows])
    fitted = {}
    for j, objective in enumerate(table.objectives):
        if table.computes(objective):
            continue
        y, name = table.means[:, j], objective.metric
        found = compare(x, y, features.genes, repeats=repeats, step=_naming(name, step))
        chosen = min(found, key=lambda each: found[each].rmse) if family == "best" else family
        fitted[name] = _Fitted(family=chosen, model=FAMILIES[chosen](x, y, features.genes), quality=found)
    return fitted


def _naming(name: str, step: Callable[[str], None]) -> Callable[[str], None]:
    return lambda what: step(f"{name}: {what}")


def _noise(table: Table, told: float | None) -> tuple[Values, int]:
    """Standard deviation of one training for each objective, pooled over rows with several seeds; and their number."""
    if told is not None:
        return tuple(told if is_trained(objective) else 0.0 for objective in table.objectives), 0
    repeated = [row for row in table.rows if any(len(values) > 1 for values in row.scores)]
    columns = range(len(table.objectives))
    spreads = (_pooled([row.scores[j] for row in repeated]) for j in columns)
    return tuple(s if is_trained(o) else 0.0 for o, s in zip(table.objectives, spreads, strict=True)), len(repeated)


def _pooled(groups: Sequence[Sequence[float]]) -> float:
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    freedom = sum(len(group) - 1 for group in groups)
    return float((squares / freedom) ** 0.5) if freedom else 0.0


def normals(digest: str, seed: object, count: int) -> list[float]:
    """Standard normal deviates that belong to a genotype and a seed."""
    key = blake2b(f"{digest} {seed}".encode(), digest_size=16).digest()
    drawn = np.random.Generator(np.random.Philox(key=int.from_bytes(key))).standard_normal(count)
    return list(map(float, drawn))
