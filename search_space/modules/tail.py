"""The tail: from what the blocks made to the upscaled image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..ops import ChannelOrder
from .convolution import same


def depth_to_space(x: Tensor, scale: int, order: ChannelOrder) -> Tensor:
    """Spread channels over a finer grid: (N, C scale^2, H, W) -> (N, C, scale H, scale W).

    Channel c at offset (dy, dx) comes from channel `c scale^2 + dy scale + dx` in PyTorch's order, and from
    `(dy scale + dx) C + c` in TensorFlow's, which the released graphs use.
    """
    if order == "tensorflow":
        n, channels, height, width = x.shape
        offsets_first = x.reshape(n, scale**2, channels // scale**2, height, width)
        x = offsets_first.transpose(1, 2).reshape(n, channels, height, width)
    return functional.pixel_shuffle(x, scale)


class Tail(nn.Module):
    """Fuse, add the features, upscale: (N, in_channels, H, W) -> (N, channels, scale H, scale W).

    For x2 this is the tail of FALSR. For x3 and x4 its 32 channels cannot be cut into scale^2 parts, so a
    linear 1x1 convolution `expand` stands before the depth-to-space: our departure, as FALSR is published for
    x2 alone.
    """

    def __init__(self, in_channels: int, features: int, *, scale: int, channels: int, order: ChannelOrder) -> None:
        super().__init__()
        self.scale = scale
        self.order = order
        upscaled = features // 4
        self.fuse = same(in_channels, features, 3)
        self.expand = nn.Identity() if scale == 2 else same(features, upscaled * scale**2, 1)
        self.out = same(upscaled, channels, 3)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Return the image, (N, channels, scale H, scale W), not clipped.

        Args:
            x: What the tail reads, (N, in_channels, H, W).
            features: The output of block 0, (N, features, H, W).
        """
        fused = torch.relu(self.fuse(x)) + features
        image: Tensor = self.out(depth_to_space(self.expand(fused), self.scale, self.order))
        return image
