"""The kinds of values that a spec holds: what is taken for each, and what is said of anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from evaluator import recipe
from evaluator.latency.profile import DeviceProfile
from evaluator.recipe import RECIPES, VERSION, InvalidRecipe, Recipe
from search_space.errors import Problem
from search_space.genotype import Genotype
from search_space.published import PUBLISHED
from search_space.spaces import SPACES

from . import options
from .objectives import METRICS
from .options import ENGINES, EngineOptions
from .outline import properties_of


class Document(BaseModel):
    """A frozen JSON object that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _known(names: Any) -> AfterValidator:
    """Accept only names that a registry knows, and list them otherwise."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"one of {', '.join(sorted(names))}")
        return value

    return AfterValidator(check)


Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text without control characters: it goes into paths, log lines and database columns."""


DATASET_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""Pattern of a dataset's name, which is no path."""

DatasetName = Annotated[Line, Field(json_schema_extra={"pattern": f"^{DATASET_NAME}$"})]
"""A dataset's name. Whether there is such a dataset is looked up at submission, and only then is a name that is none
refused: searches of earlier versions, which named folders, can still be read."""


def _one_of(*choices: int) -> BeforeValidator:
    """Accept only these integers, and nothing that merely equals one: true equals 1."""

    def check(value: Any) -> Any:
        if type(value) is not int or value not in choices:
            raise ValueError(" or ".join(map(str, choices)))
        return value

    return BeforeValidator(check)


Integer = Annotated[int, Field(strict=True)]
"""Neither a boolean nor a text nor a float, even a whole one."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number, neither a boolean nor a text."""

Priority = Annotated[int, Field(strict=True, ge=-100, le=100)]
"""Free workers go to searches of higher priority first."""

Version = Annotated[Literal[1], _one_of(1)]
Scale = Annotated[Literal[2, 3, 4], _one_of(2, 3, 4)]
Channels = Annotated[Literal[1, 3], _one_of(1, 3)]

MetricName = Annotated[str, _known(METRICS), Field(json_schema_extra={"enum": list(METRICS)})]
SpaceName = Annotated[str, _known(SPACES), Field(json_schema_extra={"enum": list(SPACES)})]


def _recipe(value: Any) -> Recipe:
    """The recipe that a name, or an object with overrides, stands for; either way its name is a known recipe's."""
    if isinstance(value, Recipe):
        value = value.to_json()
    if isinstance(value, str):
        if value not in RECIPES:
            raise ValueError(f"one of {', '.join(RECIPES)}, or an object with fields to override")
        return RECIPES[value]
    if not isinstance(value, dict):
        raise ValueError(f"one of {', '.join(RECIPES)}, or an object with fields to override")
    known = value.get("name", "default") in tuple(RECIPES)
    problems = [] if known else [Problem("recipe.name", value["name"], f"one of {', '.join(RECIPES)}")]
    try:
        chosen = Recipe.from_json(value if known else {**value, "name": "default"})
    except InvalidRecipe as error:
        raise InvalidRecipe([*problems, *error.problems]) from None
    if problems:
        raise InvalidRecipe(problems)
    return chosen


def _engine(value: Any) -> EngineOptions:
    """The options that an engine's name, or an object with overrides, stands for."""
    if isinstance(value, EngineOptions):
        return value
    if isinstance(value, str) and value in ENGINES:
        return ENGINES[value]
    if not isinstance(value, dict):
        raise ValueError(f"one of {', '.join(ENGINES)}, or an object with options to override")
    return EngineOptions.from_json(value)


def either(properties: Mapping[str, Any], names: Iterable[str], default: str, description: str) -> WithJsonSchema:
    """JSON Schema of a name, or an object whose `name` picks what its other fields override.

    Args:
        properties: Of the fields besides the name.
        names: What there is to begin with.
        default: The name that stands where nothing is said.
        description: What the whole is.
    """
    choice = {"type": "string", "enum": list(names)}
    fields = {**properties, "name": {**choice, "description": "Where to begin; other fields override what it has."}}
    override = {"type": "object", "properties": fields, "additionalProperties": False}
    return WithJsonSchema({"description": description, "anyOf": [choice, override], "default": default})


EngineField = Annotated[
    EngineOptions,
    BeforeValidator(_engine),
    PlainSerializer(lambda chosen: chosen.to_json(), return_type=dict[str, Any]),
    either(
        properties_of(EngineOptions, options.RANGES, options.CHOICES),
        ENGINES,
        "nsga2",
        "An engine's name, or an object: `name` picks the engine, other fields override it.",
    ),
]

RecipeField = Annotated[
    Recipe,
    BeforeValidator(_recipe),
    PlainSerializer(lambda chosen: chosen.to_json(), return_type=dict[str, Any]),
    either(
        {"version": {"type": "integer", "const": VERSION}, **properties_of(Recipe, recipe.RANGES, recipe.CHOICES)},
        RECIPES,
        "default",
        "A recipe's name, or an object: `name` picks the recipe, other fields override it.",
    ),
]


LatencyMode = Literal["predicted", "measured"]


def _profile(value: Any) -> str | DeviceProfile | None:
    """The profile in a document; a name stays one until the search is submitted."""
    if value is None or isinstance(value, (str, DeviceProfile)):
        return value
    if not isinstance(value, dict):
        raise ValueError("a profile's name, a whole profile, or null for the newest")
    return DeviceProfile.from_json(value)


def _profile_document(profile: str | DeviceProfile | None) -> Any:
    return profile.to_json() if isinstance(profile, DeviceProfile) else profile


ProfileField = Annotated[
    str | DeviceProfile | None,
    PlainValidator(_profile),
    PlainSerializer(_profile_document),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}),
]


def _initial(value: str) -> str:
    if value not in PUBLISHED:
        if "|" not in value:
            raise ValueError(f"one of {', '.join(PUBLISHED)}, or a genotype's text")
        Genotype.parse(value)
    return value


Initial = Annotated[str, AfterValidator(_initial)]
"""The name of a published network, or the text of a genotype."""
