"""What a search may optimise and constrain: the metrics, their units, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Sense(StrEnum):
    """Which way is better."""

    MAXIMISE = "max"
    MINIMISE = "min"


class Source(StrEnum):
    """What a figure follows from."""

    GENOTYPE = "genotype"
    """The network alone, by arithmetic: known before any training."""

    DEVICE = "device"
    """The network and a device: known beforehand where it is predicted, afterwards where it is measured."""

    TRAINING = "training"
    """What the network has learned."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of a candidate.

    Attributes:
        name: The word in specs, queries and tables.
        column: The field of a candidate's scores that holds it.
        unit: Unit, empty for a ratio or a count.
        sense: Which way is better.
        source: What it follows from; `nas.spec.SearchSpec.is_known` says whether that is known before a training.
        description: One line for people.
    """

    name: str
    column: str
    unit: str
    sense: Sense
    source: Source
    description: str

    @property
    def trained(self) -> bool:
        """Whether what a network has learned decides it."""
        return self.source is Source.TRAINING


LATENCY = "latency_ms"
"""The one metric that a device decides; a spec's part `latency` says which device."""

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="psnr",
            column="psnr_db",
            unit="dB",
            sense=Sense.MAXIMISE,
            source=Source.TRAINING,
            description="peak signal-to-noise ratio, mean over the validation images",
        ),
        Metric(
            name="ssim",
            column="ssim",
            unit="",
            sense=Sense.MAXIMISE,
            source=Source.TRAINING,
            description="structural similarity, mean over the validation images",
        ),
        Metric(
            name="fsds",
            column="fsds_db",
            unit="dB",
            sense=Sense.MAXIMISE,
            source=Source.TRAINING,
            description="frequency spectrum distribution similarity, published definition",
        ),
        Metric(
            name="fsds_si",
            column="fsds_si_db",
            unit="dB",
            sense=Sense.MAXIMISE,
            source=Source.TRAINING,
            description="frequency spectrum distribution similarity, averaged over shifts",
        ),
        Metric(
            name="params",
            column="params",
            unit="",
            sense=Sense.MINIMISE,
            source=Source.GENOTYPE,
            description="learned parameters, biases included",
        ),
        Metric(
            name="mult_adds",
            column="mult_adds",
            unit="",
            sense=Sense.MINIMISE,
            source=Source.GENOTYPE,
            description="multiply-adds at 230,400 LR pixels (a 1280x720 output at x2)",
        ),
        Metric(
            name=LATENCY,
            column="latency_ms",
            unit="ms",
            sense=Sense.MINIMISE,
            source=Source.DEVICE,
            description="milliseconds that one image takes on a device, predicted or measured",
        ),
    )
}


@dataclass(frozen=True)
class Objective:
    """A metric to optimise."""

    metric: str
    sense: Sense

    @classmethod
    def of(cls, metric: str) -> Objective:
        """The objective that improves a metric in its own sense."""
        return cls(metric, METRICS[metric].sense)

    @property
    def column(self) -> str:
        """The field of a candidate's scores that holds the value."""
        return METRICS[self.metric].column

    @property
    def sign(self) -> int:
        """+1 where less is better, -1 where more is better: sign * value is minimised."""
        return 1 if self.sense is Sense.MINIMISE else -1


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What was expected of one objective of a network before it was trained.

    Attributes:
        mean: Expected value, natural units.
        std: Standard deviation of that, the noise of training included.
    """

    mean: float
    std: float


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """Bounds that a candidate must respect to be feasible, either of them open."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None

    @property
    def column(self) -> str:
        """The field of a candidate's scores that holds the value."""
        return METRICS[self.metric].column

    def violation(self, value: float) -> float:
        """How far a value is outside, relative to the bound; 0 inside, infinite for NaN."""
        if value != value:  # NaN satisfies nothing
            return float("inf")
        over = 0.0 if self.maximum is None else (value - self.maximum) / max(abs(self.maximum), 1e-12)
        under = 0.0 if self.minimum is None else (self.minimum - value) / max(abs(self.minimum), 1e-12)
        return max(0.0, over, under)


def total_violation(constraints: tuple[Constraint, ...], scores: Mapping[str, float]) -> float:
    """Sum of violations over the constraints whose column is among ``scores``."""
    return sum(c.violation(scores[c.column]) for c in constraints if c.column in scores)
