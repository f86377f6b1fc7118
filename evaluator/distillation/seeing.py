"""What a network makes of patches: its image, and on demand the outputs of its cells. Compares nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn
from torch.func import functional_call

from ..model import SRModel


@dataclass(frozen=True)
class View:
    """What a network made of N patches.

    Attributes:
        image: N x C x sP x sP in float32.
        cells: The output of every cell, N x width x P x P in float32; empty where nobody asked.
    """

    image: Tensor
    cells: tuple[Tensor, ...] = ()

    def detached(self) -> View:
        """The same without a graph."""
        return View(self.image.detach(), tuple(cell.detach() for cell in self.cells))


def look(model: SRModel, lr: Tensor, *, cells: bool, weights: Mapping[str, Tensor] | None = None) -> View:
    """Upscale patches, differentiably.

    Args:
        model: The network.
        lr: N x C x P x P in [0, 1].
        cells: Whether the outputs of the cells are wanted.
        weights: What to compute with in place of the model's own weights, by their names.
    """
    with _outputs(model.network.cells if cells else nn.ModuleDict()) as seen:
        image = model(lr) if weights is None else functional_call(model, dict(weights), (lr,))
    return View(image, tuple(cell.float() for cell in seen))


@contextmanager
def _outputs(modules: nn.ModuleDict) -> Iterator[list[Tensor]]:
    """A list that fills with the modules' outputs for a while; no hook outlives it."""
    seen: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        for module in modules.values()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
