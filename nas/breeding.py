"""The engine that a search's spec asks for. Knows specs and engines, neither stores nor workers."""

from __future__ import annotations

from functools import partial

from search_space.spaces import get_space

from .engine.base import Engine, EngineSettings
from .engine.building import build_engine
from .known import KnownFigures, violations
from .records import Search


def engine_of(search: Search) -> Engine:
    """A new engine for a search that was begun."""
    spec = search.spec
    return build_engine(
        EngineSettings(
            space=get_space(spec.space),
            objectives=spec.objective_values,
            population=spec.population,
            seed=spec.seed,
            initial=spec.initial_genotypes,
            known=KnownFigures(spec),
            screen=partial(violations, spec),
            reference=tuple(search.reference_point[o.metric] for o in spec.objective_values),
            rungs=spec.recipe.rungs,
            rung_factor=spec.recipe.rung_factor,
            options=spec.engine,
        )
    )
