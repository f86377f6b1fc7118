"""What onnxruntime writes about its own runs: which node took how long, and which run of a plan that was.

Knows the names that onnxruntime gives, and does not import it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..latency_target import LatencyTarget
from .operators import REST, Run, move
from .table import Sample

MOVES = {"ReorderInput": True, "ReorderOutput": False}
"""Its names of what copies an image into blocks, and out of them."""

_KERNEL = "_kernel_time"
_OURS = re.compile(r"(\d+)\.")


@dataclass(frozen=True)
class Event:
    """One node of a graph that was run several times.

    Attributes:
        operator: onnxruntime's name of what it does.
        step: Number of the plan's step that it belongs to; 0 for what onnxruntime put in.
        blocked: Whether it works on blocks of channels.
        shapes: Shapes of what it reads, weights included.
        ms: Median of its times.
    """

    operator: str
    step: int
    blocked: bool
    shapes: tuple[tuple[int, ...], ...]
    ms: float


def read_events(document: Iterable[Mapping[str, Any]], *, skipped: int) -> list[Event]:
    """Read the nodes out of a profile that onnxruntime wrote.

    Args:
        document: Its rows, in order of time.
        skipped: First runs of each node that do not count.
    """
    times: dict[str, list[float]] = defaultdict(list)
    seen: dict[str, Mapping[str, Any]] = {}
    for row in document:
        if row.get("cat") == "Node" and row["name"].endswith(_KERNEL):
            times[row["name"]].append(row["dur"] / 1000)
            seen[row["name"]] = row["args"]
    return [_event(name, arguments, median(times[name][skipped:])) for name, arguments in seen.items()]


def _event(name: str, arguments: Mapping[str, Any], ms: float) -> Event:
    ours = _OURS.match(name)
    return Event(
        operator=arguments["op_name"],
        step=int(ours[1]) if ours else 0,
        blocked=name.removesuffix(_KERNEL).endswith("_nchwc"),
        shapes=tuple(tuple(shape) for entry in arguments["input_type_shape"] for shape in entry.values()),
        ms=ms,
    )


def attribute(events: Iterable[Event], expected: Iterable[Run], target: LatencyTarget) -> list[Sample]:
    """Share the nodes' times among the runs that a plan is made of.

    Changes of layout carry no step: they are told by direction, channels and grid, the slowest first, and what there
    are more of than expected belongs to the rest.
    """
    steps, moves, rest = _by_place(events, target)
    samples = []
    for run in expected:
        if run.step:
            samples.append(Sample(run, steps.pop(run.step, 0.0)))
        elif run != REST:
            samples.append(Sample(run, moves[run].pop() if moves[run] else 0.0))
    rest += sum(steps.values()) + sum(map(sum, moves.values()))
    return [*samples, Sample(REST, rest)]


def _by_place(events: Iterable[Event], target: LatencyTarget) -> tuple[dict[int, float], dict[Run, list[float]], float]:
    """Milliseconds of each step, of each kind of change of layout, the slowest last, and of all else."""
    steps: dict[int, float] = defaultdict(float)
    moves: dict[Run, list[float]] = defaultdict(list)
    rest = 0.0
    for event in sorted(events, key=lambda event: event.ms):
        if event.step:
            steps[event.step] += event.ms
        elif event.operator in MOVES:
            _, channels, height, _ = event.shapes[0]
            operator = move(to_blocked=MOVES[event.operator], upscaled=height != target.lr_height)
            moves[Run(operator, channels)].append(event.ms)
        else:
            rest += event.ms
    return steps, moves, rest
