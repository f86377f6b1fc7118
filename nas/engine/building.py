"""Engines by their options: an explicit table. A new engine is a file here and a line below."""

from __future__ import annotations

from .base import Engine, EngineSettings
from .generational import Generational
from .halving import Halving
from .nsga2 import Nsga2
from .random_search import RandomSearch


def build_engine(settings: EngineSettings) -> Engine:
    """Return a new engine, with rungs around it where the settings have more than one.

    Raises:
        InvalidInput: An initial genotype is not of the space.
    """
    engine = _plain(settings)
    return Halving(engine, settings) if settings.rungs > 1 else engine


def _plain(settings: EngineSettings) -> Engine:
    if settings.options.name == "random":
        return RandomSearch(settings)
    return Generational(settings) if settings.options.mode == "generational" else Nsga2(settings)
