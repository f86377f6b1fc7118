"""The engine that a search's spec asks for. Knows specs and engines, neither stores nor workers."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from evaluator.cost import overhead
from search_space.batch import BatchCosts
from search_space.spaces import get_space

from .engine.base import Engine, EngineSettings, Figures, Vectors
from .engine.building import build_engine
from .records import Search
from .spec import SearchSpec


def engine_of(search: Search) -> Engine:
    """A new engine for a search that was begun."""
    spec = search.spec
    space = get_space(spec.space)
    count = BatchCosts(space, scale=spec.scale, channels=spec.channels)
    return build_engine(
        EngineSettings(
            space=space,
            objectives=spec.objective_values,
            population=spec.population,
            seed=spec.seed,
            initial=spec.initial_genotypes,
            known=partial(_known, count, overhead(spec.recipe, scale=spec.scale, channels=spec.channels)),
            screen=partial(_violation, spec),
            reference=tuple(search.reference_point[o.metric] for o in spec.objective_values),
            rungs=spec.recipe.rungs,
            rung_factor=spec.recipe.rung_factor,
            options=spec.engine,
        )
    )


def _known(count: BatchCosts, overhead: int, vectors: Vectors) -> Figures:
    """The costs as they are deployed: what the recipe wraps around a network is counted."""
    params, mult_adds = count(vectors)
    return {"params": params.astype(np.float64), "mult_adds": (mult_adds + overhead).astype(np.float64)}


def _violation(spec: SearchSpec, figures: Figures) -> NDArray[np.float64]:
    """Violation of the constraints on known figures, as `objectives.total_violation` adds it up for one network."""
    total = np.zeros(next(iter(figures.values())).shape)
    for constraint in spec.constraint_values:
        if constraint.column in figures:
            total += [constraint.violation(value) for value in figures[constraint.column].tolist()]
    return total
