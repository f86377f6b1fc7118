"""How long a model takes for one picture of 1280 x 720 on the devices at hand. Heavy."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Literal

import numpy as np
import torch

from evaluator.latency.measure import draw_weights
from evaluator.latency.onnx_graph import to_onnx
from evaluator.latency.onnx_runtime import OnnxRuntime
from evaluator.latency.plan import plan_network
from evaluator.latency.runtime import Runtime
from evaluator.latency.timing import REPEATS, Clock, Repeats
from evaluator.latency.torch_runtime import TorchRuntime
from evaluator.latency_target import LatencyTarget
from evaluator.metadata import Metadata

from ..export.benchmark_document import Latency
from ..models import Upscaler

OUTPUT_WIDTH, OUTPUT_HEIGHT = 1280, 720
"""The picture for which papers count multiply-adds."""


def latencies(
    upscaler: Upscaler,
    file: Path | None = None,
    *,
    repeats: Repeats = REPEATS,
    clock: Clock = time.perf_counter,
) -> tuple[Latency, ...]:
    """Time a model on this machine's processor, and on its GPU where there is one.

    On the processor onnxruntime runs on one thread; on a GPU torch does, in float32 with TF32. Unless it is an ONNX
    file, what is timed is the network that the metadata describe, with what its recipe wraps around it; its weights
    are drawn, since time does not hang on them.

    Args:
        upscaler: The model; one of another make is timed by its file alone.
        file: The ONNX file that it was read from.
        repeats: How often.
        clock: Seconds.
    """
    return tuple(_timed(upscaler, file, repeats, clock))


def _timed(upscaler: Upscaler, file: Path | None, repeats: Repeats, clock: Clock) -> Iterator[Latency]:
    """On the processor, then on the GPU."""
    target = target_of(upscaler.scale)
    network = f"{'luma' if upscaler.channels == 1 else 'RGB'} network"
    made = upscaler.metadata
    document = file.read_bytes() if file else _drawn(made) if made else None
    if document is not None:
        on_cpu = OnnxRuntime(repeats, clock=clock)
        times = on_cpu.times(document, target)
        yield _latency("cpu", on_cpu, times, file.name if file else network, target, upscaler.scale, repeats)
    if made is not None and torch.cuda.is_available():
        on_gpu = TorchRuntime(torch.device("cuda"), repeats, clock=clock)
        plan = plan_network(made.genotype, made.recipe, scale=made.scale, channels=made.channels)
        times = on_gpu.times(plan, draw_weights(plan, np.random.default_rng(0)), target)
        yield _latency("cuda", on_gpu, times, network, target, upscaler.scale, repeats)


def target_of(scale: int) -> LatencyTarget:
    """The picture to enlarge so that 1280 x 720 comes out, to the nearest pixel."""
    return LatencyTarget(lr_width=round(OUTPUT_WIDTH / scale), lr_height=round(OUTPUT_HEIGHT / scale))


def _drawn(made: Metadata) -> bytes:
    """An ONNX document of the network, with weights that are drawn."""
    plan = plan_network(made.genotype, made.recipe, scale=made.scale, channels=made.channels)
    return to_onnx(plan, draw_weights(plan, np.random.default_rng(0)))


def _latency(
    place: Literal["cpu", "cuda"],
    runtime: Runtime,
    times: Sequence[float],
    timed: str,
    target: LatencyTarget,
    scale: int,
    repeats: Repeats,
) -> Latency:
    lower, _, upper = quantiles(times, n=4, method="inclusive")
    return Latency(
        place=place,
        device=runtime.device,
        runtime=runtime.version,
        timed=timed,
        output=f"{scale * target.lr_width}x{scale * target.lr_height}",
        warm_up=repeats.warm_up,
        repeats=len(times),
        median_ms=median(times),
        lower_ms=lower,
        upper_ms=upper,
    )
