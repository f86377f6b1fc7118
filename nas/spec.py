"""What a search is asked to do: one frozen, versioned document, the same on a laptop and on a cluster.

Shape and ranges are checked here; what takes a look at the disk or at a space's costs is checked by `nas.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evaluator.latency_target import LatencyTarget
from evaluator.recipe import RECIPES
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype
from search_space.published import PUBLISHED, published_genotype

from .fields import (
    Channels,
    DatasetName,
    Document,
    EngineField,
    Initial,
    Integer,
    LatencyMode,
    Line,
    MetricName,
    Number,
    Priority,
    ProfileField,
    RecipeField,
    Scale,
    SpaceName,
    Version,
)
from .objectives import LATENCY, METRICS, Constraint, Metric, Objective, Sense, Source
from .options import ENGINES


class DatasetSpec(Document):
    """Which images to train on and to score on, by the names of datasets."""

    train: DatasetName = Field(min_length=1, max_length=400, description="Dataset of training images.")
    validation: DatasetName | None = Field(
        None,
        min_length=1,
        max_length=400,
        description="Dataset of validation images. Without it training images are held out: every fifth, at least one, "
        "and no more than `validation_limit`.",
    )
    train_limit: Integer | None = Field(None, ge=1, description="Use only the first so many training images.")
    validation_limit: Integer | None = Field(
        8, ge=1, description="Score on the first so many validation images; null for all."
    )
    validation_crop: Integer | None = Field(
        96, ge=16, description="Score on the central square of so many LR pixels; null for whole images."
    )


def _or_metric_name(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema what the reader accepts: an object whose sense is optional, or a metric's name."""
    described = dict(schema, required=["metric"])
    name = {"type": "string", "enum": list(METRICS), "description": "A metric, in its natural sense."}
    schema.clear()
    schema.update(anyOf=[name, described], title=described.pop("title"), description=described.pop("description"))


