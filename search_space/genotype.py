"""Genotype: what a network is, before it has weights. Knows no search space and no layers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import notation
from .cell import Cell
from .checks import genotype_problems
from .errors import InvalidGenotype

__all__ = ["Cell", "Genotype"]


@dataclass(frozen=True, kw_only=True)
class Genotype:
    """The genes of one network: checked and canonical at birth, equal when they build the same layers.

    Block 0 is the feature convolution, blocks 1 to n are the cells, and the tail stands last. Every block
    reads its predecessor and may read any earlier one; what it reads is concatenated in ascending order
    (arXiv 1901.07261).

    Canonical form: sources ascending, unique, with the predecessor among them; no residual over a single
    repeat. No other gene is ever dead: to change features, operator, channels, kernel, repeats or a skip
    changes the number, names or shapes of the weights (a skip widens its reader's first convolution, groups
    divide it), and a residual over two repeats or more adds a term that is not zero for weights in general.

    Different genotypes may compute alike in one case, and stay different as their weights have other names: a
    plain chain of equal convolutions, cut into cells at another place, with nobody else reading at the cut.

    Attributes:
        features: Channels of the feature convolution and of the tail.
        cells: The cells in order.
        inputs: The blocks that cell 1, cell 2, ..., and last the tail read; one tuple more than cells.

    Raises:
        InvalidGenotype: Names every value that cannot be built.

    Example:
        >>> g = Genotype.parse("f32|conv-k3-f16-n2-r:0|tail:0,1")
        >>> g.cells[0].channels, g.inputs
        (16, ((0,), (0, 1)))
    """

    features: int
    cells: tuple[Cell, ...]
    inputs: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        problems = genotype_problems(self.features, self.cells, self.inputs)
        if problems:
            raise InvalidGenotype(problems)
        canonical = tuple(tuple(sorted({*sources, i})) for i, sources in enumerate(self.inputs))
        object.__setattr__(self, "cells", tuple(self.cells))
        object.__setattr__(self, "inputs", canonical)

    def __str__(self) -> str:
        return notation.write_text(self.features, self.cells, self.inputs)

    @classmethod
    def parse(cls, text: str) -> Genotype:
        """Read the text form, `f32|ib-k3-f16-n1:0|conv-k1-f48-n2-r:0,1|tail:0,2`; the inverse of `str`.

        Raises:
            InvalidGenotype: Names every part that cannot be read or built.
        """
        features, cells, inputs = notation.read_text(text)
        return cls(features=features, cells=cells, inputs=inputs)

    def to_json(self) -> dict[str, Any]:
        """Return the genotype as a JSON document: `features`, `cells` with their `inputs`, and `tail`."""
        return notation.write_document(self.features, self.cells, self.inputs)

    @classmethod
    def from_json(cls, document: object) -> Genotype:
        """Read a decoded JSON document: our own form, or the schema of the published networks.

        Raises:
            InvalidGenotype: Names every field that is missing, unknown or wrong, by its path in the document.
        """
        features, cells, inputs = notation.read_document(document)
        return cls(features=features, cells=cells, inputs=inputs)

    @cached_property
    def digest(self) -> str:
        """Its name for ever and everywhere: 32 hexadecimal digits, BLAKE2b-128 of the canonical text."""
        return hashlib.blake2b(str(self).encode("ascii"), digest_size=16).hexdigest()

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels that block 0 and each cell give out; n + 1 numbers."""
        return self.features, *(cell.channels for cell in self.cells)

    @property
    def in_channels(self) -> tuple[int, ...]:
        """Channels that each cell, and last the tail, takes in; n + 1 numbers."""
        return tuple(sum(self.widths[source] for source in sources) for sources in self.inputs)

    @property
    def skips(self) -> tuple[tuple[int, int], ...]:
        """Edges (source, destination) past at least one block, by destination; n + 1 is the tail."""
        blocks = enumerate(self.inputs, start=1)
        return tuple((source, block) for block, sources in blocks for source in sources[:-1])
