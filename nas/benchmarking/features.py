"""What a model of scores is given of a genotype: its genes one by one, and where it is a network, its shape.

The shape says how much there is, how deep and how it is wired. An engine's own model is free to look at something
else: here the aim is to foretell the table as well as possible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_space.cell import Cell
from search_space.cost import convolutions
from search_space.genotype import Genotype
from search_space.ops import OPERATORS
from search_space.space import Gene, SearchSpace

from .plain import Space

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """Turns genotypes of a space into numbers; a genotype that is no network has no shape.

    Attributes:
        space: Where the genotypes are from.
    """

    space: Space

    @property
    def genes(self) -> int:
        """How many of the numbers tell genes; those of the shape, if any, follow."""
        return sum(len(next(iter(codes.values()))) for codes in self._codes)

    def __call__(self, genotype: Any) -> Vector:
        """Return the numbers of a genotype, shape (features,)."""
        told: list[float] = []
        for codes, value in zip(self._codes, self.space.values(genotype), strict=True):
            told += codes[value]
        if isinstance(self.space, SearchSpace):
            told += shape(genotype)
        return np.array(told)

    @cached_property
    def _codes(self) -> list[dict[Any, list[float]]]:
        """The numbers of each gene's choices."""
        return [{choice: _one_hot(gene, choice) for choice in gene.choices} for gene in self.space.genes]


def _one_hot(gene: Gene, value: object) -> list[float]:
    """One column for each choice; of two choices one column tells both, of one none is needed."""
    told = gene.choices if len(gene.choices) > 2 else gene.choices[1:]
    return [float(value == choice) for choice in told]


def shape(genotype: Genotype) -> list[float]:
    """The shape of a network at x2 on luma: sizes in logarithms, then depths, reach, kinds of cells and wiring."""
    cells, sources = genotype.cells, genotype.inputs[-1]
    layers = list(convolutions(genotype, scale=2, channels=1))
    widths = genotype.widths
    longest, reach, scale = [1.0], [1.0], [0.0]
    for cell, inputs in zip(cells, genotype.inputs[:-1], strict=True):
        longest.append(max(longest[i] for i in inputs) + _depth(cell))
        reach.append(max(reach[i] for i in inputs) + _reach(cell))
        read = [widths[i] * math.exp(scale[i]) for i in inputs]
        scale.append(math.log(sum(read) / sum(widths[i] for i in inputs)) + _gain(cell))
    dense = [layer.weights for layer in layers if _is_dense(layer.name, genotype)]
    return [
        math.log(sum(layer.params for layer in layers)),
        math.log(sum(layer.weights * (4 if layer.upscaled else 1) for layer in layers)),
        math.log(sum(widths[i] for i in sources)),
        math.log1p(sum(dense)),
        math.log1p(sum(widths[i] for i in sources if i == 0 or cells[i - 1].operator != "inverted_bottleneck")),
        max(longest[i] for i in sources),
        max(reach[i] for i in sources),
        max(scale[i] for i in sources),
        sum(map(_depth, cells)),
        sum(map(_reach, cells)),
        *(sum(cell.operator == name for cell in cells) for name in OPERATORS),
        *(sum(cell.repeats for cell in cells if cell.operator == name) for name in OPERATORS),
        sum(cell.kernel == 3 for cell in cells),
        sum(cell.residual for cell in cells if cell.operator == "inverted_bottleneck"),
        sum(cell.residual for cell in cells if cell.operator != "inverted_bottleneck"),
        sum(cell.channels for cell in cells),
        len(genotype.skips),
        len(sources),
    ]


def _depth(cell: Cell) -> int:
    """Convolutions in a row."""
    return 3 * cell.repeats + 1 if cell.operator == "inverted_bottleneck" else cell.repeats


def _reach(cell: Cell) -> int:
    """Pixels that the cell adds to the side of the receptive field."""
    once = cell.kernel - 1
    return cell.repeats * (2 * once + 2) if cell.operator == "inverted_bottleneck" else cell.repeats * once


def _gain(cell: Cell) -> float:
    """Roughly the logarithm of what a cell multiplies the signal's power by, at He initialisation."""
    if cell.operator == "inverted_bottleneck":
        return math.log(8 if cell.residual else 2)
    return math.log(2.6) if cell.residual else 0.0


def _is_dense(name: str, genotype: Genotype) -> bool:
    """Whether a layer belongs to a cell of plain convolutions."""
    part, *rest = name.split(".")
    return part == "cells" and genotype.cells[int(rest[0]) - 1].operator == "conv"
