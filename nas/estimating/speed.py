"""How fast networks are trained here: seconds for so much work, out of the trainings that searches recorded last."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.finishing import patch_pixels
from evaluator.provenance import is_cpu
from search_space.cost import LR_PIXELS

from ..records import Search
from ..spec import SearchSpec
from ..store.base import Store

SEARCHES, CANDIDATES = 8, 50
"""How many searches are looked at, newest first, and candidates of each, evenly spread: a bounded read."""

LISTED = 50
"""Searches among which these are looked for."""

NEAREST = 25
"""Trainings that tell a speed, those of networks nearest in size: small ones take longer for each multiply-add."""

FEW = 8
"""With fewer trainings than that quartiles say nothing, and a range is half and double."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A training that was recorded.

    Attributes:
        device: Name of the device.
        precision: What it computed in.
        enlarges: Scale and channels.
        mult_adds: Of its network, at 230,400 LR pixels.
        pixels: LR pixels of the patches that it trained on.
        train_s: Seconds of training.
    """

    device: str
    precision: str
    enlarges: tuple[int, int]
    mult_adds: float
    pixels: float
    train_s: float

    @property
    def rate(self) -> float:
        """Seconds for each multiply-add of the forward passes."""
        return self.train_s / work(self.pixels, self.mult_adds)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Seconds for each multiply-add of the forward passes, on one kind of device.

    Attributes:
        low, likely, high: Quartiles; half and double of the median where they were taken over few trainings.
        count: Trainings that they were taken over.
        device: Name of the device that these ran on.
        alike: Whether these had the scale and the channels that the spec asks for.
        precise: Whether these computed in what the spec asks for.
    """

    low: float
    likely: float
    high: float
    count: int
    device: str
    alike: bool
    precise: bool


def work(pixels: float, mult_adds: float) -> float:
    """Multiply-adds of forward passes over so many LR pixels, of a network whose figure is at 230,400 of them."""
    return pixels * mult_adds / LR_PIXELS


def recorded(store: Store) -> list[Trained]:
    """Some hundreds of the trainings that the newest searches recorded, the newest search's first."""
    searches = [search for search in store.searches(limit=LISTED) if search.progress.steps][:SEARCHES]
    return [trained for search in searches for trained in _of_search(store, search)]


def _of_search(store: Store, search: Search) -> Iterator[Trained]:
    count = search.progress.evaluated
    ordinals = {round(number) for number in np.linspace(0, count - 1, min(count, CANDIDATES))}
    recipe = search.spec.recipe
    for candidate in store.candidates(search.id, ordinals=ordinals, limit=None):
        seen = candidate.evaluation
        if seen is None or seen.failure_kind is not None or seen.steps < 1 or seen.train_s <= 0:
            continue
        yield Trained(
            device=seen.device,
            precision=seen.precision,
            enlarges=(search.spec.scale, search.spec.channels),
            mult_adds=candidate.mult_adds,
            pixels=patch_pixels(recipe) / recipe.steps * seen.steps,
            train_s=seen.train_s,
        )


def allows(spec: SearchSpec, device: str) -> bool:
    """Whether a spec may be trained on a device of some name."""
    kind = spec.recipe.device
    return kind == "any" or is_cpu(device) == (kind == "cpu")


def speed_of(spec: SearchSpec, mult_adds: float, seen: Sequence[Trained], up: Collection[str]) -> Speed | None:
    """How fast networks of some size are trained; None where nothing like it was trained yet.

    Args:
        spec: What is asked for.
        mult_adds: Of the network.
        seen: What was trained, the newest search's first.
        up: Names of the devices of the workers that are up, which count before any other.
    """
    fitting = [trained for trained in seen if allows(spec, trained.device)]
    device = next((t.device for t in fitting if t.device in up), fitting[0].device if fitting else "")
    there = [trained for trained in fitting if trained.device == device]
    alike = [trained for trained in there if trained.enlarges == (spec.scale, spec.channels)]
    asked = spec.recipe.precision
    precise = [trained for trained in alike or there if asked in ("auto", trained.precision)]
    chosen = _nearest(precise or alike or there, mult_adds)
    if not chosen:
        return None
    low, likely, high = np.quantile([trained.rate for trained in chosen], [0.25, 0.5, 0.75]).tolist()
    if len(chosen) < FEW:
        low, high = likely / 2, likely * 2
    return Speed(
        low=low,
        likely=likely,
        high=high,
        count=len(chosen),
        device=device,
        alike=bool(alike),
        precise=bool(precise),
    )


def _nearest(seen: Iterable[Trained], mult_adds: float) -> list[Trained]:
    return sorted(seen, key=lambda trained: abs(math.log(trained.mult_adds / mult_adds)))[:NEAREST]
