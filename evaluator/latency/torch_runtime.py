"""A GPU's runtime: torch, channels-last, timed by the device's own events. Tests run it on a CPU, with the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..executor import ExecutorError
from ..latency_target import LatencyTarget
from ..model import BicubicUpscale
from ..precision import matrix_units
from ..provenance import cpu_name
from .operators import runs
from .plan import Plan, Step
from .runtime import Weights
from .table import Sample
from .timing import REPEATS, Clock, Repeats, settled_times


class TorchRuntime:
    """torch without autograd, in float32 with TF32 in convolutions; a `runtime.Runtime`.

    Args:
        device: A CUDA device, or a CPU.
        repeats: How often whole networks are timed.
        traced: Runs that a trace takes the median of.
        clock: Seconds; times a CPU, and bounds the repeats.

    Raises:
        ExecutorError: There is no such device.
    """

    def __init__(
        self,
        device: torch.device,
        repeats: Repeats = REPEATS,
        *,
        traced: int = 5,
        clock: Clock = time.perf_counter,
    ) -> None:
        if device.type == "cuda" and not torch.cuda.is_available():
            raise ExecutorError("there is no CUDA device here", retryable=False, hint="give --device cpu")
        self._device, self._repeats, self._traced, self._clock = device, repeats, traced, clock

    @property
    def device(self) -> str:
        """Name of the device."""
        return torch.cuda.get_device_name(self._device) if self._on_gpu else cpu_name(self.threads)

    @property
    def version(self) -> str:
        """Torch's version."""
        return f"torch {torch.__version__}"

    @property
    def threads(self) -> int:
        """CPU threads; 0 on a GPU."""
        return 0 if self._on_gpu else torch.get_num_threads()

    @property
    def block(self) -> int:
        """0: torch keeps one layout throughout."""
        return 0

    @property
    def _on_gpu(self) -> bool:
        return self._device.type == "cuda"

    def time(self, plan: Plan, weights: Weights, target: LatencyTarget) -> float:
        """Milliseconds of a plan for one image, median of several."""
        return median(self.times(plan, weights, target))

    def times(self, plan: Plan, weights: Weights, target: LatencyTarget) -> list[float]:
        """Milliseconds of each run that counts, of a plan for one image."""
        network, image = _Network(plan, weights, self._device), self._image(plan, target)

        def once() -> float:
            mark = self._mark()
            network(image)
            (ms,) = self._between([mark, self._mark()])
            return ms

        with _deployed():
            return settled_times(once, self._repeats, self._clock)

    def run(self, plan: Plan, weights: Weights, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a plan makes of images, (n, channels, h, w) -> (n, out_channels, h', w')."""
        with _deployed():
            output = _Network(plan, weights, self._device)(self._place(images))
        made: NDArray[np.float32] = output.cpu().numpy()
        return made

    def trace(self, plan: Plan, weights: Weights, target: LatencyTarget) -> list[Sample]:
        """Milliseconds of each step of a plan, between marks before and after it; nothing is left for the rest."""
        network, image = _Network(plan, weights, self._device), self._image(plan, target)
        laps = []
        with _deployed():
            for _ in range(1 + self._traced):
                marks = [self._mark()]
                network(image, lambda marks=marks: marks.append(self._mark()))  # type: ignore[misc]  # bound now
                laps.append(self._between(marks))
        ms = [median(times) for times in zip(*laps[1:], strict=True)]
        return [Sample(run, ms[run.step - 1] if run.step else 0.0) for run in runs(plan, self.block)]

    def _image(self, plan: Plan, target: LatencyTarget) -> Tensor:
        shape = (1, plan.channels, target.lr_height, target.lr_width)
        return self._place(np.random.default_rng(0).random(shape, dtype=np.float32))

    def _place(self, images: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(images).to(self._device, memory_format=torch.channels_last)

    def _mark(self) -> Any:
        """A moment: on a GPU when all work so far will be done."""
        if not self._on_gpu:
            return self._clock()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch has no types for it
        event.record(torch.cuda.current_stream(self._device))
        return event

    def _between(self, marks: Sequence[Any]) -> list[float]:
        """Milliseconds from each moment to the next, once the last has passed."""
        if not self._on_gpu:
            return [1000 * (end - start) for start, end in pairwise(marks)]
        marks[-1].synchronize()
        return [start.elapsed_time(end) for start, end in pairwise(marks)]


class _Network:
    """A plan with its weights on a device; values are let go after their last reader."""

    def __init__(self, plan: Plan, weights: Weights, device: torch.device) -> None:
        self._plan = plan
        self._upscale = BicubicUpscale(plan.scale, plan.channels).to(device)
        self._weights = {
            f"{step.name}.{part}": _place(weights[f"{step.name}.{part}"], device)
            for step in plan.steps
            if step.kind == "convolution"
            for part in ("weight", "bias")
        }
        self._last = {value: number for number, step in enumerate(plan.steps, start=1) for value in step.inputs}

    def __call__(self, images: Tensor, after_step: Callable[[], object] = lambda: None) -> Tensor:
        """Upscale a batch."""
        values = {0: images}
        for number, step in enumerate(self._plan.steps, start=1):
            values[number] = self._step(step, [values[value] for value in step.inputs])
            for value in set(step.inputs):
                if self._last[value] == number:
                    del values[value]
            after_step()
        return values[len(self._plan.steps)]

    def _step(self, step: Step, inputs: list[Tensor]) -> Tensor:
        match step.kind:
            case "map":
                return self._plan.input_scale * (inputs[0] - self._plan.input_offset)
            case "convolution":
                weight, bias = (self._weights[f"{step.name}.{part}"] for part in ("weight", "bias"))
                made = functional.conv2d(inputs[0], weight, bias, padding=step.kernel // 2, groups=step.groups)
                return torch.relu(made) if step.relu else made
            case "concatenate":
                return torch.cat(inputs, dim=1)
            case "add":
                return inputs[0] + inputs[1]
            case "shuffle":
                return functional.pixel_shuffle(inputs[0], self._plan.scale)
            case "bicubic":
                upscaled: Tensor = self._upscale(inputs[0])
                return upscaled


def _place(weights: NDArray[np.float32], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(weights)).to(device)
    return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


@contextmanager
def _deployed() -> Iterator[None]:
    """As a network runs in use: no gradients, the fastest convolutions, TF32 where there is hardware for it."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        with torch.inference_mode(), matrix_units("tf32"):
            yield
    finally:
        torch.backends.cudnn.benchmark = before
