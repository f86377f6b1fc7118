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
        spec: As it was sent: of its profile it may have the name, or nothing, which asks for the newest that fits.
        home: Folder that holds the profiles of devices.

    Raises:
        InvalidInput: There is no such profile, it cannot be read, or it was made for other networks or images.
    """
    timing = spec.timing
    if timing is None or timing.mode == "measured":
        return spec.model_copy(update={"latency": timing})
    profile = timing.profile
    if not isinstance(profile, DeviceProfile):
        profile = _newest(spec, timing, home) if profile is None else _named(profile, home)
    problems = list(_misfits(spec, timing, profile))
    if problems:
        raise InvalidInput(problems)
    _refuse_gaps(spec, profile)
    return spec.model_copy(update={"latency": timing.model_copy(update={"profile": profile})})


def _named(name: str, home: Path) -> DeviceProfile:
    """A profile by its name."""
    found = _names(home)
    if name not in found:
        there = f"one of {', '.join(sorted(found))}" if found else f"the name of a profile in {home / 'devices'}"
        raise InvalidInput([Problem(PROFILE, name, f"{there}; or {HINT}")])
    try:
        return read_profile(home, name)
    except InvalidInput as error:
        why = "; ".join(problem.allowed for problem in error.problems)
        raise InvalidInput([Problem(PROFILE, name, f"a profile that can be read ({why}); or {HINT}")]) from error


def _newest(spec: SearchSpec, timing: LatencySpec, home: Path) -> DeviceProfile:
    """Of the profiles that fit a spec the one that was written last; of all, where none fits."""
    found = _names(home)
    if not found:
        raise InvalidInput([Problem(PROFILE, None, f"a profile in {home / 'devices'}, and there is none: {HINT}")])
    for name in found:
        try:
            profile = read_profile(home, name)
        except InvalidInput:
            continue
        if not list(_misfits(spec, timing, profile)):
            return profile
    return _named(found[0], home)


def _names(home: Path) -> list[str]:
    """The profiles that lie there, the one written last first."""
    paths = (home / "devices").glob("*.json")
    return [path.stem for path in sorted(paths, key=lambda path: (-path.stat().st_mtime_ns, path.stem))]


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
