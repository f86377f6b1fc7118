"""The port between the steps of a training and what it learns from: which patches, which loss, and what goes with it.

Plainly, patches come as they are drawn and the loss is L1. Distillation puts other lessons in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from .model import SRModel


class Lesson(Protocol):
    """What one training learns from.

    A step calls `choose`, cuts the patches, calls `loss` and goes backward from it, has the network's own optimiser
    step, and calls `learn`. `loss`, the backward pass and `learn` run in the training's precision. Nothing here may
    draw from torch's global generator: equal states give equal trainings. And nothing of it stays on the model between
    two calls, neither hooks nor other weights: the model is watched, copied and scored as it is.

    Attributes:
        recordable: Whether the operations of every step are the same, so that a GPU may replay a recording of one. Then
            nothing here may wait for the device.
    """

    recordable: bool

    def choose(self, uniform: Tensor) -> Tensor:
        """Which patches to cut: 4 x N in float64 on [0, 1), as `ResidentImages.cut` reads it; given what was drawn."""
        ...

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        """The scalar to minimise for patches LR (N x C x P x P) and HR (N x C x sP x sP), both in [0, 1].

        Its gradient is what counts. Its value is shown and judged as the mean absolute difference from HR.
        """
        ...

    def learn(self) -> None:
        """Take in the step that was just made: what goes along with the network, such as a teacher, makes its own."""
        ...

    def state(self) -> Mapping[str, Tensor]:
        """Everything besides the network that the next step depends on, by name, as contiguous copies on the host."""
        ...

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state`, before the first step; the tensors must not be written to."""
        ...


class PlainLesson:
    """The mean absolute difference from the true image, of patches as they are drawn.

    Args:
        model: What is trained.
    """

    recordable = True

    def __init__(self, model: SRModel) -> None:
        self._model = model

    def choose(self, uniform: Tensor) -> Tensor:
        """As drawn."""
        return uniform

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        """L1."""
        return nn.functional.l1_loss(self._model(lr), hr)

    def learn(self) -> None:
        """Nothing goes along."""

    def state(self) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Nothing."""
