"""Making the profile of a device: what is timed, in which order, and what is fitted to it.

Knows no runtime: it is given one, and a source of weights. Three sets of networks, none in two of them: some are timed
operator by operator, some as wholes to calibrate the sums, some as wholes to say how good the predictions are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from search_space import cost
from search_space.genotype import Genotype
from search_space.space import SearchSpace

from ..latency_target import LatencyTarget
from ..recipe import Recipe
from .choosing import choose
from .plan import Plan, plan_network
from .profile import Calibration, DeviceProfile, HeldOut
from .runtime import Runtime, Weights
from .table import Sample, fit, fit_line

Draw = Callable[[Plan, np.random.Generator], Weights]
Progress = Callable[[str, float], None]
"""Called before each network with what is done, and with the share of the work that is behind, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many networks are timed.

    Attributes:
        traced: Operator by operator; more where these leave out an operator of the space.
        calibration: As wholes, to calibrate.
        held_out: As wholes, to compare with predictions; 0 for none.
    """

    traced: int = 24
    calibration: int = 12
    held_out: int = 40

    def __post_init__(self) -> None:
        if self.traced < 1 or self.calibration < 1 or self.held_out < 0:
            raise ValueError(f"{self}: trace one at least, calibrate with one at least")


EFFORT = Effort()


@dataclass(frozen=True, kw_only=True)
class Task:
    """What networks are timed for.

    Attributes:
        space: Where they are from.
        target: Size of the image.
        scale: Upscaling factor: 2, 3 or 4.
        channels: Channels of the image: 1 or 3.
        recipe: What they are wrapped in; by default with input mapping and image residual, so that both are priced.
    """

    space: SearchSpace
    target: LatencyTarget
    scale: int = 2
    channels: int = 1
    recipe: Recipe = field(default_factory=Recipe)

    def plan(self, genotype: Genotype) -> Plan:
        """The plan of a network; `InvalidInput` when none is built for this scale or these channels."""
        return plan_network(genotype, self.recipe, scale=self.scale, channels=self.channels)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One network that nothing was fitted to.

    Attributes:
        genotype: Which.
        measured_ms: What it takes.
        predicted_ms: What the profile says.
    """

    genotype: Genotype
    measured_ms: float
    predicted_ms: float


def make_profile(
    runtime: Runtime,
    task: Task,
    *,
    name: str,
    created: str,
    draw: Draw,
    rng: np.random.Generator,
    effort: Effort = EFFORT,
    on_progress: Progress | None = None,
) -> tuple[DeviceProfile, list[Comparison]]:
    """Time a device.

    Args:
        runtime: The device.
        task: What for.
        name: What to call the profile.
        created: When, in ISO 8601.
        draw: Gives a plan weights.
        rng: Draws networks and weights.
        effort: How much to time.
        on_progress: Hears how far it is; nobody does when None.

    Returns:
        The profile, and every network that was held out.

    Raises:
        InvalidInput: No network is built for this scale or these channels, or the name is none for a file.
    """
    traced = choose(task.space, task.plan, runtime.block, effort.traced, rng)
    wholes = _others(task.space, effort.calibration + effort.held_out, set(traced), rng)
    calibrating, held_out = wholes[: effort.calibration], wholes[effort.calibration :]
    bench = _Bench(runtime, task, draw, rng, on_progress, [*traced, *wholes])
    table = fit([sample for genotype in traced for sample in bench.trace(genotype)])
    profile = DeviceProfile(
        name=name,
        device=runtime.device,
        runtime=runtime.version,
        threads=runtime.threads,
        target=task.target,
        scale=task.scale,
        channels=task.channels,
        space=task.space.name,
        block=runtime.block,
        table=table,
        calibration=Calibration(),
        held_out=None,
        created=created,
    )
    profile = replace(profile, calibration=_calibrate(bench.compare(profile, calibrating)))
    found = bench.compare(profile, held_out)
    return replace(profile, held_out=held_out_figures(found) if found else None), found


class _Bench:
    """Times networks of one task, and tells how much of the work is behind.

    Args:
        networks: All that will be timed; each counts by its multiply-adds.
    """

    def __init__(
        self,
        runtime: Runtime,
        task: Task,
        draw: Draw,
        rng: np.random.Generator,
        on_progress: Progress | None,
        networks: Sequence[Genotype],
    ) -> None:
        self._runtime, self._task, self._draw, self._rng, self._tell = runtime, task, draw, rng, on_progress
        self._total, self._done = sum(map(self._work, networks)), 0

    def trace(self, genotype: Genotype) -> list[Sample]:
        """Time each operator of a network."""
        self._begin("operators", genotype)
        plan = self._task.plan(genotype)
        return self._runtime.trace(plan, self._draw(plan, self._rng), self._task.target)

    def compare(self, profile: DeviceProfile, genotypes: Sequence[Genotype]) -> list[Comparison]:
        """Time whole networks, and predict them."""
        return [self._compare(profile, genotype) for genotype in genotypes]

    def _compare(self, profile: DeviceProfile, genotype: Genotype) -> Comparison:
        self._begin("networks", genotype)
        task, plan = self._task, self._task.plan(genotype)
        return Comparison(
            genotype=genotype,
            measured_ms=self._runtime.time(plan, self._draw(plan, self._rng), task.target),
            predicted_ms=profile.predict(genotype, scale=task.scale, channels=task.channels, recipe=task.recipe),
        )

    def _begin(self, text: str, genotype: Genotype) -> None:
        if self._tell is not None:
            self._tell(text, self._done / self._total)
        self._done += self._work(genotype)

    def _work(self, genotype: Genotype) -> int:
        return cost.mult_adds(genotype, scale=self._task.scale, channels=self._task.channels)


def _others(space: SearchSpace, count: int, known: set[Genotype], rng: np.random.Generator) -> list[Genotype]:
    """Random networks, different from each other and from those that are known, as far as the space has them."""
    count = min(count, space.distinct_size - len(known))
    found: dict[Genotype, None] = {}
    while len(found) < count:
        genotype = space.sample(rng)
        if genotype not in known:
            found[genotype] = None
    return list(found)


def _calibrate(found: Sequence[Comparison]) -> Calibration:
    """The line from predicted to measured with the least squared relative error, neither part below zero."""
    offset_ms, gain = fit_line([item.predicted_ms for item in found], [item.measured_ms for item in found])
    return Calibration(gain=gain, offset_ms=offset_ms, networks=len(found))


def held_out_figures(found: Sequence[Comparison]) -> HeldOut:
    """How good predictions are."""
    measured, predicted = (
        np.array(column) for column in zip(*((item.measured_ms, item.predicted_ms) for item in found), strict=True)
    )
    errors = np.abs(predicted - measured) / measured
    return HeldOut(
        networks=len(found),
        mean_error=float(errors.mean()),
        worst_error=float(errors.max()),
        tau=kendall_tau(measured, predicted),
    )


def kendall_tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Kendall's tau-b of two lists without NaNs; None where all of one are tied, or there are fewer than two."""
    orders = [np.sign(np.subtract.outer(values, values)) for values in (first, second)]
    untied = float(np.prod([np.abs(order).sum() for order in orders])) ** 0.5
    return float((orders[0] * orders[1]).sum()) / untied if untied else None
