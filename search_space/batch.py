"""Many genotypes at once, as rows of indexes (see `encoding`): their canonical form and their costs.

A search looks at hundreds of children for each one that it trains. Here their costs take two microseconds each, where
the exact same integers take `cost` a hundred.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from . import cost
from .cell import Cell
from .space import SearchSpace

Vectors = NDArray[np.int64]

_PER_CELL = 5
_REPEATS, _RESIDUAL = 3, 4


def canonical(space: SearchSpace, vectors: Vectors) -> Vectors:
    """Return the vectors that the genotypes of these vectors are encoded as: residuals over one repeat cleared.

    Args:
        space: The space of the genes.
        vectors: Shape (n, genes), each index within its bounds.

    Returns:
        Shape (n, genes); equal rows stand for equal genotypes, and only they do.
    """
    result = vectors.copy()
    if False not in space.residuals:
        return result
    width = _PER_CELL * space.n_cells
    cells = result[:, :width].reshape(len(result), space.n_cells, _PER_CELL)
    single = np.isin(cells[..., _REPEATS], [i for i, repeats in enumerate(space.repeats) if repeats == 1])
    cells[..., _RESIDUAL][single] = space.residuals.index(False)
    result[:, :width] = cells.reshape(len(result), width)
    return result


class BatchCosts:
    """Counts params and mult-adds of many genotypes of a space.

    What a cell costs is a line in the channels that it reads: `slope * in_channels + rest`. Slopes and rests of all
    combinations of a cell's genes are taken from `cost`, once.

    Args:
        space: Where the genotypes are from.
        scale: Upscaling factor: 2, 3 or 4.
        channels: Channels of the image: 1 or 3.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """

    def __init__(self, space: SearchSpace, *, scale: int, channels: int) -> None:
        self._space, self._scale, self._channels = space, scale, channels
        self._weights_fixed, self._params_fixed = self._fixed

    @cached_property
    def _lines(self) -> NDArray[np.int64]:
        """Shape (cell combinations, 3): weights for each channel read, weights besides, biases."""
        features = self._space.features
        rows = []
        for values in product(*self._space.cell_choices):
            cell = Cell(*values)  # type: ignore[arg-type] # one value a field
            once, twice = (list(cost.cell_convolutions("", cell, width)) for width in (features, 2 * features))
            weights, doubled = (sum(layer.weights for layer in layers) for layers in (once, twice))
            biases = sum(layer.out_channels for layer in once)
            rows.append(((doubled - weights) // features, 2 * weights - doubled, biases))
        return np.array(rows, dtype=np.int64)

    @cached_property
    def _fixed(self) -> tuple[int, int]:
        """Weights (as mult-adds count them) and params of all that no gene changes, the tail's fusion left out."""
        genotype = self._space.assemble([gene.choices[0] for gene in self._space.genes])
        layers = cost.convolutions(genotype, scale=self._scale, channels=self._channels)
        fixed = [layer for layer in layers if not layer.name.startswith(("cells.", "tail.fuse"))]
        counted = sum(layer.weights * (self._scale**2 if layer.upscaled else 1) for layer in fixed)
        return counted, sum(layer.params for layer in fixed)

    def __call__(self, vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count params and mult-adds (at `cost.LR_PIXELS`) of each row.

        Args:
            vectors: Shape (n, genes), each index within its bounds.

        Returns:
            Two arrays of shape (n,).
        """
        space, n = self._space, len(vectors)
        micro = vectors[:, : _PER_CELL * space.n_cells].reshape(n, space.n_cells, _PER_CELL)
        lines = self._lines[np.ravel_multi_index(np.moveaxis(micro, 2, 0), [len(c) for c in space.cell_choices])]
        reads = self._reads(micro[..., 1], vectors[:, _PER_CELL * space.n_cells :])
        fuse = 9 * space.features
        weights = (lines[..., 0] * reads[:, :-1] + lines[..., 1]).sum(axis=1) + fuse * reads[:, -1]
        params = weights + lines[..., 2].sum(axis=1) + space.features + self._params_fixed
        return params, cost.LR_PIXELS * (weights + self._weights_fixed)

    def _reads(self, widths: Vectors, skips: Vectors) -> NDArray[np.int64]:
        """Channels that each cell, and last the tail, takes in; shape (n, cells + 1)."""
        space = self._space
        out = np.empty((len(widths), space.n_cells + 1), dtype=np.int64)
        out[:, 0] = space.features
        out[:, 1:] = np.array(space.channels, dtype=np.int64)[widths]
        reads = out.copy()
        for column, (source, block) in enumerate(space.possible_skips):
            reads[:, block - 1] += skips[:, column] * out[:, source]
        return reads
