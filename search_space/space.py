"""SearchSpace: which genotypes a search may choose from, as a table of genes. Knows no layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product
from typing import Any

import numpy as np

from .cell import Cell
from .checks import cell_problems, features_problems
from .errors import InvalidInput, Problem
from .genotype import Genotype
from .ops import MAX_CELLS, OPERATORS

_CELL_GENES = ("operator", "channels", "kernel", "repeats", "residual")


@dataclass(frozen=True)
class Gene:
    """One free choice: its name, `cells[0].kernel` or `skip[0,2]` (block 0 to block 2), and its values."""

    name: str
    choices: tuple[str | int | bool, ...]


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """A set of genotypes with one number of cells: every combination of some values, and of any skips.

    Attributes:
        name: Its name in the registry.
        features: Channels of the feature convolution and of the tail, the same in every genotype.
        n_cells: Number of cells.
        operators: Names of the operators a cell may have.
        channels: Widths a cell may have.
        kernels: Kernel sides a cell may have.
        repeats: Repeats a cell may have.
        residuals: Whether a cell may go without, or with, a residual.

    Raises:
        InvalidInput: Names every value that would let in a genotype that cannot be built.
    """

    name: str
    features: int
    n_cells: int
    operators: tuple[str, ...]
    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    repeats: tuple[int, ...]
    residuals: tuple[bool, ...]

    def __post_init__(self) -> None:
        problems = list(_space_problems(self))
        if problems:
            raise InvalidInput(problems, "Give each list different values that can be built.")

    @property
    def cell_choices(self) -> tuple[tuple[str | int | bool, ...], ...]:
        """The values of a cell's five genes, in the order of `Cell`."""
        return self.operators, self.channels, self.kernels, self.repeats, self.residuals

    @cached_property
    def genes(self) -> tuple[Gene, ...]:
        """Every gene: five for each cell, then a skip for each pair of blocks with another between them.

        Skips go by destination, then source; n + 1 is the tail. FALSR has 7 x 5 + 28 = 63.
        """
        micro = (
            Gene(f"cells[{i}].{name}", choices)
            for i in range(self.n_cells)
            for name, choices in zip(_CELL_GENES, self.cell_choices, strict=True)
        )
        macro = (Gene(f"skip[{source},{block}]", (False, True)) for source, block in self.possible_skips)
        return *micro, *macro

    @cached_property
    def possible_skips(self) -> tuple[tuple[int, int], ...]:
        """Every edge (source, destination) that a genotype may have or lack; n (n + 1) / 2 of them."""
        return tuple((source, block) for block in range(2, self.n_cells + 2) for source in range(block - 1))

    @cached_property
    def distinct_cells(self) -> tuple[Cell, ...]:
        """Every cell once, in the order of the gene values: 160 of FALSR's 192 combinations."""
        return tuple(dict.fromkeys(Cell(*values) for values in product(*self.cell_choices)))  # type: ignore[arg-type] # one value a field

    @property
    def size(self) -> int:
        """Number of combinations of gene values; FALSR has 192^7 x 2^28, about 2.6e24."""
        return math.prod(len(gene.choices) for gene in self.genes)

    @property
    def distinct_size(self) -> int:
        """Number of different genotypes; FALSR has 160^7 x 2^28, about 7.2e23."""
        return int(len(self.distinct_cells) ** self.n_cells * 2 ** len(self.possible_skips))

    def assemble(self, values: Sequence[Any]) -> Genotype:
        """Make a genotype from one value for each gene, in the order of `genes`.

        Different values may give the same genotype: a residual over one repeat is cleared.
        """
        width = len(_CELL_GENES)
        n_micro = width * self.n_cells
        cells = tuple(Cell(*values[start : start + width]) for start in range(0, n_micro, width))
        chosen = [skip for skip, present in zip(self.possible_skips, values[n_micro:], strict=True) if present]
        inputs = tuple((*(source for source, block in chosen if block == i + 1), i) for i in range(self.n_cells + 1))
        return Genotype(features=self.features, cells=cells, inputs=inputs)

    def values(self, genotype: Genotype) -> tuple[str | int | bool, ...]:
        """Return the value of each gene, in the order of `genes`; the inverse of `assemble`.

        Raises:
            InvalidInput: The genotype is not of this space; says why.
        """
        problems = self.explain(genotype)
        if problems:
            raise InvalidInput(problems, f"Keep to the values of the space {self.name}.")
        micro = ((getattr(cell, name) for name in _CELL_GENES) for cell in genotype.cells)
        present = set(genotype.skips)
        return *chain.from_iterable(micro), *(skip in present for skip in self.possible_skips)

    def explain(self, genotype: Genotype) -> list[Problem]:
        """Return every reason why a genotype is not of this space; empty if it is."""
        problems = []
        if genotype.features != self.features:
            problems.append(Problem("features", genotype.features, str(self.features)))
        if len(genotype.cells) != self.n_cells:
            problems.append(Problem("cells", len(genotype.cells), f"{self.n_cells} cells"))
        for i, cell in enumerate(genotype.cells):
            for name, choices in zip(_CELL_GENES, self.cell_choices, strict=True):
                value = getattr(cell, name)
                if value not in choices:
                    allowed = "one of " + ", ".join(map(str, choices))
                    problems.append(Problem(f"cells[{i}].{name}", value, allowed))
        return problems

    def contains(self, genotype: Genotype) -> bool:
        """Return whether a genotype is of this space; skips never keep it out."""
        return not self.explain(genotype)

    def sample(self, rng: np.random.Generator) -> Genotype:
        """Draw a genotype, every gene uniformly and for itself.

        The draw is uniform over combinations of gene values: a cell with one repeat, which two combinations
        give, comes up twice as often as another.
        """
        indexes = rng.integers([len(gene.choices) for gene in self.genes])
        return self.assemble([gene.choices[i] for gene, i in zip(self.genes, indexes, strict=True)])

    def enumerate(self) -> Iterator[Genotype]:
        """Yield every different genotype once, always in the same order. For spaces as small as `tiny`."""
        skips = tuple(product((False, True), repeat=len(self.possible_skips)))
        for cells in product(self.distinct_cells, repeat=self.n_cells):
            micro = tuple(getattr(cell, name) for cell in cells for name in _CELL_GENES)
            yield from (self.assemble((*micro, *macro)) for macro in skips)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of this space's genotypes in their own JSON form."""
        cells = [self._cell_schema(i) for i in range(self.n_cells)]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"A genotype of the space {self.name}",
            **_object_schema(
                {
                    "features": {"const": self.features},
                    "cells": {
                        "type": "array",
                        "prefixItems": cells,
                        "items": False,
                        "minItems": self.n_cells,
                    },
                    "tail": _object_schema({"inputs": _sources_schema(self.n_cells)}),
                }
            ),
        }

    def _cell_schema(self, i: int) -> dict[str, Any]:
        genes = zip(_CELL_GENES, self.cell_choices, strict=True)
        properties: dict[str, Any] = {name: {"enum": list(choices)} for name, choices in genes}
        return _object_schema({**properties, "inputs": _sources_schema(i)})


def _object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _sources_schema(last: int) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"enum": list(range(last + 1))},
        "description": f"Block {last} is implied.",
    }


def _space_problems(space: SearchSpace) -> Iterator[Problem]:
    yield from features_problems(space.features)
    if not 1 <= space.n_cells <= MAX_CELLS:
        yield Problem("n_cells", space.n_cells, f"1 to {MAX_CELLS}")
    for name, choices in zip(_CELL_GENES, space.cell_choices, strict=True):
        if not choices or len(set(choices)) < len(choices):
            yield Problem(name, choices, "at least one value, each of them once")
    for values in product(*space.cell_choices):
        yield from cell_problems("cell", Cell(*values))  # type: ignore[arg-type] # one value a field
    for operator in space.operators:
        groups = OPERATORS[operator].groups if operator in OPERATORS else 1
        if any(width % groups for width in (space.features, *space.channels)):
            yield Problem("channels", space.channels, f"multiples of the {groups} groups of {operator}")
    if 1 in space.repeats and False not in space.residuals:
        yield Problem("residuals", space.residuals, "false among them, as one repeat never has a residual")
