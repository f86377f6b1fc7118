"""Profiles of devices, and the searches that predict latencies with them. Reads files; measures nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluator.latency.profile import DeviceProfile, read_profile
from search_space.encoding import upper_bounds
from search_space.errors import InvalidInput, Problem
from search_space.spaces import get_space

from .latency import Latencies
from .spec import LatencySpec, SearchSpec

TRIED = 500
"""Random networks that a profile must price: of the cells of the space falsr each comes up several times."""

PROFILE = "latency.profile"
HINT = "run srnas profile-device on the device that the networks are for, or set latency.mode to measured"


def with_profile(spec: SearchSpec, home: Path) -> SearchSpec:
    """The spec with all that its latency depends on, so that the search needs no file and is the same anywhere.

    Args:
        spec: As it was sent: of its profile it may have the name, or nothing, which asks for the newest.
        home: Folder that holds the profiles of devices.

    Raises:
        InvalidInput: There is no such profile, it cannot be read, or it was made for other networks or images.
    """
    timing = spec.timing
    if timing is None or timing.mode == "measured":
        return spec.model_copy(update={"latency": timing})
    profile = timing.profile if isinstance(timing.profile, DeviceProfile) else _named(timing.profile, home)
    problems = list(_misfits(spec, timing, profile))
    if problems:
        raise InvalidInput(problems)
    _refuse_gaps(spec, profile)
    return spec.model_copy(update={"latency": timing.model_copy(update={"profile": profile})})


def _named(name: str | None, home: Path) -> DeviceProfile:
    """A profile by its name; the newest one without a name."""
    found = {path.stem: path for path in sorted((home / "devices").glob("*.json"))}
    if name is None and found:
        name = max(found, key=lambda stem: found[stem].stat().st_mtime_ns)
    if name is None or name not in found:
        there = f"one of {', '.join(found)}" if found else "a profile of a device, and there is none"
        raise InvalidInput([Problem(PROFILE, name, f"{there}: {HINT}")])
    try:
        return read_profile(home, name)
    except InvalidInput as error:
        raise InvalidInput([Problem(PROFILE, name, f"a profile that can be read: {error}; {HINT}")]) from error


def _misfits(spec: SearchSpec, timing: LatencySpec, profile: DeviceProfile) -> Iterator[Problem]:
    """What a search asks for and its profile was not made for."""
    asked = {
        "latency.width": (timing.width, profile.target.lr_width),
        "latency.height": (timing.height, profile.target.lr_height),
        "scale": (spec.scale, profile.scale),
        "channels": (spec.channels, profile.channels),
        "space": (spec.space, profile.space),
    }
    for field, (value, made_for) in asked.items():
        if value != made_for:
            yield Problem(field, value, f"{made_for}, for which the profile {profile.name} was made; or {HINT}")


def _refuse_gaps(spec: SearchSpec, profile: DeviceProfile) -> None:
    """Raise `InvalidInput` where a profile does not price all that networks of the space are made of."""
    bounds = upper_bounds(get_space(spec.space))
    drawn = np.random.default_rng(0).integers(0, bounds, size=(TRIED, bounds.size), endpoint=True)
    try:
        Latencies(spec, profile)(drawn)
    except InvalidInput as error:
        raise InvalidInput([Problem(PROFILE, profile.name, f"a whole one: {error}")]) from error
