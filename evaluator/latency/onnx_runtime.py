"""A CPU's runtime: onnxruntime on one thread, everything that it optimises switched on.

The one module here that imports onnxruntime, and only when something is to be run.
"""

from __future__ import annotations

import json
import platform
import time
from functools import cached_property
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..executor import ExecutorError
from ..latency_target import LatencyTarget
from ..provenance import processor_name
from .onnx_events import Event, attribute, read_events
from .onnx_graph import to_onnx
from .operators import runs
from .plan import Plan, Step
from .runtime import Weights
from .table import Sample
from .timing import REPEATS, Clock, Repeats, settled_times

_PROBE = Step(kind="convolution", inputs=(0,), in_channels=1, out_channels=1, name="probe", kernel=3)


class OnnxRuntime:
    """onnxruntime's CPU provider; a `runtime.Runtime`.

    One intra-op and one inter-op thread, sequential, full graph optimisation.

    Args:
        repeats: How often whole networks are timed.
        traced: Runs that a trace takes the median of.
        clock: Seconds.

    Raises:
        ExecutorError: onnx or onnxruntime is not installed.
    """

    def __init__(self, repeats: Repeats = REPEATS, *, traced: int = 5, clock: Clock = time.perf_counter) -> None:
        try:
            import onnx  # noqa: F401  # to say so now rather than half-way
            import onnxruntime
        except ImportError as error:
            raise ExecutorError(
                f"latency on a CPU is measured with onnx and onnxruntime, and {error.name} is not installed",
                retryable=False,
                hint="install onnx and onnxruntime where networks are timed, or predict latency from a profile",
            ) from error
        self._module: Any = onnxruntime
        self._repeats, self._traced, self._clock = repeats, traced, clock

    @property
    def device(self) -> str:
        """Name of this machine's processor, e.g. "AMD EPYC 9354 (1 thread, x86_64)"."""
        return f"{processor_name() or 'cpu'} ({self.threads} thread, {platform.machine()})"

    @property
    def version(self) -> str:
        """What runs the plans, with its version."""
        return f"onnxruntime {self._module.__version__}"

    @property
    def threads(self) -> int:
        """One."""
        return 1

    @cached_property
    def block(self) -> int:
        """Channels in a block: those to which onnxruntime rounds up the one channel of a small convolution."""
        plan = Plan(channels=1, steps=(_PROBE,), scale=1)
        weights = {"probe.weight": np.ones((1, 1, 3, 3), dtype=np.float32), "probe.bias": np.ones(1, dtype=np.float32)}
        events = self.events(plan, weights, LatencyTarget(lr_width=16, lr_height=16))
        return next((event.shapes[1][0] for event in events if event.blocked and event.step), 0)

    def time(self, plan: Plan, weights: Weights, target: LatencyTarget) -> float:
        """Milliseconds of a plan for one image, median of several."""
        return median(self.times(to_onnx(plan, weights), target))

    def times(self, document: bytes, target: LatencyTarget) -> list[float]:
        """Milliseconds of each run that counts, of any ONNX document that takes one image of so many channels.

        Args:
            document: The serialised model, its input n x c x h x w in float32 or float16 with c a number.
            target: Size of the image.
        """
        session = self._open(document)
        (place,) = session.get_inputs()
        image = _image(place.shape[1], target)
        name, image = place.name, image.astype(np.float16) if place.type == "tensor(float16)" else image

        def once() -> float:
            started = self._clock()
            session.run(None, {name: image})
            return 1000 * (self._clock() - started)

        return settled_times(once, self._repeats, self._clock)

    def run(self, plan: Plan, weights: Weights, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a plan makes of images, (n, channels, h, w) -> (n, out_channels, h', w')."""
        output: NDArray[np.float32] = self._session(plan, weights).run(None, {"input": images})[0]
        return output

    def trace(self, plan: Plan, weights: Weights, target: LatencyTarget) -> list[Sample]:
        """Milliseconds of each run of a plan, by onnxruntime's own profile of its nodes.

        What it fused into a neighbour takes no time of its own. Nodes that are no run of the plan are its rest.
        """
        return attribute(self.events(plan, weights, target), runs(plan, self.block), target)

    def events(self, plan: Plan, weights: Weights, target: LatencyTarget) -> list[Event]:
        """Every node that onnxruntime made of a plan, with its median time."""
        with TemporaryDirectory() as folder:
            session = self._session(plan, weights, profile=Path(folder) / "profile")
            image = _image(plan.channels, target)
            for _ in range(1 + self._traced):
                session.run(None, {"input": image})
            document = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return read_events(document, skipped=1)

    def _session(self, plan: Plan, weights: Weights, profile: Path | None = None) -> Any:
        return self._open(to_onnx(plan, weights), profile)

    def _open(self, document: bytes, profile: Path | None = None) -> Any:
        options = self._module.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = self.threads
        options.execution_mode = self._module.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = self._module.GraphOptimizationLevel.ORT_ENABLE_ALL
        if profile is not None:
            options.enable_profiling, options.profile_file_prefix = True, str(profile)
        return self._module.InferenceSession(document, options, providers=["CPUExecutionProvider"])


def _image(channels: int, target: LatencyTarget) -> NDArray[np.float32]:
    shape = (1, channels, target.lr_height, target.lr_width)
    return np.random.default_rng(0).random(shape, dtype=np.float32)
