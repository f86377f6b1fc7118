"""The convolution cell, dense or grouped."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def same(in_channels: int, out_channels: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    """Return a convolution with bias that keeps height and width by zero padding."""
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, groups=groups)


class ConvolutionCell(nn.Module):
    """Convolutions in a row, each followed by a ReLU: (N, in_channels, H, W) -> (N, channels, H, W).

    Groups cut straight through what is read; nothing mixes them (no shuffle, no pointwise convolution). A
    residual adds the output of the first repeat to that of the last, after their ReLUs; with one repeat there
    is none.
    """

    def __init__(
        self, in_channels: int, channels: int, *, kernel: int, repeats: int, residual: bool, groups: int
    ) -> None:
        super().__init__()
        widths = [in_channels] + [channels] * (repeats - 1)
        self.blocks = nn.ModuleList(same(width, channels, kernel, groups) for width in widths)
        self.residual = residual and repeats > 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the cell's output, (N, channels, H, W)."""
        outputs = []
        for block in self.blocks:
            x = torch.relu(block(x))
            outputs.append(x)
        return outputs[0] + x if self.residual else x
