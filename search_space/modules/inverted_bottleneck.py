"""The inverted bottleneck cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..ops import EXPANSION
from .convolution import same


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel, project back, add the input: (N, channels, H, W) -> the same shape.

    `kernel` is that of the expansion and the projection; the depthwise convolution is always 3x3 (as in the
    released graphs of arXiv 1901.07261, where the usual 1x1 of MobileNetV2 becomes a gene).
    """

    def __init__(self, channels: int, *, kernel: int) -> None:
        super().__init__()
        wide = EXPANSION * channels
        self.expand = same(channels, wide, kernel)
        self.depthwise = same(wide, wide, 3, groups=wide)
        self.project = same(wide, channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (N, channels, H, W)."""
        wide = torch.relu(self.depthwise(torch.relu(self.expand(x))))
        output: Tensor = x + self.project(wide)
        return output


class InvertedBottleneckCell(nn.Module):
    """A linear 1x1 convolution, then blocks: (N, in_channels, H, W) -> (N, channels, H, W).

    A residual adds the output of that first convolution to that of the last block; with one repeat there is
    none.
    """

    def __init__(self, in_channels: int, channels: int, *, kernel: int, repeats: int, residual: bool) -> None:
        super().__init__()
        self.supple = same(in_channels, channels, 1)
        self.blocks = nn.ModuleList(InvertedBottleneck(channels, kernel=kernel) for _ in range(repeats))
        self.residual = residual and repeats > 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the cell's output, (N, channels, H, W)."""
        supple = x = self.supple(x)
        for block in self.blocks:
            x = block(x)
        return supple + x if self.residual else x
