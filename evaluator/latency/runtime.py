"""The port to whatever runs networks: it times a plan as a whole, and operator by operator.

Knows no runtime of its own; `onnx_runtime` is the one of CPUs, `torch_runtime` that of GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..latency_target import LatencyTarget
from .plan import Plan
from .table import Sample

BICUBIC = "bicubic.kernels"
"""The name, among the weights, of the fixed kernels (channels * scale^2, 1, 5, 5) of the image residual."""

Weights = Mapping[str, NDArray[np.float32]]
"""For each convolution `<name>.weight` (out, in / groups, k, k) and `<name>.bias` (out,); and `BICUBIC`."""


class Runtime(Protocol):
    """Runs plans on one device, one image at a time.

    Guarantees: what is timed computes what the plan says, with these weights, in float32 (on a GPU convolutions may
    round to TF32); the first runs are not counted; results are medians.
    """

    @property
    def device(self) -> str:
        """Name of the device, e.g. "cpu (1 thread, x86_64)"."""
        ...

    @property
    def version(self) -> str:
        """What runs the plans, with its version: "onnxruntime 1.31.1"."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads that compute; 0 on a GPU."""
        ...

    @property
    def block(self) -> int:
        """Channels in a block of its layout (see `operators`); 0 where it has but one."""
        ...

    def time(self, plan: Plan, weights: Weights, target: LatencyTarget) -> float:
        """Milliseconds that a plan takes for one image, median of several."""
        ...

    def trace(self, plan: Plan, weights: Weights, target: LatencyTarget) -> list[Sample]:
        """Milliseconds of everything that `operators.runs` lists for a plan, in any order; medians of several."""
        ...