class ObjectiveSpec(Document):
    """A metric to optimise; a bare metric name stands for its natural sense."""

    model_config = ConfigDict(json_schema_extra=_or_metric_name)

    metric: MetricName = Field(description="Which metric.")
    sense: Sense = Field(description="Which way is better.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"metric": value}
        if isinstance(value, dict) and "sense" not in value:
            metric = value.get("metric")
            known = METRICS.get(metric) if isinstance(metric, str) else None
            # Of an unknown metric nothing but its name is reported, so any sense will do beside it.
            return {**value, "sense": known.sense if known else Sense.MAXIMISE}
        return value

    @property
    def objective(self) -> Objective:
        """The value that the search works with."""
        return Objective(self.metric, self.sense)


class ConstraintSpec(Document):
    """Bounds that a candidate must respect."""

    metric: MetricName = Field(description="Which metric.")
    min: Number | None = Field(None, description="Smallest value allowed.")
    max: Number | None = Field(None, description="Largest value allowed.")

    @model_validator(mode="after")
    def _bounded(self) -> ConstraintSpec:
        if self.min is None and self.max is None:
            raise ValueError("a min, a max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"a min that is not above the max: {self.min:g} is above {self.max:g}")
        return self

    @property
    def constraint(self) -> Constraint:
        """The value that the search works with."""
        return Constraint(metric=self.metric, minimum=self.min, maximum=self.max)


class LatencySpec(Document):
    """What a latency is the latency of, and how it is found."""

    mode: LatencyMode = Field(
        "predicted",
        description="`predicted` from a device's profile before anything is trained, or `measured` on the worker that "
        "trained the network.",
    )
    width: Integer = Field(640, ge=8, le=8192, description="Width of the LR image in pixels.")
    height: Integer = Field(360, ge=8, le=8192, description="Its height.")
    profile: ProfileField = Field(
        None,
        description="What predicts: the name of a profile that `srnas profile-device` has written, null for the newest "
        "of them, or a whole profile, which is what a submitted search holds.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> LatencySpec:
        if self.mode == "measured" and self.profile is not None:
            raise ValueError("no profile where mode is measured: profiles predict")
        return self

    @property
    def target(self) -> LatencyTarget:
        """The image that is timed."""
        return LatencyTarget(lr_width=self.width, lr_height=self.height)


class BudgetSpec(Document):
    """When a search ends; whichever comes first."""

    evaluations: Integer = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Candidates looked at, failures and cache hits included; each rung of a network counts.",
    )
    steps: Integer | None = Field(
        None, ge=1, description="Training steps, summed over candidates; known outcomes cost none."
    )
    wall_time_s: Number | None = Field(
        None,
        gt=0,
        description="Seconds for which it runs: waiting and pauses do not count, and trainings under way are finished.",
    )
    worker_hours: Number | None = Field(
        None,
        gt=0,
        description="Hours of training and scoring, summed over workers: GPU-hours where each worker has a GPU.",
    )
    patience: Integer | None = Field(
        None,
        ge=1,
        description="Stop once the hypervolume has settled: when so many outcomes in a row raised it by less than a "
        "thousandth. Outcomes count from the first network on that beats the reference point, bicubic's scores.",
    )


class SearchSpec(Document):
    """A search: where to look, what for, on which images, for how long."""

    version: Version = Field(1, description="Version of this document.")
    name: Line = Field("", max_length=120, description="A name for people.")
    space: SpaceName = Field("falsr", description="Search space.")
    scale: Scale = Field(2, description="Upscaling factor.")
    channels: Channels = Field(1, description="1 trains on luma, 3 on RGB.")
    dataset: DatasetSpec = Field(description="Images.")
    objectives: tuple[ObjectiveSpec, ...] = Field(
        ("psnr", "fsds", "mult_adds"),  # validated like a document's values
        min_length=1,
        max_length=5,
        validate_default=True,
        description="What to optimise: metric names, or objects with a metric and a sense.",
    )
    constraints: tuple[ConstraintSpec, ...] = Field((), max_length=20, description="Bounds to respect.")
    latency: LatencySpec | None = Field(
        None,
        description="Which latency `latency_ms` is; given without that metric, every network's is reported. Null: the "
        "defaults where an objective or a constraint is on `latency_ms`, else none.",
    )
    recipe: RecipeField = Field(RECIPES["default"], description="How a candidate is partially trained.")
    engine: EngineField = Field(ENGINES["nsga2"], description="What proposes networks, and how.")
    population: Integer = Field(32, ge=4, le=2048, description="Size of the population.")
    initial: tuple[Initial, ...] = Field(
        (), max_length=2048, description="Networks to look at first: published names or genotype texts."
    )
    budget: BudgetSpec = Field(BudgetSpec(), description="When to stop.")  # type: ignore[call-arg]  # defaults
    front_seeds: Integer = Field(
        2,
        ge=1,
        le=10,
        description="Trainings, from different seeds, of each member of the final front: the spread is its +-. All but "
        "the first come after the budget of evaluations and steps is spent.",
    )
    parallelism: Integer | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Most candidates in flight; null for every worker. May be changed while it runs.",
    )
    priority: Priority = Field(
        0,
        description="Free workers go to searches of higher priority first; those of equal priority share them. May be "
        "changed while it runs.",
    )
    evaluation_timeout_s: Number = Field(
        3600.0, gt=0, le=7 * 86_400, description="Seconds after which a training is given up."
    )
    seed: Integer = Field(0, ge=0, le=2**32 - 1, description="Reproduces the search.")

    @field_validator("objectives")
    @classmethod
    def _distinct(cls, objectives: tuple[ObjectiveSpec, ...]) -> tuple[ObjectiveSpec, ...]:
        names = [objective.metric for objective in objectives]
        if len(set(names)) != len(names):
            raise ValueError("each metric once")
        return objectives

    @field_validator("constraints")
    @classmethod
    def _consistent(cls, constraints: tuple[ConstraintSpec, ...]) -> tuple[ConstraintSpec, ...]:
        problems = [
            Problem(f"constraints.{low}.min", lower.min, f"at most {upper.max:,.10g}, the max of constraints.{high}")
            for low, lower in enumerate(constraints)
            for high, upper in enumerate(constraints)
            if lower.metric == upper.metric and lower.min is not None and upper.max is not None
            if lower.min > upper.max
        ]
        if problems:
            raise InvalidInput(problems)
        return constraints

    @property
    def objective_values(self) -> tuple[Objective, ...]:
        """The objectives that the search works with."""
        return tuple(objective.objective for objective in self.objectives)

    @property
    def constraint_values(self) -> tuple[Constraint, ...]:
        """The constraints that the search works with."""
        return tuple(constraint.constraint for constraint in self.constraints)

    @property
    def timing(self) -> LatencySpec | None:
        """Which latency is found for each network; None where none is."""
        if self.latency is not None:
            return self.latency
        used = {o.metric for o in self.objectives} | {c.metric for c in self.constraints}
        return LatencySpec.model_validate({}) if LATENCY in used else None

    @property
    def latency_target(self) -> LatencyTarget | None:
        """What workers time each network on; None where they do not."""
        timing = self.timing
        return timing.target if timing is not None and timing.mode == "measured" else None

    def is_known(self, metric: str) -> bool:
        """Whether a network's figure is known before it is trained."""
        if METRICS[metric].source is Source.DEVICE:
            return self.timing is not None and self.timing.mode == "predicted"
        return METRICS[metric].source is Source.GENOTYPE

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is found of every network, whether it is optimised or not."""
        return tuple(m for m in METRICS.values() if m.source is not Source.DEVICE or self.timing is not None)

    @property
    def found_columns(self) -> tuple[str, ...]:
        """The columns of the figures that come with a training, and differ a little from one to the next."""
        return tuple(metric.column for metric in self.metrics if not self.is_known(metric.name))

    @property
    def initial_genotypes(self) -> tuple[Genotype, ...]:
        """The networks to look at first."""
        return tuple(published_genotype(name) if name in PUBLISHED else Genotype.parse(name) for name in self.initial)

    def to_json(self) -> dict[str, Any]:
        """The spec as a JSON document that validates back to an equal spec."""
        return self.model_dump(mode="json")


PARTS: Mapping[str, type[BaseModel]] = {
    "dataset": DatasetSpec,
    "objectives": ObjectiveSpec,
    "constraints": ConstraintSpec,
    "latency": LatencySpec,
    "budget": BudgetSpec,
}
"""Models of a spec's fields, or of their entries."""
