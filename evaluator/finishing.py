"""How a network is trained to the end: a named document on top of a recipe, and what it will take. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any

from search_space.errors import InvalidInput, Problem, meant, present

from .recipe import InvalidRecipe, Recipe

WRAPPING = ("initialisation", "image_residual", "input_scale", "input_offset", "protocol")
"""Fields of a recipe that come from the search: warm weights fit no other wrapping, and scores no other protocol."""


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
            problems.append(Problem("distil.teacher", present(self.teacher), allowed))
        for name in ("output", "features", "bands"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
                problems.append(Problem(f"distil.{name}", present(value), "a number from 0 to 100"))
        for name in ("quantise", "dynamic_cues", "value_aware"):
            if not isinstance(getattr(self, name), bool):
                problems.append(Problem(f"distil.{name}", present(getattr(self, name)), "true or false"))
        if problems:
            raise InvalidRecipe(problems)
        for name in ("output", "features", "bands"):  # 1 and 1.0 are one weight, so they must have one digest
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.output == self.features == self.bands == 0.0:
            raise InvalidRecipe([Problem("distil.output", 0, "one of output, features and bands above 0")])


@dataclass(frozen=True, kw_only=True)
class FinishingRecipe:
    """One way to train a network to the end.

    Attributes:
        training: Steps, patches, schedule and average. Its `WRAPPING` is replaced by the search's: see `for_search`.
        warm_start: Whether training starts from the search's weights and not from fresh ones.
        distil: What is learnt from a teacher; None for nothing.
    """

    training: Recipe
    warm_start: bool = True
    distil: Distillation | None = None

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
        if "training" in document:
            return _read(FinishingRecipe(training=Recipe.from_json(document["training"])), document)
        name = document.get("name", "quick")
        if name not in FINISHING_RECIPES:
            raise InvalidRecipe([Problem("recipe.name", present(name), f"one of {', '.join(FINISHING_RECIPES)}")])
        base = FINISHING_RECIPES[name]
        own = {"warm_start", "distil"}
        known = {field.name for field in fields(Recipe)} - {*WRAPPING, "rungs", "rung_factor"}
        problems = [
            Problem(
                f"recipe.{key}",
                present(value),
                f"no such field; one of {', '.join(sorted(known | own))}{meant(key, known | own)}",
            )
            for key, value in document.items()
            if key not in known | own
        ]
        changes = {key: value for key, value in document.items() if key in known}
        try:
            training = replace(base.training, **changes)
        except InvalidRecipe as error:
            problems, training = [*problems, *error.problems], base.training
        try:
            read = _read(replace(base, training=training), document)
        except InvalidRecipe as error:
            raise InvalidRecipe([*problems, *error.problems]) from None
        if problems:
            raise InvalidRecipe(problems)
        return read


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


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _read(base: FinishingRecipe, document: Mapping[str, Any]) -> FinishingRecipe:
    """A recipe with the warm start and the distillation of a document."""
    warm_start, distil = document.get("warm_start", base.warm_start), document.get("distil")
    if not isinstance(warm_start, bool):
        raise InvalidRecipe([Problem("recipe.warm_start", present(warm_start), "true or false")])
    if distil is None:
        return replace(base, warm_start=warm_start, distil=None)
    if not isinstance(distil, Mapping):
        raise InvalidRecipe([Problem("recipe.distil", present(distil), "an object with a teacher, or null")])
    known = {field.name for field in fields(Distillation)}
    problems = [
        Problem(
            f"recipe.distil.{key}",
            present(value),
            f"no such field; one of {', '.join(sorted(known))}{meant(key, known)}",
        )
        for key, value in distil.items()
        if key not in known
    ]
    if "teacher" not in distil:
        problems.append(Problem("recipe.distil.teacher", None, "a finished model's id, or the name of a file"))
    if problems:
        raise InvalidRecipe(problems)
    try:
        return replace(base, warm_start=warm_start, distil=Distillation(**distil))
    except InvalidInput as error:
        raise InvalidRecipe([replace(p, field=f"recipe.{p.field}") for p in error.problems]) from None


def _schedule(name: str, **fields: Any) -> FinishingRecipe:
    return FinishingRecipe(training=Recipe(name=name, schedule="cosine", warmup_steps=100, **fields))


FINISHING_RECIPES: Mapping[str, FinishingRecipe] = {
    "quick": _schedule("quick", steps=10_000, batch=8, patch=24, learning_rate=1e-3, ema_decay=0.999),
    "standard": _schedule("standard", steps=200_000, batch=16, patch=48, learning_rate=5e-4, ema_decay=0.9995),
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
"""Named recipes: "quick" is minutes on a CPU for a light network, "standard" hours on a GPU, and "paper" what papers of
light networks report: Adam at 1e-4 on L1 with batches of 16, for as many steps as these take, from fresh weights."""
