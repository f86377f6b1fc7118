"""A table of scores: a space, objectives, and rows that were evaluated. Knows how it is written; fits nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_space.cost import mult_adds, params
from search_space.errors import InvalidInput, Problem
from search_space.space import SearchSpace

from ..objectives import METRICS, Objective, Source
from .plain import Space
from .reading import Row, read_document

COSTS = {"params": params, "mult_adds": mult_adds}
"""Objectives that are computed exactly where genotypes are networks."""


class InvalidTable(InvalidInput):
    """A document is no table of scores."""

    hint = 'Give {"space": {gene: [choices]}, "objectives": [{"name", "sense"}], "rows": [{"genes", "scores"}]}.'


@dataclass(frozen=True, kw_only=True)
class Table:
    """Evaluated genotypes of a space.

    Attributes:
        name: What messages and pages call it.
        space: Where its genotypes are from.
        objectives: What was scored, in the order of every row's scores.
        rows: Every genotype once.
        extra: Whatever else the document says: `scale`, `channels`, `recipe`, `reference`.
    """

    name: str
    space: Space
    objectives: tuple[Objective, ...]
    rows: tuple[Row, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every genotype of the space has a row."""
        return len(self.rows) == self.space.distinct_size

    @property
    def trained(self) -> tuple[Objective, ...]:
        """The objectives that take a training; the others are known beforehand."""
        return tuple(objective for objective in self.objectives if is_trained(objective))

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean scores over seeds, shape (rows, objectives), natural units; costs of networks are exact."""
        found = np.array([[np.mean(values) for values in row.scores] for row in self.rows], dtype=np.float64)
        for j, objective in enumerate(self.objectives):
            if self.computes(objective):
                found[:, j] = [self.cost(objective, row.genotype) for row in self.rows]
        return found

    @property
    def reference(self) -> tuple[float, ...]:
        """Reference point of hypervolumes: what the document says of an objective, else the worst of the table."""
        told = self.extra.get("reference", {})
        worst = (o.sign * (o.sign * self.means[:, j]).max() for j, o in enumerate(self.objectives))
        return tuple(float(told.get(o.metric, bad)) for o, bad in zip(self.objectives, worst, strict=True))

    def computes(self, objective: Objective) -> bool:
        """Whether an objective follows from the genotype by arithmetic."""
        return isinstance(self.space, SearchSpace) and objective.metric in COSTS

    def cost(self, objective: Objective, genotype: Any) -> float:
        """The exact cost of a network at the table's scale and channels, with what its recipe adds to every one."""
        return self._bare_cost(objective, genotype) + self.overheads[objective.metric]

    @property
    def task(self) -> dict[str, int]:
        """Scale and channels of its networks."""
        return {"scale": self.extra.get("scale", 2), "channels": self.extra.get("channels", 1)}

    @cached_property
    def overheads(self) -> Mapping[str, float]:
        """What the recipe adds to each cost of every network, by metric: the table's cost less the bare network's."""
        first = self.rows[0]
        return {
            objective.metric: first.scores[j][0] - self._bare_cost(objective, first.genotype)
            for j, objective in enumerate(self.objectives)
            if self.computes(objective)
        }

    def _bare_cost(self, objective: Objective, genotype: Any) -> float:
        return float(COSTS[objective.metric](genotype, **self.task))

    def only(self, names: Sequence[str]) -> Table:
        """The table with some of its objectives, in the order of the names.

        Raises:
            InvalidInput: The table has none of that name, or no name is given.
        """
        known = [objective.metric for objective in self.objectives]
        problems = [Problem("objectives", name, "one of " + ", ".join(known)) for name in names if name not in known]
        if problems or not names:
            raise InvalidInput(problems or [Problem("objectives", "", "some of " + ", ".join(known))])
        columns = [known.index(name) for name in names]
        trained = [objective.metric for objective in self.trained]
        curves = [trained.index(name) for name in names if name in trained]
        return replace(
            self,
            objectives=tuple(self.objectives[j] for j in columns),
            rows=tuple(_narrow(row, columns, curves) for row in self.rows),
        )


def is_trained(objective: Objective) -> bool:
    """Whether an objective takes a training: every one but those that follow from the genotype by arithmetic."""
    return objective.metric not in METRICS or METRICS[objective.metric].source is not Source.GENOTYPE


def read_table(path: Path) -> Table:
    """Read a table of scores from a JSON file.

    Raises:
        InvalidTable: With everything that is wrong with it.
        OSError: The file cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidTable([Problem(str(path), str(error), "a JSON document")]) from None
    return table_of(document, name=path.stem)


def table_of(document: object, *, name: str) -> Table:
    """Make a table of a decoded document; keys that it does not know are kept as extra.

    Raises:
        InvalidTable: With everything that is wrong with it.
    """
    read = read_document(document, name=name, trained=is_trained)
    if read.problems:
        raise InvalidTable(read.problems)
    table = Table(name=name, space=read.space, objectives=read.objectives, rows=read.rows, extra=read.extra)
    problems = list(_cost_problems(table))
    if problems:
        raise InvalidTable(problems)
    return table


def tabulate(space: Space, objectives: Sequence[Objective], scored: Iterable[tuple[Any, Sequence[float]]]) -> Table:
    """Make a table of genotypes and their scores."""
    rows = tuple(Row(genotype=genotype, scores=tuple((value,) for value in values)) for genotype, values in scored)
    return Table(name=space.name, space=space, objectives=tuple(objectives), rows=rows)


def _cost_problems(table: Table) -> Iterator[Problem]:
    """Every cost that is not the network's: a recipe adds the same to all."""
    for j, objective in enumerate(table.objectives):
        if not table.computes(objective):
            continue
        for i, row in enumerate(table.rows):
            exact = table.cost(objective, row.genotype)
            if any(value != exact for value in row.scores[j]):
                yield Problem(
                    f"rows[{i}].scores[{j}]", row.scores[j][0], f"{exact:.0f}, {objective.metric} of its network"
                )


def _narrow(row: Row, columns: Sequence[int], curves: Sequence[int]) -> Row:
    curve = tuple((steps, tuple(scores[j] for j in curves)) for steps, scores in row.curve)
    return replace(row, scores=tuple(row.scores[j] for j in columns), curve=curve)
