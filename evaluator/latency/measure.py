"""Measured latency: what a model is timed with where it is deployed. Heavy: it loads torch, and a CPU's runtime."""

from __future__ import annotations

import time

import numpy as np
import torch

from ..latency_target import LatencyTarget
from ..model import BicubicUpscale, SRModel
from .onnx_runtime import OnnxRuntime
from .plan import Plan, plan_network
from .runtime import BICUBIC, Runtime, Weights
from .timing import REPEATS, Clock, Repeats
from .torch_runtime import TorchRuntime


def latency_ms(
    model: SRModel,
    target: LatencyTarget,
    device: torch.device | str = "cpu",
    *,
    repeats: Repeats = REPEATS,
    clock: Clock = time.perf_counter,
) -> float:
    """Time one image on one device: on a CPU by onnxruntime on one thread, on a GPU by torch.

    What is timed is the candidate as it is deployed, with its recipe's input mapping and image residual, batch 1. The
    model itself is left as it is, on whatever device it lies.

    Args:
        model: A model, best with trained weights.
        target: Size of the image.
        device: Where to time it.
        repeats: How often.
        clock: Seconds.

    Returns:
        Milliseconds, median of several runs.

    Raises:
        ExecutorError: The runtime of this device is not installed.
    """
    plan = plan_network(model.genotype, model.recipe, scale=model.scale, channels=model.channels)
    return open_runtime(device, repeats=repeats, clock=clock).time(plan, weights_of(model), target)


def open_runtime(
    device: torch.device | str, *, repeats: Repeats = REPEATS, clock: Clock = time.perf_counter
) -> Runtime:
    """The runtime that networks on a device are timed with.

    Raises:
        ExecutorError: It is not installed, or there is no such device.
    """
    chosen = torch.device(device)
    return OnnxRuntime(repeats, clock=clock) if chosen.type == "cpu" else TorchRuntime(chosen, repeats, clock=clock)


def weights_of(model: SRModel) -> Weights:
    """A model's weights as its plan names them."""
    weights = {name: value.detach().cpu().numpy() for name, value in model.network.state_dict().items()}
    return weights if model.upscale is None else weights | {BICUBIC: model.upscale.kernels.cpu().numpy()}


def draw_weights(plan: Plan, rng: np.random.Generator) -> Weights:
    """Weights that keep signals alive through any plan: Kaiming-normal, biases zero.

    Time hangs on weights only where numbers grow or vanish beyond what a processor computes at full speed.
    """
    weights = {BICUBIC: BicubicUpscale(plan.scale, plan.channels).kernels.numpy()}
    for step in plan.steps:
        if step.kind == "convolution":
            shape = step.out_channels, step.in_channels // step.groups, step.kernel, step.kernel
            std = (2.0 / np.prod(shape[1:])) ** 0.5
            weights[f"{step.name}.weight"] = np.float32(std) * rng.standard_normal(shape, dtype=np.float32)
            weights[f"{step.name}.bias"] = np.zeros(step.out_channels, dtype=np.float32)
    return weights
