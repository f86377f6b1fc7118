"""Genotypes as integer vectors, for engines that know numbers only: for each gene, the index of its value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidInput, Problem
from .genotype import Genotype
from .space import SearchSpace


def upper_bounds(space: SearchSpace) -> NDArray[np.int64]:
    """Return the largest index of each gene, shape (genes,); the smallest is 0."""
    return np.array([len(gene.choices) - 1 for gene in space.genes], dtype=np.int64)


def encode(space: SearchSpace, genotype: Genotype) -> NDArray[np.int64]:
    """Return the index of each gene's value, shape (genes,), each from 0 to its upper bound.

    Raises:
        InvalidInput: The genotype is not of this space; says why.
    """
    values = space.values(genotype)
    indexes = [gene.choices.index(value) for gene, value in zip(space.genes, values, strict=True)]
    return np.array(indexes, dtype=np.int64)


def decode(space: SearchSpace, vector: ArrayLike) -> Genotype:
    """Return the genotype of a vector of indexes; `decode(space, encode(space, g)) == g`.

    Vectors and genotypes are one to one but for dead residuals: where a cell has one repeat, both values of
    its residual give the same genotype, whose own encoding has the index of `False`.

    Args:
        space: The space that the genes are of.
        vector: Integers of shape (genes,), each from 0 to its upper bound.

    Raises:
        InvalidInput: Names each gene whose index is out of bounds, or the shape or type of the vector.
    """
    indexes = np.asarray(vector)
    if indexes.shape != (len(space.genes),) or indexes.dtype.kind not in "iu":
        found = f"{indexes.dtype} of shape {indexes.shape}"
        raise InvalidInput([Problem("vector", found, f"integers of shape ({len(space.genes)},)")])
    bounds = upper_bounds(space)
    outside = np.flatnonzero((indexes < 0) | (indexes > bounds))
    if outside.size:
        raise InvalidInput(
            Problem(space.genes[i].name, int(indexes[i]), f"an index from 0 to {bounds[i]}") for i in outside
        )
    return space.assemble([gene.choices[i] for gene, i in zip(space.genes, indexes, strict=True)])
