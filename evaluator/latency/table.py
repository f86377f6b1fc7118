"""What each operator costs on one device: for every kind of operator a line in the channels that it reads.

Knows no runtime and no clock: it is fitted to samples, and looked up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_space.errors import InvalidInput, Problem

from .operators import Operator, Run

LEAST_MS = 0.01
"""Shorter times are all noise."""

MOST = 1_000_000_000
"""No count in a document is larger."""

HINT = "Profile the device for the search space of this network: srnas profile-device --space."

_DEFAULTS = {field.name: field.default for field in fields(Operator) if field.name != "kind"}


@dataclass(frozen=True)
class Sample:
    """One run of an operator that was timed.

    Attributes:
        run: What ran.
        ms: How long it took, in milliseconds.
    """

    run: Run
    ms: float


@dataclass(frozen=True, kw_only=True)
class Price:
    """Milliseconds of an operator: `fixed_ms + channel_ms * channels`.

    Attributes:
        fixed_ms: For no channels; not negative.
        channel_ms: For each channel that is read; not negative.
        samples: How many timed runs the line was fitted to.
    """

    fixed_ms: float
    channel_ms: float
    samples: int

    def ms(self, channels: int) -> float:
        """Milliseconds of a run that reads so many channels."""
        return self.fixed_ms + self.channel_ms * channels


@dataclass(frozen=True)
class OperatorTable:
    """The price of every operator that was timed.

    Attributes:
        prices: By operator.
    """

    prices: Mapping[Operator, Price]

    def ms(self, run: Run) -> float:
        """Milliseconds of a run.

        Raises:
            InvalidInput: No operator like it was timed.
        """
        price = self.prices.get(run.operator)
        if price is None:
            raise InvalidInput([Problem("operator", str(run.operator), "one that the device's profile holds")], HINT)
        return price.ms(run.channels)

    def to_json(self) -> list[dict[str, Any]]:
        """One row an operator, in their order; what an operator has not is left out."""
        return [
            {name: value for name, value in asdict(operator).items() if value} | asdict(price)
            for operator, price in sorted(self.prices.items())
        ]


def fit(samples: Iterable[Sample]) -> OperatorTable:
    """Fit each operator's line to its samples.

    Samples of equal channels count as one, their median. The line is the least-squares line of relative errors, with
    neither part below zero; through the origin where all samples have equal channels, and flat where they have none.
    """
    grouped: dict[Operator, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        grouped[sample.run.operator][sample.run.channels].append(sample.ms)
    return OperatorTable({operator: _price(by_channels) for operator, by_channels in grouped.items()})


def _price(by_channels: Mapping[int, list[float]]) -> Price:
    channels = np.array(sorted(by_channels), dtype=np.float64)
    ms = np.array([np.median(by_channels[int(width)]) for width in channels])
    fixed, slope = fit_line(channels, ms)
    return Price(fixed_ms=fixed, channel_ms=slope, samples=sum(map(len, by_channels.values())))


def fit_line(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """(intercept, slope), neither negative, with the least sum of squared relative errors.

    Args:
        x: Figures, not negative.
        y: As many figures, not negative; the relative error of less than `LEAST_MS` is taken of that.
    """
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weight = 1 / np.maximum(up, LEAST_MS)
    flat, steep, target = weight, weight * across, weight * up
    if len(set(across)) > 1:
        fixed, slope = np.linalg.lstsq(np.stack([flat, steep], axis=1), target, rcond=None)[0]
        if fixed >= 0 and slope >= 0:
            return float(fixed), float(slope)
    height, rise = _project(flat, target), _project(steep, target)
    through_origin = steep.any() and np.sum((steep * rise - target) ** 2) <= np.sum((flat * height - target) ** 2)
    return (0.0, rise) if through_origin else (height, 0.0)


def _project(part: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    norm = float(part @ part)
    return float(part @ target) / norm if norm else 0.0


def read_table(document: object, field: str = "table") -> OperatorTable:
    """Read what `OperatorTable.to_json` wrote.

    Raises:
        InvalidInput: Names each row that is no operator with its price.
    """
    if not isinstance(document, list) or not document:
        raise InvalidInput([Problem(field, document, "a list of operators with their prices")])
    problems: list[Problem] = []
    prices: dict[Operator, Price] = {}
    for i, row in enumerate(document):
        try:
            prices.update([_row(row)])
        except (KeyError, TypeError, ValueError) as error:
            problems.append(Problem(f"{field}[{i}]", row, f"an operator with its price ({error!r})"))
    if problems:
        raise InvalidInput(problems)
    return OperatorTable(prices)


def _row(row: Any) -> tuple[Operator, Price]:
    unknown = set(row) - {"kind", *_DEFAULTS, "fixed_ms", "channel_ms", "samples"}
    if unknown:
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    named = {name: row.get(name, default) for name, default in _DEFAULTS.items()}
    counts = {**named, "samples": row["samples"]}
    wrong = [name for name, value in counts.items() if type(value) is not type(_DEFAULTS.get(name, 0))]
    wrong = wrong or [name for name, value in counts.items() if not 0 <= value <= MOST]
    costs = {name: as_float(row[name]) for name in ("fixed_ms", "channel_ms")}
    wrong += [name for name, value in costs.items() if not 0 <= value < math.inf]
    if wrong or not isinstance(row["kind"], str):
        raise ValueError(f"wrong: {', '.join(wrong) or 'kind'}")
    return Operator(kind=row["kind"], **named), Price(samples=row["samples"], **costs)


def as_float(value: object) -> float:
    """A number of a document; not finite where it is none, or too large."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.inf
