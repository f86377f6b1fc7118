"""Engines by name: an explicit table. A new engine is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search_space.errors import InvalidInput, Problem

from .base import Engine, EngineSettings
from .nsga2 import Nsga2
from .random_search import RandomSearch

ENGINES: Mapping[str, Callable[[EngineSettings], Engine]] = {"nsga2": Nsga2, "random": RandomSearch}


def build_engine(name: str, settings: EngineSettings) -> Engine:
    """Return a new engine.

    Raises:
        InvalidInput: There is no engine of this name, or an initial genotype is not of the space.
    """
    if name not in ENGINES:
        raise InvalidInput([Problem("engine", name, "one of " + ", ".join(ENGINES))])
    return ENGINES[name](settings)
