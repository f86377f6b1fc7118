"""A model as programs that upscale pictures call it: RGB in, RGB out, whatever the network itself sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .metrics.luma import chroma, full_luma, rgb_from_full
from .model import BicubicUpscale, SRModel


class RgbModel(nn.Module):
    """An RGB upscaler around a network of luma or of RGB.

    Around a luma network: full-range BT.601 luma goes through the network, the two colour differences through MATLAB's
    bicubic, and both are joined to RGB again. In either case values are cut to [0, 1].

    Attributes:
        model: The network in what its recipe wraps around it.
        scale: Upscaling factor.

    Shape:
        (n, 3, h, w) in [0, 1] -> (n, 3, scale * h, scale * w) in [0, 1], with h and w at least 2.
    """

    def __init__(self, model: SRModel) -> None:
        super().__init__()
        self.model = model
        self.scale = model.scale
        self.enlarge = BicubicUpscale(model.scale, 2) if model.channels == 1 else None

    def forward(self, images: Tensor) -> Tensor:
        """Upscale a batch."""
        if self.enlarge is None:
            return self.model(images).clamp(0, 1)  # type: ignore[no-any-return]  # modules are untyped
        planes = images[:, 0:1], images[:, 1:2], images[:, 2:3]
        differences = self.enlarge(torch.cat(chroma(*planes), dim=1))
        luma = self.model(full_luma(*planes))
        return torch.cat(rgb_from_full(luma, differences[:, 0:1], differences[:, 1:2]), dim=1).clamp(0, 1)
