"""The latency that a search predicts, of one network or of many at once, and what it is said to be.

Asks a spec's profile and nothing else: no file, no device, no torch. What is measured is no business of this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evaluator.latency.batch import BatchLatency
from evaluator.latency.profile import DeviceProfile
from evaluator.recipe import Recipe
from search_space.batch import Vectors
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype
from search_space.spaces import get_space

from .spec import SearchSpec

DIGITS = 6
"""Decimals of a predicted latency: a nanosecond. What is added in another order is the same figure all the same."""


def known_latency(spec: SearchSpec, genotype: Genotype) -> float | None:
    """Milliseconds that a search predicts for a network: what its candidates are stored with.

    Returns:
        None where the search measures its latencies, or is about none.

    Raises:
        InvalidInput: The spec was never submitted, and does not hold its profile.
    """
    profile = profile_of(spec)
    if profile is None:
        return None
    latency_ms = profile.predict(genotype, scale=spec.scale, channels=spec.channels, recipe=spec.recipe)
    return round(latency_ms, DIGITS)


def profile_of(spec: SearchSpec) -> DeviceProfile | None:
    """What a search predicts latencies with; None where it predicts none; `InvalidInput` as `known_latency`."""
    timing = spec.timing
    if timing is None or timing.mode != "predicted":
        return None
    if not isinstance(timing.profile, DeviceProfile):
        allowed = "a whole profile, which a search holds once it was submitted"
        raise InvalidInput([Problem("latency.profile", timing.profile, allowed)])
    return timing.profile


class Latencies:
    """The same of many networks at once, to the same digits.

    Args:
        spec: A search that predicts latencies.
        profile: With what.

    Raises:
        InvalidInput: The profile was made for another scale or other channels.
    """

    def __init__(self, spec: SearchSpec, profile: DeviceProfile) -> None:
        self._predict = _batch(
            _Task(spec.space, spec.scale, spec.channels, spec.recipe, digest=profile.digest, profile=profile)
        )

    def __call__(self, vectors: Vectors) -> NDArray[np.float64]:
        """Milliseconds, shape (n,), of gene vectors of shape (n, genes); `InvalidInput` where a price is missing."""
        return np.round(self._predict(vectors), DIGITS)


@dataclass(frozen=True)
class _Task:
    """All that predictions depend on; a profile is told by its digest."""

    space: str
    scale: int
    channels: int
    recipe: Recipe
    digest: str
    profile: DeviceProfile = field(compare=False)


@lru_cache(maxsize=8)
def _batch(task: _Task) -> BatchLatency:
    """Made once for the checks of a spec and for its engine: it takes a second."""
    space = get_space(task.space)
    return BatchLatency(task.profile, space, scale=task.scale, channels=task.channels, recipe=task.recipe)


def latency_note(spec: SearchSpec, devices: Iterable[str] = ()) -> str:
    """What a search's latencies are, for a person; empty where it is about none.

    Args:
        spec: The search, submitted.
        devices: Names of the devices that measured them, where that is known.
    """
    if (timing := spec.timing) is None:
        return ""
    if (profile := profile_of(spec)) is not None:
        return f"latency_ms: predicted for {profile.name}, {profile.device}, at {timing.target}{_quality(profile)}"
    where = sorted(set(devices))
    text = f"latency_ms: measured at {timing.target} on {' and '.join(where) or 'the worker that trained the network'}"
    return f"{text}, which do not compare" if len(where) > 1 else text


def _quality(profile: DeviceProfile) -> str:
    """How good a profile is, where that was measured."""
    found = profile.held_out
    if found is None:
        return ""
    tau = "" if found.tau is None else f", tau {found.tau:.2f}"
    return f" (held-out error {found.mean_error:.1%}{tau} on {found.networks} networks)"
