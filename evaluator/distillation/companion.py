"""Weights that go along with a training, such as a teacher's, with an Adam of their own and a state to go on from."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

MOMENTS = {"first_moments": "exp_avg", "second_moments": "exp_avg_sq"}


class Companion:
    """A module and what its next step depends on.

    Args:
        module: On its device; every weight of it that can be trained is.
    """

    def __init__(self, module: nn.Module) -> None:
        self._named = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        self._optimiser = torch.optim.Adam(self._named.values())
        for weight in self._named.values():  # there from the start, so that a state has the same names at every step
            moments = {key: torch.zeros_like(weight) for key in MOMENTS.values()}
            self._optimiser.state[weight] = {"step": torch.zeros(()), **moments}

    def step(self, rate: float) -> None:
        """Take a step of Adam by the gradients that a backward pass has left on the weights, and drop them."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def descend(self, loss: Tensor, rate: float) -> None:
        """Take a step on a loss; other weights that it depends on get no gradient."""
        weights = list(self._named.values())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        self.step(rate)

    def state(self) -> dict[str, Tensor]:
        """Weights, moments and the number of steps, by name, as copies on the host."""
        named: dict[str, Tensor] = {}
        for name, weight in self._named.items():
            kept = self._optimiser.state[weight]
            parts = {"weights": weight, "steps": kept["step"], **{part: kept[key] for part, key in MOMENTS.items()}}
            named |= {f"{part}/{name}": on_host(tensor) for part, tensor in parts.items()}
        return named

    @torch.no_grad()
    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state`; every tensor keeps its own memory format, or sums would differ."""
        for name, weight in self._named.items():
            kept = self._optimiser.state[weight]
            weight.copy_(tensors[f"weights/{name}"])
            kept["step"].copy_(tensors[f"steps/{name}"])
            for part, key in MOMENTS.items():
                kept[key].copy_(tensors[f"{part}/{name}"])


def on_host(tensor: Tensor) -> Tensor:
    """A contiguous copy on the CPU."""
    return tensor.detach().clone(memory_format=torch.contiguous_format).cpu()
