"""Which networks the table of evaluations holds: a first wave spread over sizes, then waves bred from the best so far.

Everything is drawn from fixed seeds, so equal scores always give equal networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import CHANNELS, SCALE
from nas.objectives import Objective
from nas.pareto import ranks
from search_space.cost import mult_adds, params
from search_space.encoding import decode, encode, upper_bounds
from search_space.genotype import Genotype
from search_space.spaces import get_space

SPACE = get_space("falsr")
FIRST, WAVE = 160, 40
SMALLEST, LARGEST = 20_000, 600_000
"""Parameters; the first wave is spread evenly over their logarithm."""
POOL = 4000
"""Draws of each kind that the first wave is chosen from."""


@dataclass(frozen=True)
class Scored:
    """A network and the PSNR in dB that it was found to have."""

    genotype: Genotype
    psnr_db: float


def size(genotype: Genotype) -> int:
    """Parameters of the network."""
    return params(genotype, scale=SCALE, channels=CHANNELS)


@cache
def first_wave() -> tuple[Genotype, ...]:
    """160 networks, one from each of as many equal stretches of log parameters, in random order.

    Half of the pool is drawn uniformly. The other half is drawn from random subsets of the genes' values, since
    uniform draws have little of the small and the large.
    """
    rng = np.random.default_rng(0)
    pool: dict[str, Genotype] = {}
    for _ in range(POOL):
        for genotype in (SPACE.sample(rng), _tilted(rng)):
            if size(genotype) <= LARGEST:
                pool[genotype.digest] = genotype
    candidates = list(pool.values())
    logs = np.log([size(genotype) for genotype in candidates])
    edges = np.linspace(np.log(SMALLEST), np.log(LARGEST), FIRST + 1)
    chosen = []
    for low, high in pairwise(edges):
        inside = np.flatnonzero((low <= logs) & (logs < high))
        if len(inside):
            chosen.append(candidates[inside[int(rng.integers(len(inside)))]])
    while len(chosen) < FIRST:
        chosen.append(candidates[int(rng.integers(len(candidates)))])
    return tuple(chosen[place] for place in rng.permutation(len(chosen)))


def _tilted(rng: np.random.Generator) -> Genotype:
    """Draw a genotype whose cells share a random subset of each gene's values, and whose skips share a density."""
    vector = []
    kept: dict[str, NDArray[np.int64]] = {}
    density = rng.random()
    for gene in SPACE.genes:
        _, dot, kind = gene.name.partition(".")
        if not dot:
            vector.append(int(rng.random() < density))
            continue
        if kind not in kept:
            kept[kind] = _subset(len(gene.choices), rng)
        vector.append(int(rng.choice(kept[kind])))
    return decode(SPACE, np.array(vector))


def _subset(choices: int, rng: np.random.Generator) -> NDArray[np.int64]:
    keep = rng.random(choices) < 0.5
    if not keep.any():
        keep[rng.integers(choices)] = True
    return np.flatnonzero(keep)


def bred_wave(number: int, scored: Sequence[Scored]) -> list[Genotype]:
    """40 new networks, bred from those scored so far.

    Parents win tournaments on their rank in (PSNR, mult-adds); crossover is uniform, and two genes mutate on average.

    Args:
        number: Of the wave, from 0.
        scored: At least two networks.
    """
    rng = np.random.default_rng([7, number])
    costs = [mult_adds(one.genotype, scale=SCALE, channels=CHANNELS) for one in scored]
    points = np.column_stack([[one.psnr_db for one in scored], costs])
    rank = ranks(points, (Objective.of("psnr"), Objective.of("mult_adds")))
    vectors = [encode(SPACE, one.genotype) for one in scored]
    seen = {one.genotype for one in scored}
    children: list[Genotype] = []
    while len(children) < WAVE:
        first, second = (_tournament(rank, rng) for _ in range(2))
        child = decode(SPACE, _mutated(_crossed(vectors[first], vectors[second], rng), rng))
        if child not in seen and size(child) <= LARGEST:
            seen.add(child)
            children.append(child)
    return children


def _tournament(rank: NDArray[np.int64], rng: np.random.Generator) -> int:
    one, other = (int(place) for place in rng.integers(len(rank), size=2))
    return one if rank[one] <= rank[other] else other


def _crossed(first: NDArray[np.int64], second: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return np.where(rng.random(len(first)) < 0.5, first, second)


def _mutated(vector: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Move each of about two genes to another of its values."""
    bounds = upper_bounds(SPACE)
    hit = np.flatnonzero(rng.random(len(vector)) < 2 / len(vector))
    vector[hit] = (vector[hit] + rng.integers(1, bounds[hit], endpoint=True)) % (bounds[hit] + 1)
    return vector
