"""Genotypes as numbers that a regression can learn from. Knows genes and layers; nothing of scores.

Genes alone say little about a network until hundreds were trained. What its layers do to a signal before any training
says more: how strong activations get, and how alike those of two places of an image, which it has to tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from search_space.ops import EXPANSION, OPERATORS
from search_space.space import Gene, SearchSpace

from .base import Vectors

Floats = NDArray[np.float64]

SIGNAL = ("log_weights", "log_unlikeness", "log_difference", "log_drive", "spatial")
SHAPE = ("log_reach", "depth", "shortest", "skips", "residuals")

LIKENESS = 0.6
"""Correlation of the two inputs whose signals are followed. Rankings hardly depend on it."""

DAMPING = 0.2
"""Gain of the initial weights of a bottleneck's projection under the default recipe."""

FLOOR = 1e-9
"""The least difference that is told from none before a logarithm."""


class Genes(Protocol):
    """As much of a search space as features need: a `SearchSpace`, or a plain table of choices."""

    @property
    def genes(self) -> Sequence[Gene]:
        """Every free choice."""
        ...


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which columns each group of features takes.

    Attributes:
        signal: Size, and what the layers do to a signal: `SIGNAL`; none for a table.
        shape: Reach, depth and counts: `SHAPE`, then cells of each operator; none for a table.
        genes: The one-hot genome.
        n_genes: How many genes that encodes.
    """

    signal: slice
    shape: slice
    genes: slice
    n_genes: int


class Features:
    """Gives the features of genotypes of one space; 200 networks of FALSR take a few milliseconds.

    Args:
        space: A `SearchSpace`, whose networks are looked at as well as their genes, or any table of genes.
    """

    def __init__(self, space: Genes) -> None:
        self._cells = space if isinstance(space, SearchSpace) else None
        self._codes = [_codes(len(gene.choices)) for gene in space.genes]
        signal = 0 if self._cells is None else len(SIGNAL)
        shape = signal + (0 if self._cells is None else len(SHAPE) + len(self._cells.operators))
        self.layout = Layout(
            signal=slice(0, signal),
            shape=slice(signal, shape),
            genes=slice(shape, shape + sum(codes.shape[1] for codes in self._codes)),
            n_genes=len(self._codes),
        )

    def of(self, vectors: Vectors) -> Floats:
        """Return the features of genotypes, all finite.

        In the genes group a gene with two values is one number, 0 or 1; any other is one-hot with sqrt(1/2) for 1. So
        the squared distance of two genotypes there is the number of genes in which they differ.

        Args:
            vectors: Shape (n, genes), canonical.

        Returns:
            Shape (n, columns of the layout).
        """
        genes = [codes[column] for codes, column in zip(self._codes, vectors.T, strict=True)]
        networks = [] if self._cells is None else _of_networks(_networks(self._cells, vectors))
        return np.concatenate([*networks, *genes], axis=1)


def _codes(choices: int) -> Floats:
    """The numbers that stand for each value of a gene, a row each."""
    return np.array([[0.0], [1.0]]) if choices == 2 else math.sqrt(0.5) * np.eye(choices)


@dataclass(frozen=True, kw_only=True)
class _Networks:
    """The cells of n networks as arrays of shape (n, cells), but for reads and operators.

    Attributes:
        features: Channels of block 0 and of the tail's fusion.
        operators: One array for each operator of the space, which cells have it; bool.
        bottleneck: Which cells are inverted bottlenecks; bool.
        groups: Groups of their convolutions.
        widths: Channels that each block gives out, shape (n, cells + 1).
        kernels: Kernel sides.
        repeats: Repeats.
        residuals: Which cells add a residual; bool.
        reads: Which blocks each cell, and last the tail, reads; shapes (n, 1), (n, 2), ..., bool.
    """

    features: int
    operators: list[NDArray[np.bool_]]
    bottleneck: NDArray[np.bool_]
    groups: NDArray[np.int64]
    widths: NDArray[np.int64]
    kernels: NDArray[np.int64]
    repeats: NDArray[np.int64]
    residuals: NDArray[np.bool_]
    reads: list[NDArray[np.bool_]]

    @property
    def channels(self) -> NDArray[np.int64]:
        """Channels that each cell gives out."""
        return self.widths[:, 1:]

    @property
    def in_channels(self) -> NDArray[np.int64]:
        """Channels that each cell, and last the tail, takes in; shape (n, cells + 1)."""
        return np.stack([(self.widths[:, : i + 1] * read).sum(axis=1) for i, read in enumerate(self.reads)], axis=1)


def _networks(space: SearchSpace, vectors: Vectors) -> _Networks:
    n, per_cell = len(vectors), len(space.cell_choices)
    micro = vectors[:, : per_cell * space.n_cells].reshape(n, space.n_cells, per_cell)
    operator, channels, kernels, repeats, residuals = (
        np.array(values)[micro[..., i]] for i, values in enumerate(space.cell_choices)
    )
    reads = [np.arange(i + 1) == np.full((n, 1), i) for i in range(space.n_cells + 1)]
    for (source, block), present in zip(space.possible_skips, vectors[:, per_cell * space.n_cells :].T, strict=True):
        reads[block - 1][:, source] = present > 0
    kinds = [OPERATORS[name] for name in space.operators]
    return _Networks(
        features=space.features,
        operators=[operator == name for name in space.operators],
        bottleneck=np.array([kind.bottleneck for kind in kinds])[micro[..., 0]],
        groups=np.array([kind.groups for kind in kinds])[micro[..., 0]],
        widths=np.column_stack([np.full(n, space.features), channels]),
        kernels=kernels,
        repeats=repeats,
        residuals=residuals & (repeats > 1),
        reads=reads,
    )


def _of_networks(networks: _Networks) -> list[Floats]:
    return [np.column_stack(_signal(networks)), np.column_stack(_shape(networks))]


class _Moments(NamedTuple):
    """What channels hold on average at birth: the square of a value, and its product with that of another place."""

    power: Floats
    shared: Floats

    def rectified(self) -> _Moments:
        """After a convolution drawn after He and a ReLU: the power stays, places grow alike (Cho and Saul 2009)."""
        cosine = np.clip(self.shared / self.power, -1.0, 1.0)
        kept = (np.sqrt(1 - cosine**2) + cosine * (math.pi - np.arccos(cosine))) / math.pi
        return _Moments(self.power, self.power * kept)

    def plus(self, other: _Moments, factor: float = 1.0) -> _Moments:
        """The sum with a signal that is independent of this one and scaled in its power."""
        return _Moments(self.power + factor * other.power, self.shared + factor * other.shared)

    def where(self, condition: NDArray[np.bool_], other: _Moments) -> _Moments:
        """These, and others where a condition fails."""
        return _Moments(np.where(condition, self.power, other.power), np.where(condition, self.shared, other.shared))


def _signal(networks: _Networks) -> list[Floats]:
    """The columns of `SIGNAL`, by the mean field of wide random networks (Poole et al. 2016, arXiv 1606.05340)."""
    n, cells = networks.repeats.shape
    moments = [_Moments(np.ones(n), np.full(n, LIKENESS)).rectified()]
    for i in range(cells):
        read = _read(networks, moments, i)
        bottleneck = _bottleneck(read, networks.repeats[:, i], networks.residuals[:, i])
        convolution = _convolution(read, networks.repeats[:, i], networks.residuals[:, i])
        moments.append(bottleneck.where(networks.bottleneck[:, i], convolution))
    power, shared = _read(networks, moments, cells)
    return [
        np.log(_weights(networks)),
        np.log(np.maximum(1 - shared / power, FLOOR)),
        np.log(np.maximum(power - shared, FLOOR)),
        np.log(networks.in_channels[:, -1]) + np.log(power) / 2,  # how far a step of Adam on the fusion moves it
        (networks.repeats * (networks.kernels > 1)).sum(axis=1).astype(np.float64),
    ]


def _read(networks: _Networks, moments: Sequence[_Moments], i: int) -> _Moments:
    """The moments of what cell i + 1, or the tail, reads: the mean over the channels of its sources."""
    share = networks.widths[:, : i + 1] * networks.reads[i]
    share = share / share.sum(axis=1, keepdims=True)
    power, shared = (np.stack(parts, axis=1) for parts in zip(*moments, strict=True))
    return _Moments((share * power).sum(axis=1), (share * shared).sum(axis=1))


def _convolution(read: _Moments, repeats: NDArray[np.int64], residual: NDArray[np.bool_]) -> _Moments:
    first = last = read.rectified()
    for repeat in range(1, int(repeats.max(initial=1))):
        last = last.rectified().where(repeats > repeat, last)
    means = 2 * first.power / math.pi  # neither term is negative, so that even independent ones have this in common
    return first.plus(last).plus(_Moments(means, means)).where(residual, last)


def _bottleneck(read: _Moments, repeats: NDArray[np.int64], residual: NDArray[np.bool_]) -> _Moments:
    supple = last = read.plus(read)  # no ReLU halves what He's gain doubles
    for repeat in range(int(repeats.max(initial=1))):
        last = last.plus(last.rectified().rectified(), 2 * DAMPING**2).where(repeats > repeat, last)
    return last.plus(supple, 3.0).where(residual, last)  # last is supple + rest, the sum 2 supple + rest


def _weights(networks: _Networks) -> NDArray[np.int64]:
    """Weights of the cells and of the tail's fusion, shape (n,): all that genes can change."""
    *_, fusion = reads = networks.in_channels.T
    read, width, repeats, area = np.array(reads[:-1]).T, networks.channels, networks.repeats, networks.kernels**2
    wide = EXPANSION * width
    bottleneck = read * width + repeats * (2 * area * width * wide + 9 * wide)
    convolution = (read + (repeats - 1) * width) * width * area // networks.groups
    cells = np.where(networks.bottleneck, bottleneck, convolution).sum(axis=1)
    return np.asarray(cells + 9 * networks.features * fusion)


