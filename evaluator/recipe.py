"""How a candidate is partially trained: a frozen, versioned value whose digest stands with every score.

Ranks of candidates do not carry over between recipes, so two scores may be compared only when their recipe
digests agree. A recipe knows nothing of networks, devices or files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from typing import Any, Literal, get_args

from search_space.errors import InvalidInput, Problem, meant, present

from .metrics.protocol import PROTOCOLS

Initialisation = Literal["he-damped", "normal"]
Schedule = Literal["constant", "cosine", "stable-decay"]
Device = Literal["any", "cpu", "cuda"]
Precision = Literal["auto", "float32", "tf32", "bfloat16"]

VERSION = 1

_NUMBERS = (
    "learning_rate",
    "decay_fraction",
    "gradient_clip",
    "ema_decay",
    "input_scale",
    "input_offset",
    "settle_tolerance",
)


class InvalidRecipe(InvalidInput):
    """A recipe has fields that are unknown or out of range."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to train a candidate: the optimiser, its schedule and what is wrapped around the network.

    The default is the "He + centring" recipe: the input is mapped by ``input_scale * (x - input_offset)``,
    the output is added to the bicubic upscaling of the input, convolutions start Kaiming-normal with damped
    branches.

    Attributes:
        name: A label for people; not part of the digest. Code may choose any; a spec may not, it names its base.
        steps: Optimiser steps, at least 1. Budgets are counted in steps, never in seconds.
        batch: Patches per step.
        patch: Side of a patch in LR pixels, at least 8.
        learning_rate: Adam's peak step size.
        warmup_steps: Steps over which the rate climbs linearly to its peak.
        schedule: What the rate does after the warm-up: stays ("constant"), falls to zero along half a cosine
            ("cosine"), or stays and then falls linearly to zero over the last ``decay_fraction``
            ("stable-decay").
        decay_fraction: Share of the steps that decay under "stable-decay", in [0, 1].
        gradient_clip: Largest gradient norm; 0 turns clipping off.
        ema_decay: Decay of the exponential moving average of the weights that is scored; 0 scores the raw
            weights.
        initialisation: "he-damped" (Kaiming fan-in, inverted bottlenecks' projections x 0.2, last convolution
            x 0.05, zero biases) or "normal" (standard deviation 0.02, zero biases).
        image_residual: Whether the network's output is added to the bicubic upscaling of its input.
        input_scale: Gain of the input mapping.
        input_offset: Offset of the input mapping.
        protocol: Identifier of the scoring protocol.
        device: The kind of device that may train it: "cpu", "cuda", or "any" of those that there are. A mixed cluster
            gives scores of both kinds under "any", which provenances tell apart; name one to compare like with like.
        precision: What a training computes in (weights, their moments and every score stay float32): "float32";
            "tf32", which rounds what enters a GPU's matrix units and is "float32" on a CPU; "bfloat16" for everything
            between the input mapping and the network's output; or "auto", the fastest of them that the device has
            in hardware. What "auto" became stands in the provenance of each score.
        deterministic: Whether a GPU may train with nothing but algorithms that give equal results every time, at some
            cost of speed. A CPU never uses others.
        settle_window: Steps in each of the two stretches that the stopping rule compares, to end a training whose
            image gets no sharper; 0 turns the rule off and every step is taken. It costs the prediction of one small
            crop each step, and gives up a decay of the learning rate that had not begun.
        settle_tolerance: How little the ratio of blurriness to sharpness may have moved for training to end early.
        rungs: Lengths at which a candidate may be scored, 1 to 10; 1 trains for ``steps`` and no others. More need
            the schedule "stable-decay", whose stable phases are one another's beginnings, no `settle_window`, and a
            shortest rung longer than the warm-up. What is trained at one is what a recipe of that length alone trains.
        rung_factor: How many times longer a rung is than the one below it, 2 to 10; means nothing with one rung.
    """

    name: str = "default"
    steps: int = 300
    batch: int = 8
    patch: int = 24
    learning_rate: float = 1e-3
    warmup_steps: int = 10
    schedule: Schedule = "stable-decay"
    decay_fraction: float = 0.2
    gradient_clip: float = 1.0
    ema_decay: float = 0.97
    initialisation: Initialisation = "he-damped"
    image_residual: bool = True
    input_scale: float = 4.0
    input_offset: float = 0.45
    protocol: str = "y-float"
    device: Device = "any"
    precision: Precision = "auto"
    deterministic: bool = False
    settle_window: int = 0
    settle_tolerance: float = 0.01
    rungs: int = 1
    rung_factor: int = 2

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise InvalidRecipe(problems)
        for name in _NUMBERS:  # 1 and 1.0 are one recipe, so they must have one digest
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def digest(self) -> str:
        """32 hexadecimal characters that change with every field but the name; with one rung, not with the factor.

        Fields that were added later are left out where they stand for what was always done, so that old digests hold.
        """
        document = self.to_json()
        del document["name"]
        if self.rungs == 1:
            del document["rungs"], document["rung_factor"]
        if self.precision == "float32":
            del document["precision"]
        if self.device == "any":
            del document["device"]
        if not self.deterministic:
            del document["deterministic"]
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def rung_steps(self) -> tuple[int, ...]:
        """Optimiser steps of each rung, fewest first; the last is ``steps``.

        Each is the next one's divided by ``rung_factor``, rounded to the nearest integer (to the even one of two), and
        at least 1.
        """
        ladder = [self.steps]
        while len(ladder) < self.rungs:
            ladder.append(max(1, round(ladder[-1] / self.rung_factor)))
        return tuple(reversed(ladder))

    def at_rung(self, rung: int) -> Recipe:
        """Return the plain recipe of one rung: of as many steps, equal to one that never heard of rungs.

        >>> recipe = Recipe(steps=240, rungs=3)
        >>> recipe.rung_steps
        (60, 120, 240)
        >>> recipe.at_rung(0) == Recipe(steps=60)
        True

        Args:
            rung: 0, the shortest, to ``rungs - 1``.

        Raises:
            ValueError: There is no such rung.
        """
        if not 0 <= rung < self.rungs:
            raise ValueError(f"there is no rung {rung}; rungs are 0 to {self.rungs - 1}")
        return replace(self, steps=self.rung_steps[rung], rungs=1, rung_factor=2)

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON document that `from_json` reads back."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Recipe:
        """Read a document: a named recipe (``name``, "default" if absent) with the fields that it overrides.

        A name that is not in `RECIPES` is a label that code chose: the document of such a recipe holds every field.

        Raises:
            InvalidRecipe: naming every unknown field and every value out of range.
        """
        known = {field.name for field in fields(cls)}
        problems = [
            Problem(
                f"recipe.{key}", present(value), f"no such field; one of {', '.join(sorted(known))}{meant(key, known)}"
            )
            for key, value in document.items()
            if key not in known | {"version"}
        ]
        version = document.get("version", VERSION)
        if type(version) is not int or version != VERSION:  # True equals 1, and is no version
            problems.append(Problem("recipe.version", version, str(VERSION)))
        overrides = {key: value for key, value in document.items() if key in known - {"name"}}
        name = document.get("name", "default")
        base = RECIPES.get(name, RECIPES["default"]) if isinstance(name, str) else RECIPES["default"]
        try:
            recipe = replace(base, name=name, **overrides)
        except InvalidRecipe as error:
            raise InvalidRecipe([*problems, *error.problems]) from None
        if problems:
            raise InvalidRecipe(problems)
        return recipe


RANGES: Mapping[str, tuple[float, float]] = {
    "steps": (1, 10_000_000),
    "batch": (1, 4096),
    "patch": (8, 1024),
    "learning_rate": (1e-8, 1.0),
    "warmup_steps": (0, 1_000_000),
    "decay_fraction": (0.0, 1.0),
    "gradient_clip": (0.0, 1e6),
    "ema_decay": (0.0, 0.999999),
    "input_scale": (1e-3, 1e3),
    "input_offset": (-1.0, 1.0),
    "settle_window": (0, 1_000_000),
    "settle_tolerance": (1e-9, 1e3),
    "rungs": (1, 10),
    "rung_factor": (2, 10),
}
"""Least and greatest value of each field that holds a number; of `settle_window` 1 is none, all the same."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "schedule": get_args(Schedule),
    "initialisation": get_args(Initialisation),
    "protocol": tuple(PROTOCOLS),
    "device": get_args(Device),
    "precision": get_args(Precision),
}
"""What each field that holds a word may hold."""


