"""A profile of a device that nobody measured: every operator of a space has a price that follows from its work."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from evaluator.latency.operators import Operator, runs
from evaluator.latency.plan import plan_network
from evaluator.latency.profile import Calibration, DeviceProfile, HeldOut
from evaluator.latency.table import OperatorTable, Price
from evaluator.latency_target import LatencyTarget
from evaluator.recipe import RECIPES
from search_space.spaces import get_space

DRAWS = 400
"""Networks drawn to meet every operator of a space."""


@cache
def make_profile(space: str = "tiny", *, scale: int = 2, channels: int = 1, **fields: Any) -> DeviceProfile:
    """A profile for networks of a space under any recipe, the same whenever it is made; any field can be given."""
    values: dict[str, Any] = {
        "name": "bench",
        "device": "cpu (1 thread, made up)",
        "runtime": "made-up 1.0",
        "threads": 1,
        "target": LatencyTarget(),
        "block": 0,
        "calibration": Calibration(gain=1.0, offset_ms=0.5, networks=40),
        "held_out": HeldOut(networks=40, mean_error=0.0625, worst_error=0.2, tau=0.93),
        "created": "2026-03-01T12:00:00+00:00",
    }
    table = OperatorTable({operator: _price(operator) for operator in _operators(space, scale, channels)})
    return DeviceProfile(space=space, scale=scale, channels=channels, **{"table": table, **values, **fields})


def _operators(name: str, scale: int, channels: int) -> set[Operator]:
    space, rng = get_space(name), np.random.default_rng(0)
    plans = (
        plan_network(space.sample(rng), recipe, scale=scale, channels=channels)
        for _ in range(DRAWS)
        for recipe in RECIPES.values()
    )
    return {run.operator for plan in plans for run in runs(plan, 0)}


def _price(operator: Operator) -> Price:
    """Kernels and outputs cost; groups save, but less than they save multiply-adds."""
    work = max(1, operator.kernel) ** 2 * max(1, operator.out_channels) / max(1, operator.groups) ** 0.5
    return Price(fixed_ms=0.05, channel_ms=1e-3 * work * (4 if operator.upscaled else 1), samples=5)
