"""From a document to what a full training is of: recipe, images and seed, every problem of every field at once.

Reads image headers; trains nothing. Knows no store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, ValidationError

from evaluator.finishing import (
    CHANGEABLE,
    FINISHING_RECIPES,
    OWN,
    PARTIAL,
    WEIGHTS,
    WRAPPING,
    Distillation,
    FinishingRecipe,
)
from evaluator.recipe import CHOICES, RANGES, InvalidRecipe, Recipe
from search_space.errors import InvalidInput, Problem, present

from ..catalogue import FolderOf, share
from ..checks import InvalidSpec, problems_of_images, spec_problems
from ..fields import Document, Integer, either
from ..outline import described, properties_of
from ..records import Search
from ..spec import DatasetSpec, SearchSpec

NAMES = ", ".join(FINISHING_RECIPES)

NOT_CHOSEN = frozenset((*WRAPPING, *PARTIAL))
"""Fields of a training's recipe that nobody chooses: they are the search's, or mean nothing here."""

TEACHER = "recipe.distil.teacher"


class NotFinishable(ValueError):
    """A candidate cannot be trained to the end."""

    def __init__(self, candidate_id: str, why: str, hint: str) -> None:
        self.candidate_id, self.hint = candidate_id, hint
        super().__init__(f"candidate {candidate_id} {why}")


def recipe_document(recipe: FinishingRecipe) -> dict[str, Any]:
    """A recipe as people write it, in full: what is sent again gives the same recipe.

    >>> recipe_document(FINISHING_RECIPES["quick"])["steps"]
    10000
    """
    chosen = {name: value for name, value in asdict(recipe.training).items() if name not in NOT_CHOSEN}
    distil = asdict(recipe.distil) if recipe.distil else None
    return chosen | {"warm_start": recipe.warm_start, "distil": distil}


def _recipe(value: Any) -> FinishingRecipe:
    """The recipe that a name, or an object with overrides, stands for."""
    if isinstance(value, FinishingRecipe):
        return value
    if isinstance(value, str) and value in FINISHING_RECIPES:
        return FINISHING_RECIPES[value]
    if not isinstance(value, dict):
        raise ValueError(f"one of {NAMES}, or an object with fields to override")
    unknown = [Problem("recipe.training", present(value["training"]), "no such field")] if "training" in value else []
    rest = {name: entry for name, entry in value.items() if name != "training"}
    if not isinstance(rest.get("name", ""), str):
        unknown.append(Problem("recipe.name", present(rest.pop("name")), f"one of {NAMES}"))
    try:
        recipe = FinishingRecipe.from_json(rest)
    except InvalidRecipe as error:
        raise InvalidRecipe([*unknown, *error.problems]) from None
    if unknown:
        raise InvalidRecipe(unknown)
    return recipe


def _properties() -> dict[str, Any]:
    """JSON Schema of what a request for a full training may set."""
    training = properties_of(Recipe, RANGES, CHOICES)
    distil = {
        "type": "object",
        "properties": properties_of(Distillation, WEIGHTS, {}),
        "required": ["teacher"],
        "additionalProperties": False,
    }
    training["warm_start"] = {"type": "boolean"}
    training["distil"] = {"anyOf": [distil, {"type": "null"}]}
    for name, words in described(FinishingRecipe).items():
        if name in OWN:
            training[name]["description"] = words
    return {name: schema for name, schema in training.items() if name in CHANGEABLE | OWN}


FinishingField = Annotated[
    FinishingRecipe,
    BeforeValidator(_recipe),
    PlainSerializer(recipe_document, return_type=dict[str, Any]),
    either(
        _properties(),
        FINISHING_RECIPES,
        "quick",
        "A recipe's name, or an object: `name` picks the recipe, other fields override it.",
    ),
]


class TrainingRequest(Document):
    """How a candidate is to be trained to the end."""

    recipe: FinishingField = Field(FINISHING_RECIPES["quick"], description="How it is trained.")
    dataset: DatasetSpec | None = Field(None, description="Images, as in a spec; null for those of its search.")
    seed: Integer | None = Field(
        None, ge=0, le=2**32 - 1, description="Seed of its patches, and of fresh weights; null for its search's."
    )


PARTS: Mapping[str, type[BaseModel]] = {"dataset": DatasetSpec}
"""Models of the request's fields."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a full training is of.

    Attributes:
        recipe: How it is trained, in the wrapping of its search.
        dataset: The images.
        seed: Of its patches, and of fresh weights.
    """

    recipe: FinishingRecipe
    dataset: DatasetSpec
    seed: int

    @property
    def digest(self) -> str:
        """32 hexadecimal characters, equal where recipe, images and seed are."""
        document = [self.recipe.digest, self.dataset.model_dump(mode="json"), self.seed]
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()


def checked_wish(
    document: Mapping[str, Any],
    search: Search,
    *,
    folder_of: FolderOf,
    benchmarks_root: Path,
    why_no_teacher: Callable[[str], str],
) -> Wish:
    """What a document asks for.

    Args:
        document: A JSON object.
        search: Whose candidate is to be trained.
        folder_of: Finds the folder of a dataset.
        benchmarks_root: Nothing may train, or be validated, on what lies there.
        why_no_teacher: What a teacher must be, where the one of this name is not; empty where it is.

    Raises:
        InvalidInput: with every problem of every field.
    """
    request, problems, wrong = _read(document)
    wish = Wish(
        recipe=request.recipe.for_search(search.spec.recipe),
        dataset=request.dataset or search.spec.dataset,
        seed=search.spec.seed if request.seed is None else request.seed,
    )
    if "dataset" not in wrong:
        spec = search.spec.model_copy(update={"dataset": wish.dataset, "recipe": wish.recipe.training})
        problems += problems_of_images(spec, wrong, folder_of)
        problems += _problems_of_benchmarks(spec, folder_of, benchmarks_root.resolve())
    teacher = _teacher(document)
    if teacher and TEACHER not in {problem.field for problem in problems} and (allowed := why_no_teacher(teacher)):
        problems.append(Problem(TEACHER, teacher, allowed))
    if problems:
        raise InvalidSpec(problems)
    return wish


def _read(document: Mapping[str, Any]) -> tuple[TrainingRequest, list[Problem], set[str]]:
    """The request in a document without the fields that are wrong, their problems, and their names."""
    try:
        return TrainingRequest.model_validate(document), [], set()
    except ValidationError as error:
        wrong = {str(entry["loc"][0]) for entry in error.errors()}
        kept = {name: value for name, value in document.items() if name not in wrong}
        return TrainingRequest.model_validate(kept), spec_problems(error, TrainingRequest, PARTS), wrong


def _teacher(document: Mapping[str, Any]) -> str:
    """The teacher that is named, whatever else is wrong with the recipe; empty where none is."""
    recipe = document.get("recipe")
    distil = recipe.get("distil") if isinstance(recipe, Mapping) else None
    teacher = distil.get("teacher") if isinstance(distil, Mapping) else None
    return teacher if isinstance(teacher, str) else ""


def _problems_of_benchmarks(spec: SearchSpec, folder_of: FolderOf, root: Path) -> list[Problem]:
    """Images that benchmarks are made of: a network that has seen them would be scored on what it knows."""
    problems = []
    for role in ("train", "validation"):
        name = getattr(spec.dataset, role)
        try:
            folder = folder_of(name).resolve() if name else None
        except InvalidInput:  # told already
            continue
        if folder and share(folder, root):
            allowed = "images apart from the benchmark sets that finished models are scored on"
            problems.append(Problem(f"dataset.{role}", name, allowed))
    return problems
