"""Where the time of a training step goes, by kind of work, as torch's profiler has it.

Work counts as an operator's own time, without that of operators it calls; what no operator accounts for is Python and
the way to the operators. Patches and the optimiser are told by who called them, everything else by its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]  # not in its __all__
from torch.profiler import ProfilerActivity, profile, record_function

PATCHES, OPTIMISER, REST = "patches", "optimiser, clipping, averages", "Python and dispatch"
BACKWARD, FORWARD = "convolutions, backward", "convolutions, forward"
CONCATENATION, CASTS, ELEMENTWISE = "concatenation", "copies and casts", "elementwise and loss"

CALLERS = {"patches": PATCHES, "Optimizer.": OPTIMISER}
"""Beginnings of ranges, under which everything is of one kind."""

NAMES = (
    ("convolution_backward", BACKWARD),
    ("conv", FORWARD),
    ("_foreach", OPTIMISER),
    ("fused_adam", OPTIMISER),
    ("linalg_vector_norm", OPTIMISER),
    ("aten::cat", CONCATENATION),
    ("aten::narrow", CONCATENATION),
    ("aten::slice", CONCATENATION),
    ("aten::copy_", CASTS),
    ("aten::_to_copy", CASTS),
    ("aten::clone", CASTS),
    ("aten::contiguous", CASTS),
)
"""Parts of names, the first that fits; any other operator is elementwise work."""


def marked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function under the range of patches."""

    def run(*arguments: Any, **options: Any) -> Any:
        with record_function("patches"):
            return function(*arguments, **options)

    return run


def kind_of(name: str, callers: tuple[str, ...] = ()) -> str:
    """The kind of an operator, by those it was called by, and then by its own name.

    >>> kind_of("aten::mul"), kind_of("aten::mul", ("Optimizer.step#Adam.step",))
    ('elementwise and loss', 'optimiser, clipping, averages')
    """
    for caller in callers:
        for beginning, kind in CALLERS.items():
            if caller.startswith(beginning):
                return kind
    return next((kind for part, kind in NAMES if part in name), ELEMENTWISE)


def by_kind(step: Callable[[], object], steps: int, device: torch.device) -> dict[str, float]:
    """Milliseconds of each kind in one step, the dearest first; on a GPU those of its kernels, its idle time left out.

    Args:
        step: Takes one step; took a few already.
        steps: Steps that are looked at, and averaged over.
        device: Where they run.
    """
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as watched:
        with record_function("everything"):
            for _ in range(steps):
                step()
        if on_gpu:
            torch.cuda.synchronize(device)
    spent_us: dict[str, float] = defaultdict(float)
    for event in watched.events():
        if event.device_type != DeviceType.CPU:  # a kernel, whose time its operator has too
            continue
        kind = kind_of(event.name, _callers(event)) if "::" in event.name else REST
        spent_us[kind] += event.self_device_time_total if on_gpu else event.self_cpu_time_total
    return {kind: us / 1000 / steps for kind, us in sorted(spent_us.items(), key=lambda entry: -entry[1])}


def _callers(event: Any) -> tuple[str, ...]:
    names = []
    while event.cpu_parent is not None:
        event = event.cpu_parent
        names.append(event.name)
    return tuple(names)
