"""From a decoded JSON document to the parts of a table, with every problem named. Knows no files and no models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_space.errors import Problem
from search_space.space import Gene
from search_space.spaces import SPACES

from ..objectives import Objective, Sense
from .plain import Space, TableSpace, allowed

KEYS = ("space", "objectives", "rows")
ROW_KEYS = ("genes", "scores", "curve")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One genotype and what it scored.

    Attributes:
        genotype: The genotype, of the table's space.
        scores: For each objective its values, one for each training seed, natural units.
        curve: For each rung its steps and the trained objectives' scores; empty where none was recorded.
        extra: Whatever else the document says of it.
    """

    genotype: Any
    scores: tuple[tuple[float, ...], ...]
    curve: tuple[tuple[int, tuple[float, ...]], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a document holds; of use only where there are no problems."""

    space: Space
    objectives: tuple[Objective, ...]
    rows: tuple[Row, ...]
    extra: Mapping[str, Any]
    problems: tuple[Problem, ...]


def read_document(document: object, *, name: str, trained: Callable[[Objective], bool]) -> Reading:
    """Read a table's document.

    Args:
        document: Decoded JSON.
        name: What to call its space, where that is not a registered one.
        trained: Whether an objective takes a training, and so has a place in curves.
    """
    problems: list[Problem] = []
    whole = document if isinstance(document, dict) else {}
    if not isinstance(document, dict):
        problems.append(Problem("table", type(document).__name__, "a JSON object"))
    genes = _genes(whole.get("space"), problems)
    objectives = _objectives(whole.get("objectives"), problems)
    space, order = _recognise(genes, name)
    rows = []
    if not problems:
        in_curves = sum(map(trained, objectives))
        found = whole.get("rows")
        columns = _Columns(space, order, _is_indexed(found, space, order), len(objectives), in_curves)
        rows = list(_rows(found, columns, problems))
    problems += _reference(whole.get("reference", {}), objectives)
    return Reading(
        space=space,
        objectives=tuple(objectives),
        rows=tuple(rows),
        extra={key: value for key, value in whole.items() if key not in KEYS},
        problems=tuple(problems),
    )


def _genes(found: object, problems: list[Problem]) -> list[Gene]:
    if not isinstance(found, dict) or not found:
        problems.append(Problem("space", found, "an object of genes, each with a list of its choices"))
        return []
    genes = []
    for gene, choices in found.items():
        listed = choices if isinstance(choices, list) else []
        plain = all(isinstance(choice, str | int | bool) for choice in listed)
        if not listed or not plain or len({_typed(choice) for choice in listed}) < len(listed):
            problems.append(Problem(f"space.{gene}", choices, "a list of different texts, whole numbers or booleans"))
        else:
            genes.append(Gene(gene, tuple(listed)))
    return genes


def _objectives(found: object, problems: list[Problem]) -> list[Objective]:
    objectives: list[Objective] = []
    for i, entry in enumerate(found if isinstance(found, list) else []):
        told = entry if isinstance(entry, dict) else {}
        name, sense = told.get("name"), told.get("sense")
        if not isinstance(name, str) or not name or name in [objective.metric for objective in objectives]:
            problems.append(Problem(f"objectives[{i}].name", name, "a name, each of them once"))
        elif sense not in list(Sense):
            problems.append(Problem(f"objectives[{i}].sense", sense, '"max" or "min"'))
        else:
            objectives.append(Objective(name, Sense(sense)))
    if not isinstance(found, list) or not found:
        problems.append(Problem("objectives", found, 'a list of {"name", "sense"}'))
    return objectives


def _recognise(genes: Sequence[Gene], name: str) -> tuple[Space, list[int]]:
    """The space of these genes, the registered one where they are its; and where each of its genes stands in a row."""
    given = {gene.name: [_typed(choice) for choice in gene.choices] for gene in genes}
    names = [gene.name for gene in genes]
    for space in SPACES.values():
        if given == {gene.name: [_typed(choice) for choice in gene.choices] for gene in space.genes}:
            return space, [names.index(gene.name) for gene in space.genes]
    return TableSpace(name=name, genes=tuple(genes)), list(range(len(genes)))


@dataclass(frozen=True)
class _Columns:
    """What a row must hold.

    Attributes:
        space: Of its genes.
        order: Where each gene of the space stands in a row.
        indexed: Whether rows hold the index of each choice rather than the choice.
        scores: Number of its scores.
        curve: Number of scores at each point of a curve.
    """

    space: Space
    order: list[int]
    indexed: bool
    scores: int
    curve: int

    def values(self, genes: Sequence[Any]) -> list[Any]:
        """The choices that a row names, in the order of the space's genes."""
        told = [genes[place] for place in self.order]
        if not self.indexed:
            return told
        return [gene.choices[index] for gene, index in zip(self.space.genes, told, strict=True)]


def _rows(found: object, columns: _Columns, problems: list[Problem]) -> Iterator[Row]:
    if not isinstance(found, list) or not found:
        problems.append(Problem("rows", found, 'a list of {"genes", "scores"}'))
        return
    seen: dict[str, int] = {}
    for i, entry in enumerate(found):
        told = entry if isinstance(entry, dict) else {}
        wrong = [
            *_gene_problems(told.get("genes"), columns),
            *_score_problems(told.get("scores"), columns.scores),
            *_curve_problems(told.get("curve", []), columns.curve),
        ]
        problems += [Problem(f"rows[{i}].{p.field}", p.value, p.allowed) for p in wrong]
        if wrong:
            continue
        row = _row(told, columns)
        first = seen.setdefault(row.genotype.digest, i)
        if first != i:
            problems.append(Problem(f"rows[{i}].genes", told["genes"], f"a genotype other than that of row {first}"))
        yield row


def _row(told: Mapping[str, Any], columns: _Columns) -> Row:
    return Row(
        genotype=columns.space.assemble(columns.values(told["genes"])),
        scores=tuple(tuple(map(float, entry if isinstance(entry, list) else [entry])) for entry in told["scores"]),
        curve=tuple((steps, tuple(map(float, scores))) for steps, *scores in told.get("curve", [])),
        extra={key: value for key, value in told.items() if key not in ROW_KEYS},
    )


def _is_indexed(found: object, space: Space, order: Sequence[int]) -> bool:
    """Whether rows hold indexes: every one can be read so, and some cannot be read as choices."""
    rows = [entry.get("genes") for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    listed = [row for row in rows if isinstance(row, list) and len(row) == len(order)]
    pairs = [(gene, row[place]) for row in listed for gene, place in zip(space.genes, order, strict=True)]
    as_choices = all(_is_choice(gene, value) for gene, value in pairs)
    return not as_choices and all(type(value) is int and 0 <= value < len(gene.choices) for gene, value in pairs)


def _is_choice(gene: Gene, value: Any) -> bool:
    return isinstance(value, str | int | bool) and _typed(value) in map(_typed, gene.choices)


def _gene_problems(found: object, columns: _Columns) -> Iterator[Problem]:
    if not isinstance(found, list) or len(found) != len(columns.order):
        yield Problem("genes", found, f"a list of {len(columns.order)} values")
        return
    for gene, place in zip(columns.space.genes, columns.order, strict=True):
        value = found[place]
        if not columns.indexed and not _is_choice(gene, value):
            yield Problem(f"genes[{place}]", value, f"{allowed(gene)} ({gene.name})")


def _score_problems(found: object, count: int) -> Iterator[Problem]:
    if not isinstance(found, list) or len(found) != count:
        yield Problem("scores", found, f"a list of {count}, one for each objective")
        return
    for j, entry in enumerate(found):
        values = entry if isinstance(entry, list) else [entry]
        if not values or not all(map(_is_number, values)):
            yield Problem(f"scores[{j}]", entry, "a finite number, or a list of one for each seed")


def _curve_problems(found: object, count: int) -> Iterator[Problem]:
    points = found if isinstance(found, list) else [found]
    last = 0
    for k, point in enumerate(points):
        fits = isinstance(point, list) and len(point) == 1 + count and all(map(_is_number, point))
        if not fits or type(point[0]) is not int or point[0] <= last:
            yield Problem(f"curve[{k}]", point, f"[steps, {count} scores], steps rising from 1")
        else:
            last = point[0]


def _reference(found: object, objectives: Sequence[Objective]) -> Iterator[Problem]:
    if not isinstance(found, dict):
        yield Problem("reference", found, "an object of values by objective")
        return
    for objective in objectives:
        value = found.get(objective.metric, 0.0)
        if not _is_number(value):
            yield Problem(f"reference.{objective.metric}", value, "a finite number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _typed(value: Any) -> tuple[type, Any]:
    """A value that differs from its like of another type: 1 is not true."""
    return type(value), value
