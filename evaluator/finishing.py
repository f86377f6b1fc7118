"""How a network is trained to the end: a named document on top of a recipe, and what it will take. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any, TypeVar

from search_space.errors import InvalidInput, Problem, meant, present

from .recipe import InvalidRecipe, Recipe

WRAPPING = ("initialisation", "image_residual", "input_scale", "input_offset", "protocol")
"""Fields of a recipe that come from the search: warm weights fit no other wrapping, and scores no other protocol."""

PARTIAL = ("settle_window", "settle_tolerance", "rungs", "rung_factor")
"""Fields of a recipe that only partial trainings have a use for."""

CHANGEABLE = frozenset(field.name for field in fields(Recipe)) - {*WRAPPING, *PARTIAL}
"""Fields of a recipe that a request for a full training may set."""

OWN = frozenset({"warm_start", "distil"})
"""Fields of a request besides."""

WEIGHTS: Mapping[str, tuple[float, float]] = {"output": (0.0, 100.0), "features": (0.0, 100.0), "bands": (0.0, 100.0)}
"""Least and greatest value of each weight of a distillation."""

DISTILLED_TIMES = 2.5
"""How many times longer a step with a teacher is taken to be."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """What a network learns from a teacher besides the true images. Every trick is off unless it is asked for.

    Attributes:
        teacher: A finished model's id, or the name of a file among the models of the installation.
        output: Weight of the distance from the teacher's image; 0 leaves it out.
        features: Weight of the distance from what the teacher's blocks see; 0 leaves it out.
        bands: Weight of the distance from the teacher's bands of frequencies; 0 leaves it out.
        quantise: Train with fake INT8 weights and activations, the teacher tuned along with the low-precision network,
            and cosine similarity in place of distances.
        dynamic_cues: Weigh the cues per sample by a small estimator, trained in an outer loop on held-out images.
        value_aware: Keep a record of what each patch is worth, draw by it, and trim what is redundant.
    """

    teacher: str
    output: float = 1.0
    features: float = 0.0
    bands: float = 0.0
    quantise: bool = False
    dynamic_cues: bool = False
    value_aware: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not isinstance(self.teacher, str) or not 1 <= len(self.teacher) <= 200:
            allowed = "the id of a finished model, or the name of a file among the models"
            problems.append(Problem("recipe.distil.teacher", present(self.teacher), allowed))
        for name, (low, high) in WEIGHTS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                problems.append(Problem(f"recipe.distil.{name}", present(value), f"a number from {low:g} to {high:g}"))
        for name in ("quantise", "dynamic_cues", "value_aware"):
            if not isinstance(getattr(self, name), bool):
                problems.append(Problem(f"recipe.distil.{name}", present(getattr(self, name)), "true or false"))
        if problems:
            raise InvalidRecipe(problems)
        for name in WEIGHTS:  # 1 and 1.0 are one weight, so they must have one digest
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.output == self.features == self.bands == 0.0:
            raise InvalidRecipe([Problem("recipe.distil.output", 0, "one of output, features and bands above 0")])


@dataclass(frozen=True, kw_only=True)
class FinishingRecipe:
    """One way to train a network to the end.

    Attributes:
        training: Steps, patches, schedule and average. Its `WRAPPING` is replaced by the search's: see `for_search`. It
            has one rung and no stopping rule, which looks back further than a resumed training can.
        warm_start: Whether training starts from the search's weights and not from fresh ones.
        distil: What is learnt from a teacher; None for nothing.
    """

    training: Recipe
    warm_start: bool = True
    distil: Distillation | None = None

    def __post_init__(self) -> None:
        training = self.training
        problems = [
            Problem(f"recipe.{name}", getattr(training, name), f"{only}: a full training takes every step")
            for name, only in (("settle_window", 0), ("rungs", 1))
            if getattr(training, name) != only
        ]
        if problems:
            raise InvalidRecipe(problems)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.training.name

    @property
    def digest(self) -> str:
        """32 hexadecimal characters that change with everything but the name."""
        document = self.to_json() | {"training": self.training.digest}
        return _hash(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())

    def for_search(self, recipe: Recipe) -> FinishingRecipe:
        """The same with the wrapping of a search's recipe."""
        wrapping = {name: getattr(recipe, name) for name in WRAPPING}
        return replace(self, training=replace(self.training, **wrapping))

    def to_json(self) -> dict[str, Any]:
        """The document, which `from_json` reads back."""
        return {
            "training": self.training.to_json(),
            "warm_start": self.warm_start,
            "distil": asdict(self.distil) if self.distil else None,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FinishingRecipe:
        """Read what `to_json` wrote, or what a person writes: a name and what differs from the recipe of that name.

        >>> FinishingRecipe.from_json({"name": "quick", "steps": 2000}).training.steps
        2000

        Raises:
            InvalidRecipe: Names every field that is unknown, and every value that is out of range.
        """
        whole = "training" in document
        problems = _unknown("recipe", document, OWN | ({"training"} if whole else CHANGEABLE))
        base = FINISHING_RECIPES["quick"]
        if not whole:
            base = _gathered(problems, lambda: _named(document.get("name", "quick")), base)
        training = _gathered(problems, lambda: _training(document, base.training), base.training)
        distil = _gathered(problems, lambda: _distillation(document.get("distil")), None)
        warm_start = document.get("warm_start", base.warm_start)
        if not isinstance(warm_start, bool):
            problems.append(Problem("recipe.warm_start", present(warm_start), "true or false"))
        if problems:
            raise InvalidRecipe(problems)
        return cls(training=training, warm_start=warm_start, distil=distil)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What makes a job one stretch of a full training: it goes on from `Job.start`, and stops to be safe on disk.

    Where stretches are cut changes nothing of what is trained.

    Attributes:
        until: Step to stop at: the outcome then has the state to go on from, but for the recipe's last step. A multiple
            of 10 loses no time; what is beyond the recipe's last step is never reached.
        warm: A checkpoint whose weights the first stretch starts from; empty for fresh weights.
        distil: What is learnt from a teacher.
        teacher: The teacher's checkpoint; empty without one.
    """

    until: int
    warm: bytes = field(default=b"", repr=False)
    distil: Distillation | None = None
    teacher: bytes = field(default=b"", repr=False)

    @property
    def digest(self) -> str:
        """32 hexadecimal characters that change with every value; with the teacher's weights, not with its name."""
        distil = None if self.distil is None else asdict(self.distil) | {"teacher": _hash(self.teacher)}
        document = {"until": self.until, "warm": _hash(self.warm), "distil": distil}
        return _hash(json.dumps(document, sort_keys=True).encode())


def expected_s(recipe: Recipe, seen: Recipe, seen_s: float, *, distilled: bool = False) -> float:
    """Foretell the seconds of a full training from a partial one of the same network on the same device.

    A step's time is taken to grow with the pixels of its patches, as it does on a CPU; a GPU takes larger patches more
    easily, so there it is rather too long. Validation is not counted.

    >>> expected_s(Recipe(steps=10_000, batch=8, patch=24), Recipe(steps=300, batch=8, patch=24), 7.2)
    240.0

    Args:
        recipe: How the network would be trained.
        seen: How it was trained.
        seen_s: Seconds that this took, of all its steps.
        distilled: Whether there is a teacher, with which it is taken to be 2.5 times as long: a backward pass takes two
            forward passes, and the forward pass of a teacher of 4.5 times the multiply-adds as long as 1.5 such steps.
    """
    return seen_s * patch_pixels(recipe) / patch_pixels(seen) * (DISTILLED_TIMES if distilled else 1.0)


def patch_pixels(recipe: Recipe) -> int:
    """LR pixels of all patches that a recipe trains on."""
    return recipe.steps * recipe.batch * recipe.patch**2


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _named(name: object) -> FinishingRecipe:
    if not isinstance(name, str) or name not in FINISHING_RECIPES:
        raise InvalidRecipe([Problem("recipe.name", present(name), f"one of {', '.join(FINISHING_RECIPES)}")])
    return FINISHING_RECIPES[name]


def _training(document: Mapping[str, Any], base: Recipe) -> Recipe:
    """The recipe of a document that holds it whole, or that names what differs from a base of its name."""
    if "training" not in document:
        return replace(base, **{name: value for name, value in document.items() if name in CHANGEABLE - {"name"}})
    training = document["training"]
    if not isinstance(training, Mapping):
        raise InvalidRecipe([Problem("recipe.training", present(training), "an object: a recipe")])
    return Recipe.from_json(training)


def _distillation(document: object) -> Distillation | None:
    """The distillation of a document; None of None."""
    if document is None:
        return None
    if not isinstance(document, Mapping):
        raise InvalidRecipe([Problem("recipe.distil", present(document), "an object with a teacher, or null")])
    known = {field.name for field in fields(Distillation)}
    problems = _unknown("recipe.distil", document, known)
    if "teacher" not in document:
        problems.append(Problem("recipe.distil.teacher", None, "a finished model's id, or the name of a file"))
    if problems:
        raise InvalidRecipe(problems)
    return Distillation(**document)


def _unknown(place: str, document: Mapping[str, Any], known: Set[str]) -> list[Problem]:
    """What a document has fields for that nobody knows."""
    return [
        Problem(
            f"{place}.{key}", present(value), f"no such field; one of {', '.join(sorted(known))}{meant(key, known)}"
        )
        for key, value in document.items()
        if key not in known
    ]


def _gathered(problems: list[Problem], read: Callable[[], T], otherwise: T) -> T:
    """What is read, or something in its place after its problems have been put with the others."""
    try:
        return read()
    except InvalidInput as error:
        problems.extend(error.problems)
        return otherwise


def _cosine(name: str, **fields: Any) -> FinishingRecipe:
    return FinishingRecipe(training=Recipe(name=name, schedule="cosine", warmup_steps=100, **fields))


FINISHING_RECIPES: Mapping[str, FinishingRecipe] = {
    "quick": _cosine("quick", steps=10_000, batch=8, patch=24, learning_rate=1e-3, ema_decay=0.999),
    "standard": _cosine("standard", steps=200_000, batch=16, patch=48, learning_rate=5e-4, ema_decay=0.9995),
    "paper": FinishingRecipe(
        training=Recipe(
            name="paper",
            steps=1_000_000,
            batch=16,
            patch=48,
            learning_rate=1e-4,
            warmup_steps=0,
            schedule="cosine",
            gradient_clip=0.0,
            ema_decay=0.0,
            precision="float32",
        ),
        warm_start=False,
    ),
}
"""Named recipes, all with Adam on L1 under a cosine, each longer than the one before:

* "quick" is minutes on a CPU for a light network: four minutes on one core for 111,000 parameters. Half of it, from
  fresh weights, was measured to bring such a network 3 dB above bicubic interpolation on Set5.
* "standard" is hours on a GPU. Patches and batches are EDSR's (arXiv 1707.02921); the higher rate, for fewer steps, is
  RFDN's (arXiv 2009.11551); the average of weights is ours, and stands in for the last of the decay.
* "paper" is what papers of light networks report, from fresh weights: FALSR (arXiv 1901.07261) and EDSR have batches
  of 16 and a rate of 1e-4, EDSR patches of 48 x 48, and IMDN (arXiv 1909.11856) a million steps. EDSR and IMDN halve
  the rate every 200,000 steps, where this has a cosine.
"""
