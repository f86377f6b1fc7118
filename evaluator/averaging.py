"""The average of weights over a training, which is scored instead of the last ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of weights, without the starting weights in it.

    After t updates the weights of update i count in proportion to decay^(t - i), which sum to one: Adam's
    correction of bias (Kingma & Ba, arXiv 1412.6980), so that a short training is not scored by where it
    started. The correction comes with `store`: an update is the same whatever its number, so a captured one stays true.

    Args:
        weights: The live weights.
        decay: In [0, 1); 0 keeps no average at all.

    Attributes:
        means: The averages before the correction, in the order of the weights; none without averaging.
    """

    def __init__(self, weights: list[nn.Parameter], decay: float) -> None:
        self._live: list[Tensor] = list(weights)
        self._decay = decay
        self.means = [torch.zeros_like(weight) for weight in weights] if decay else []

    @torch.no_grad()
    def update(self) -> None:
        """Take the live weights in."""
        if self.means:
            torch._foreach_lerp_(self.means, self._live, 1 - self._decay)

    @torch.no_grad()
    def resume(self, means: Sequence[Tensor]) -> None:
        """Go on from the averages of an earlier training, one for each weight, or none without averaging."""
        for mean, saved in zip(self.means, means, strict=True):
            mean.copy_(saved)

    @torch.no_grad()
    def store(self, updates: int) -> None:
        """Write the average over the live weights, corrected for so many updates; after none they stay as they are."""
        if self.means and updates:
            torch._foreach_copy_(self._live, torch._foreach_div(self.means, 1 - self._decay**updates))
