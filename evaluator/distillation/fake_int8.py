"""A network that computes as if in INT8 while it is trained, as static quantisation would have it. Exports nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from ..model import SRModel
from .companion import on_host

LEVELS = 255
WEIGHT_LEVELS = 127
MOMENTUM = 0.99
SMALLEST = 1e-8
"""Of a step from one level to the next: a tensor of zeros has no range."""


class FakeInt8:
    """Simulated quantisation of every convolution's weights and input (Jacob et al., arXiv 1712.05877).

    Weights: a symmetric scale for each output channel, at its largest magnitude. What a convolution reads: one
    asymmetric scale, over a range that holds 0 and follows the moving average of what was seen. Biases and everything
    between convolutions stay float32, as they do, or nearly, in a runtime that accumulates in 32 bits. Rounding is
    passed by straight through by gradients (Bengio et al., arXiv 1308.3432); what lies outside the range gets none.

    The convolutions are changed only inside `active`: no parameter is renamed, and nothing is left behind.

    Args:
        model: On its device.

    Attributes:
        ranges: Smallest and largest input of each convolution, (layers, 2); NaN before the first was seen.
    """

    def __init__(self, model: SRModel) -> None:
        self._model = model
        self._layers = [module for module in model.network.modules() if isinstance(module, nn.Conv2d)]
        device = self._layers[0].weight.device
        self.ranges = torch.full((len(self._layers), 2), torch.nan, device=device)

    @contextmanager
    def active(self, *, observe: bool) -> Iterator[None]:
        """Let the model compute as if in INT8 for a while, and in float32 otherwise, whatever the training computes in.

        Args:
            observe: Whether the ranges follow what is seen.
        """
        dtype = self._model.network_dtype
        self._model.network_dtype = torch.float32  # bfloat16 has too few digits for 255 levels
        for place, layer in enumerate(self._layers):
            vars(layer)["forward"] = partial(self._convolve, place, layer, observe)
        try:
            yield
        finally:
            self._model.network_dtype = dtype
            for layer in self._layers:
                del vars(layer)["forward"]

    def state(self) -> dict[str, Tensor]:
        """The ranges."""
        return {"ranges": on_host(self.ranges)}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        self.ranges.copy_(tensors["ranges"])

    def _convolve(self, place: int, layer: nn.Conv2d, observe: bool, x: Tensor) -> Tensor:
        """What stands in for a convolution's forward pass."""
        now = torch.stack(x.detach().aminmax())
        known = self.ranges[place]
        if observe:
            known.copy_(torch.where(known.isnan(), now, MOMENTUM * known + (1 - MOMENTUM) * now))
        low, high = torch.where(known.isnan(), now, known).unbind()
        inputs, weight = fake_activations(x, low, high), fake_weights(layer.weight)
        return nn.functional.conv2d(
            inputs, weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups
        )


def fake_activations(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Round to 256 levels from low to high, scalars, of which one is 0; what lies outside becomes the last level."""
    low, high = low.clamp(max=0), high.clamp(min=0)
    step = ((high - low) / LEVELS).clamp(min=SMALLEST)
    zero = (-low / step).round()
    levels = (_rounded(x / step) + zero).clamp(0, LEVELS)
    return (levels - zero) * step


def fake_weights(weight: Tensor) -> Tensor:
    """Round a convolution's weights, O x I x K x K, to 255 levels for each output channel, symmetric about 0."""
    step = (weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True) / WEIGHT_LEVELS).clamp(min=SMALLEST)
    return _rounded(weight / step) * step


def _rounded(x: Tensor) -> Tensor:
    """The nearest integers, with the gradient of x."""
    return x + (x.round() - x).detach()
