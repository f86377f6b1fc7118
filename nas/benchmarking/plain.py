"""Rows of values as genotypes, and a space over them: for tables that are not of a registered search space."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import product
from typing import Any, Protocol

import numpy as np

from search_space.errors import InvalidInput, Problem
from search_space.space import Gene


class Space(Protocol):
    """What engines and landscapes use of a space: `SearchSpace` and `TableSpace` both offer it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def genes(self) -> tuple[Gene, ...]:
        """Every gene in order."""
        ...

    @property
    def distinct_size(self) -> int:
        """Number of different genotypes."""
        ...

    def assemble(self, values: Sequence[Any]) -> Any:
        """Make a genotype from one value for each gene."""
        ...

    def values(self, genotype: Any) -> tuple[Any, ...]:
        """Return the value of each gene."""
        ...

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a genotype, every gene uniformly and for itself."""
        ...

    def enumerate(self) -> Iterator[Any]:
        """Yield every different genotype once."""
        ...


@dataclass(frozen=True)
class Plain:
    """A genotype that is nothing but its values; hashable, and named by its digest as every genotype is."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return json.dumps(self.values)

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits: BLAKE2b-128 of its text."""
        return blake2b(str(self).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TableSpace:
    """Every combination of some values, all of them different genotypes.

    Attributes:
        name: What messages call it.
        genes: Every gene, with its choices.
    """

    name: str
    genes: tuple[Gene, ...]

    @property
    def size(self) -> int:
        """Number of combinations."""
        return math.prod(len(gene.choices) for gene in self.genes)

    @property
    def distinct_size(self) -> int:
        """Number of different genotypes: here, that of combinations."""
        return self.size

    def assemble(self, values: Sequence[Any]) -> Plain:
        """Make a genotype from one value for each gene, in the order of `genes`."""
        return Plain(tuple(values))

    def values(self, genotype: Plain) -> tuple[Any, ...]:
        """Return the value of each gene; the inverse of `assemble`.

        Raises:
            InvalidInput: The genotype is not of this space; says why.
        """
        problems = self.explain(genotype)
        if problems:
            raise InvalidInput(problems, f"Keep to the values of {self.name}.")
        return genotype.values

    def explain(self, genotype: Plain) -> list[Problem]:
        """Return every reason why a genotype is not of this space; empty if it is."""
        values = getattr(genotype, "values", ())
        if len(values) != len(self.genes):
            return [Problem("genes", str(genotype), f"{len(self.genes)} values")]
        pairs = zip(self.genes, values, strict=True)
        return [Problem(gene.name, value, allowed(gene)) for gene, value in pairs if value not in gene.choices]

    def contains(self, genotype: Plain) -> bool:
        """Return whether a genotype is of this space."""
        return not self.explain(genotype)

    def sample(self, rng: np.random.Generator) -> Plain:
        """Draw a genotype uniformly."""
        indexes = rng.integers([len(gene.choices) for gene in self.genes])
        return Plain(tuple(gene.choices[i] for gene, i in zip(self.genes, indexes, strict=True)))

    def enumerate(self) -> Iterator[Plain]:
        """Yield every genotype once, the last gene changing first."""
        yield from map(Plain, product(*(gene.choices for gene in self.genes)))


def allowed(gene: Gene) -> str:
    """The choices of a gene, in words."""
    return "one of " + ", ".join(json.dumps(choice) for choice in gene.choices)
