"""How one cell is replaced by a roulette, and how first populations are drawn: pure functions of a generator.

The roulette works on integer vectors of `search_space.encoding` and returns new ones within the same bounds; what is
canonical, screened or new is the caller's business. First populations are lists of genotypes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_space.cell import Cell
from search_space.cost import Metric, convolutions
from search_space.genotype import Genotype
from search_space.space import SearchSpace

Vector = NDArray[np.int64]

POOL = 20
"""Genotypes that are drawn for each that a stratified start keeps."""


def roulette_weights(space: SearchSpace, metric: Metric) -> NDArray[np.float64]:
    """Return how likely a roulette is to draw each of `space.distinct_cells`; they sum to 1.

    The weight of a cell of cost c is 1 + ln(largest cost / c): cheaper is likelier, and the dearest keeps a chance.
    FALSR names a roulette by log mult-adds or log params; the formula is ours. Its cheapest cell is 9 times as likely
    as its dearest. Costs are those of a cell that reads `space.features` channels.
    """
    logs = np.log([_cell_cost(cell, space.features, metric) for cell in space.distinct_cells])
    weights = 1 + logs.max() - logs
    return np.asarray(weights / weights.sum())


def cell_roulette(
    space: SearchSpace, vector: Vector, rng: np.random.Generator, *, weights: NDArray[np.float64]
) -> Vector:
    """Return a mutant in which one random cell is replaced by another one.

    Args:
        space: What the vector is of. Where it has one distinct cell only, nothing changes.
        vector: The parent, shape (genes,).
        rng: Source of randomness.
        weights: Of each of `space.distinct_cells`, as `roulette_weights` gives them.
    """
    width = len(space.cell_choices)
    start = width * int(rng.integers(space.n_cells))
    values = (choices[i] for choices, i in zip(space.cell_choices, vector[start:], strict=False))
    present = space.distinct_cells.index(_cell(values))
    others = np.where(np.arange(weights.size) == present, 0.0, weights)
    mutant = vector.copy()
    if others.any():
        cell = space.distinct_cells[rng.choice(weights.size, p=others / others.sum())]
        mutant[start : start + width] = _cell_vector(space, cell)
    return mutant


def diverse_start(space: SearchSpace, n: int, rng: np.random.Generator) -> list[Genotype]:
    """Return n genotypes of one cell each, repeated throughout, as FALSR starts (arXiv 1901.07261).

    No cell is used twice until all are. The connections of each genotype are random, dense or empty by a fair draw. A
    genotype may come twice once every cell was used.
    """
    cells: list[Cell] = []
    while len(cells) < n:
        cells += [space.distinct_cells[i] for i in rng.permutation(len(space.distinct_cells))]
    return [_repeated(space, cell, rng) for cell in cells[:n]]


def stratified_start(
    space: SearchSpace,
    n: int,
    rng: np.random.Generator,
    cost: Callable[[Genotype], float],
    accept: Callable[[Genotype], bool],
) -> list[Genotype]:
    """Return different genotypes that are accepted, spread evenly over the logarithm of their cost.

    A pool of 20 n is drawn, half with every gene uniform, which crowds about the middle, half from random parts of the
    space, which reach the ends. Of those accepted, the nearest to each of n evenly spaced log costs is kept, from the
    cheapest to the dearest of the pool.

    Args:
        space: Where genotypes come from.
        n: How many are wanted.
        rng: Source of randomness.
        cost: Above 0 for every genotype that is accepted.
        accept: Whether a genotype may be in.

    Returns:
        n genotypes in random order, so that any first of them are spread as well; all that were accepted where there
        are fewer.
    """
    draws = (_sample_part(space, rng) if i % 2 else space.sample(rng) for i in range(POOL * n))
    pool = list(_accepted(space, draws, accept))
    logs = np.array([math.log(cost(genotype)) for genotype in pool])
    kept = _evenly(logs, n) if len(pool) > n else list(range(len(pool)))
    return [pool[kept[i]] for i in rng.permutation(len(kept))]


def _evenly(figures: NDArray[np.float64], n: int) -> list[int]:
    """Places of n figures, each the nearest one left to its turn of n evenly spaced figures; ties go to the first."""
    left = figures.copy()
    kept = []
    for target in np.linspace(figures.min(), figures.max(), n):
        nearest = int(np.abs(left - target).argmin())
        left[nearest] = np.inf
        kept.append(nearest)
    return kept


def _accepted(space: SearchSpace, draws: Iterable[Genotype], accept: Callable[[Genotype], bool]) -> Iterator[Genotype]:
    """Those accepted among the draws, each once; ends early where the whole space was drawn."""
    seen: set[Genotype] = set()
    for genotype in draws:
        if genotype in seen:
            continue
        seen.add(genotype)
        if accept(genotype):
            yield genotype
        if len(seen) == space.distinct_size:
            return


def _sample_part(space: SearchSpace, rng: np.random.Generator) -> Genotype:
    """A genotype of a random part of the space: few values of each kind of cell gene, and some density of skips."""
    parts = [_some(choices, rng) for choices in space.cell_choices]
    cells = tuple(_cell(part[rng.integers(len(part))] for part in parts) for _ in range(space.n_cells))
    return _connected(space, cells, rng.random(len(space.possible_skips)) < rng.random())


def _some(choices: Sequence[str | int | bool], rng: np.random.Generator) -> list[str | int | bool]:
    """One of the choices, or as likely a random number of them, from one to all."""
    size = int(rng.integers(1, len(choices), endpoint=True)) if rng.random() < 0.5 else 1
    return [choices[i] for i in rng.choice(len(choices), size, replace=False)]


def _repeated(space: SearchSpace, cell: Cell, rng: np.random.Generator) -> Genotype:
    n_skips = len(space.possible_skips)
    connections = rng.integers(2, size=n_skips), np.ones(n_skips), np.zeros(n_skips)
    return _connected(space, (cell,) * space.n_cells, connections[rng.integers(3)] > 0)


def _connected(space: SearchSpace, cells: tuple[Cell, ...], present: NDArray[np.bool_]) -> Genotype:
    """The genotype of these cells with those of the possible skips that are present."""
    sources: list[list[int]] = [[i] for i in range(space.n_cells + 1)]
    for (source, block), is_present in zip(space.possible_skips, present, strict=True):
        if is_present:
            sources[block - 1].append(source)
    return Genotype(features=space.features, cells=cells, inputs=tuple(map(tuple, sources)))


def _cell(values: Iterable[Any]) -> Cell:
    """The cell of one value for each of its genes, in their order."""
    return Cell(*values)


def _cell_vector(space: SearchSpace, cell: Cell) -> list[int]:
    names = ("operator", "channels", "kernel", "repeats", "residual")
    return [choices.index(getattr(cell, name)) for name, choices in zip(names, space.cell_choices, strict=True)]


def _cell_cost(cell: Cell, in_channels: int, metric: Metric) -> int:
    """Parameters, or mult-adds at each pixel, of one cell that reads so many channels."""
    alone = Genotype(features=in_channels, cells=(cell,), inputs=((0,), (1,)))
    layers = [layer for layer in convolutions(alone, scale=2, channels=1) if layer.name.startswith("cells.")]
    return sum(layer.params if metric == "params" else layer.weights for layer in layers)