def _problems(recipe: Recipe) -> list[Problem]:
    """Everything that is wrong with a recipe's values."""
    values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    wrong = {name: allowed for name, value in values.items() if (allowed := _wanted(name, value))}
    problems = [Problem(f"recipe.{name}", present(values[name]), allowed) for name, allowed in wrong.items()]
    return problems + _rung_problems(recipe, set(wrong))


def _wanted(name: str, value: Any) -> str:
    """What a field may hold, in words; empty where it does."""
    if name == "name":
        valid, allowed = isinstance(value, str) and 1 <= len(value) <= 80, "a text of 1 to 80 characters"
    elif name in CHOICES:
        valid, allowed = value in CHOICES[name], f"one of {', '.join(CHOICES[name])}"
    elif name not in RANGES:
        valid, allowed = isinstance(value, bool), "true or false"
    elif name == "settle_window" and value == 1:  # of two stretches of n and n - 1 steps, one would be empty
        valid, allowed = False, "0 for off, or at least 2"
    else:
        low, high = RANGES[name]
        kinds, kind = (int | float, "a number") if name in _NUMBERS else (int, "an integer")
        valid = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high  # a NaN is not
        allowed = f"{kind} from {low:g} to {high:g}" if name in _NUMBERS else f"{kind} from {low} to {high}"
    return "" if valid else allowed


def _rung_problems(recipe: Recipe, wrong: set[str]) -> list[Problem]:
    """Which fields, each right in itself, do not go with the number of rungs; those in ``wrong`` are not looked at."""
    if "rungs" in wrong or recipe.rungs == 1:
        return []
    problems: list[Problem] = []
    if "schedule" not in wrong and recipe.schedule != "stable-decay":
        problems.append(Problem("recipe.schedule", recipe.schedule, "stable-decay, with more than one rung"))
    if "settle_window" not in wrong and recipe.settle_window:
        problems.append(Problem("recipe.settle_window", recipe.settle_window, "0, with more than one rung"))
    if wrong.isdisjoint({"steps", "rung_factor", "warmup_steps"}):
        first, second, *_ = recipe.rung_steps
        if first <= recipe.warmup_steps or first == second:
            allowed = (
                f"so few that the first, now of {first} steps, is longer than the warm-up and shorter than the next"
            )
            problems.append(Problem("recipe.rungs", recipe.rungs, allowed))
    return problems


RECIPES: Mapping[str, Recipe] = {
    "default": Recipe(),
    "paper": Recipe(
        name="paper",
        steps=10_000,
        batch=16,
        learning_rate=1e-4,
        warmup_steps=0,
        schedule="constant",
        gradient_clip=0.0,
        ema_decay=0.0,
        initialisation="normal",
        image_residual=False,
        input_scale=1.0,
        input_offset=0.0,
        precision="float32",
    ),
}
"""Named recipes: "default", and "paper" as FALSR reports its training (batch 16, Adam 1e-4, L1)."""