def _shape(networks: _Networks) -> list[Floats]:
    """The columns of `SHAPE`, then how many cells each operator has."""
    bottleneck, repeats = networks.bottleneck, networks.repeats
    lengths = np.where(bottleneck, 1 + 3 * repeats, repeats)
    reaches = np.where(bottleneck, 2 * repeats * networks.kernels, repeats * (networks.kernels - 1))
    counts = [
        lengths.sum(axis=1),  # every block reads its predecessor, so the longest path takes every convolution
        _shortest(networks, lengths),
        sum(read[:, :-1].sum(axis=1) for read in networks.reads),
        networks.residuals.sum(axis=1),
        *(chosen.sum(axis=1) for chosen in networks.operators),
    ]
    return [np.log1p(reaches.sum(axis=1)), *(np.asarray(count, dtype=np.float64) for count in counts)]


def _shortest(networks: _Networks, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Convolutions on the shortest path through the cells, shape (n,)."""
    far = int(lengths.sum(axis=1).max(initial=0)) + 1
    reached = np.zeros((len(lengths), 1), dtype=np.int64)
    for i, read in enumerate(networks.reads):
        nearest = np.where(read, reached, far).min(axis=1)
        own = lengths[:, i] if i < lengths.shape[1] else 0
        reached = np.column_stack([reached, nearest + own])
    shortest: NDArray[np.int64] = reached[:, -1]
    return shortest
