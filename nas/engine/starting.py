"""The first population of a search: the initial genotypes, then what the option `start` says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from search_space.encoding import encode
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from .base import EngineSettings
from .breeding import diverse_start, stratified_start
from .unseen import Unseen, has_cells

COST = "mult_adds"
"""The known figure over whose logarithm a stratified start is spread, and by which a generation is dispatched."""


def start_vectors(settings: EngineSettings, unseen: Unseen, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Different vectors that pass the screen, the initial genotypes' first: `population` of them, or all there are."""
    given = {genotype.digest: encode(settings.space, genotype) for genotype in settings.initial}
    size = max(settings.population, sum(bool(unseen.fresh(vector[None], ())) for vector in given.values()))
    kept: dict[bytes, NDArray[np.int64]] = {}
    for vector in _candidates(settings, unseen, rng, kept):
        if len(kept) == size:
            break
        if unseen.fresh(vector[None], kept):
            kept[vector.tobytes()] = vector
    return list(kept.values())


def _candidates(
    settings: EngineSettings, unseen: Unseen, rng: np.random.Generator, kept: dict[bytes, NDArray[np.int64]]
) -> Iterator[NDArray[np.int64]]:
    """The initial genotypes, those that the option asks for, and then random ones without end while there are any."""
    yield from (encode(settings.space, genotype) for genotype in settings.initial)
    missing = settings.population - len(kept)
    if missing > 0:
        yield from (encode(settings.space, genotype) for genotype in _chosen(settings, unseen, missing, rng))
    while (vector := unseen.draw(rng, kept)) is not None:
        yield vector


def _chosen(settings: EngineSettings, unseen: Unseen, n: int, rng: np.random.Generator) -> list[Genotype]:
    space, start = settings.space, settings.options.start
    if start == "random" or not has_cells(space):
        return []
    if start == "diverse":
        return diverse_start(space, n, rng)
    if COST not in settings.known(encode(space, space.sample(rng))[None]):
        return []
    return stratified_start(
        space,
        n,
        rng,
        cost=lambda genotype: float(settings.known(encode(space, genotype)[None])[COST][0]),
        accept=lambda genotype: bool(unseen.fresh(encode(space, genotype)[None], ())),
    )


def refuse_foreign(settings: EngineSettings) -> None:
    """Raise `InvalidInput`, naming all that is wrong, unless every initial genotype is of the space."""
    problems = [
        Problem(f"initial[{i}].{problem.field}", problem.value, problem.allowed)
        for i, genotype in enumerate(settings.initial)
        for problem in settings.space.explain(genotype)
    ]
    if problems:
        raise InvalidInput(problems, f"Start from genotypes of the space {settings.space.name}.")
