"""The average of weights over a training, which is scored instead of the last ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of weights, without the starting weights in it.

    After t updates the weights of update i count in proportion to decay^(t - i), which sum to one: Adam's
    correction of bias (Kingma & Ba, arXiv 1412.6980), so that a short training is not scored by where it
    started.

    Args:
        weights: The live weights.
        decay: In [0, 1); 0 keeps no average at all.

    Attributes:
        means: The averages in the order of the weights; none without averaging.
    """

    def __init__(self, weights: list[nn.Parameter], decay: float) -> None:
        self._live: list[Tensor] = list(weights)
        self._decay = decay
        self._updates = 0
        self.means = [torch.zeros_like(weight) for weight in weights] if decay else []

    @torch.no_grad()
    def update(self) -> None:
        """Take the live weights in."""
        if self.means:
            self._updates += 1
            share = (1 - self._decay) / (1 - self._decay**self._updates)
            torch._foreach_lerp_(self.means, self._live, share)

    @torch.no_grad()
    def resume(self, means: Sequence[Tensor], updates: int) -> None:
        """Go on from the averages that so many updates left, one for each weight, or none without averaging."""
        for mean, saved in zip(self.means, means, strict=True):
            mean.copy_(saved)
        self._updates = updates if self.means else 0

    @torch.no_grad()
    def store(self) -> None:
        """Write the average over the live weights."""
        if self._updates:
            torch._foreach_copy_(self._live, self.means)
