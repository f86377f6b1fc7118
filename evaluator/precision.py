"""What a training computes in: what a recipe's choice becomes on a device, and the switches that make it so.

Weights, their moments and averages, the loss and every score are float32 whatever the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch

from .model import SRModel
from .recipe import Precision

Computed = Literal["float32", "tf32", "bfloat16"]
"""What "auto" has become; stands in the provenance of a score."""

AMPERE = (8, 0)
"""Compute capability of the first GPUs with TF32 and bfloat16 in hardware."""

BFLOAT16_FEATURES = ("avx512_bf16", "amx_bf16")
"""Instruction sets of x86 with which bfloat16 was seen to be the faster; without them it is many times slower."""


def resolve(precision: Precision, device: torch.device | str) -> Computed:
    """Return what a choice means on a device.

    "auto" is bfloat16 on an x86 processor that multiplies it in hardware and float32 on any other processor; on a GPU
    it is TF32, the more careful of the two fast ones: which is faster there has not been measured. Where a GPU is
    older than Ampere, "auto" and "tf32" are float32, and so is "tf32" on a CPU. "bfloat16" is taken at its word
    everywhere.

    Args:
        precision: `Recipe.precision`.
        device: Where the training will run. A CUDA device has to be there.
    """
    if precision in ("float32", "bfloat16"):
        return precision
    if torch.device(device).type == "cuda":
        return "tf32" if torch.cuda.get_device_capability(device) >= AMPERE else "float32"
    return "bfloat16" if precision == "auto" and cpu_has_bfloat16() else "float32"


def cpu_has_bfloat16() -> bool:
    """Whether this machine's processor multiplies bfloat16 in hardware."""
    # A private call up to torch 2.11, a public one since; what an unknown torch cannot say counts as no.
    features: Mapping[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return any(features.get(name, False) for name in BFLOAT16_FEATURES) or bool(probe is not None and probe())


@contextmanager
def training_context(model: SRModel, precision: Computed, *, deterministic: bool = False) -> Iterator[None]:
    """Let a model's forward and backward passes compute in a precision for a while; for everything else see the top.

    bfloat16 is the network's alone: the input mapping and the image residual around it stay float32.

    Args:
        model: The model.
        precision: In what.
        deterministic: Whether algorithms that do not give equal results every time are forbidden meanwhile; an
            operation that has no other raises a RuntimeError.
    """
    before = model.network_dtype
    model.network_dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    try:
        with matrix_units("tf32" if precision == "tf32" else "ieee"), _only_deterministic(deterministic):
            yield
    finally:
        model.network_dtype = before


@contextmanager
def matrix_units(rounding: Literal["ieee", "tf32"]) -> Iterator[None]:
    """Say how a GPU's convolutions and matrix products read float32 for a while; nothing else heeds it.

    PyTorch lets convolutions round to TF32 unless it is told not to.
    """
    backends: Any = torch.backends  # its stubs do not know them
    switches = (backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul)
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = rounding
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


@contextmanager
def _only_deterministic(on: bool) -> Iterator[None]:
    if not on:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
