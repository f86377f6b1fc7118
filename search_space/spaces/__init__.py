"""The registry of search spaces: an explicit list. A new space is a file here and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import UnknownSpace
from ..space import SearchSpace
from .falsr import FALSR
from .tiny import TINY

SPACES: Mapping[str, SearchSpace] = MappingProxyType({space.name: space for space in (FALSR, TINY)})
"""Every search space by its name."""


def get_space(name: str) -> SearchSpace:
    """Return the space of this name.

    Raises:
        UnknownSpace: There is none; names those there are.
    """
    if name not in SPACES:
        raise UnknownSpace(name, tuple(SPACES))
    return SPACES[name]
