"""From a genotype to a network: the one place where genes become layers. Trains nothing and loads nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .checks import check_task
from .errors import InvalidInput, Problem
from .genotype import Genotype
from .modules.cell import build_cell
from .modules.convolution import same
from .modules.tail import Tail
from .ops import ChannelOrder


def build(genotype: Genotype, *, scale: int, channels: int = 1, depth_to_space: ChannelOrder = "pytorch") -> SRNetwork:
    """Build the network of a genotype, with weights drawn from PyTorch's global generator.

    Args:
        genotype: What the network is.
        scale: Upscaling factor: 2, 3 or 4.
        channels: Channels of the image: 1 for luma, 3 for RGB.
        depth_to_space: The order in which channels become pixels. Ask for `tensorflow` to run the released
            weights of FALSR; a network trained from scratch may have either.

    Raises:
        InvalidInput: `scale` is not 2, 3 or 4, or `channels` is not 1 or 3.

    Example:
        >>> network = build(Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1"), scale=2)
        >>> network(torch.zeros(1, 1, 24, 32)).shape
        torch.Size([1, 1, 48, 64])
    """
    check_task(scale, channels)
    return SRNetwork(genotype, scale=scale, channels=channels, depth_to_space=depth_to_space)


class SRNetwork(nn.Module):
    """Upscales images: (N, channels, H, W) in [0, 1] -> (N, channels, scale H, scale W), not clipped.

    Any height and width will do, from one pixel up. Weights are named as in the published archives: `feat`,
    `cells.<i>` counted from 1 (`supple`, `blocks.<repeat>`), `tail.fuse`, `tail.expand` (x3 and x4),
    `tail.out`. The skeleton is that of FALSR (arXiv 1901.07261); `modules.tail` says where x3 and x4 depart
    from it.

    Attributes:
        genotype: What the network is.
        scale: Upscaling factor.
        channels: Channels of the image.
    """

    def __init__(self, genotype: Genotype, *, scale: int, channels: int, depth_to_space: ChannelOrder) -> None:
        super().__init__()
        self.genotype = genotype
        self.scale = scale
        self.channels = channels
        *cells_in, tail_in = genotype.in_channels
        numbered = enumerate(zip(genotype.cells, cells_in, strict=True), start=1)
        self.feat = same(channels, genotype.features, 3)
        self.cells = nn.ModuleDict({str(i): build_cell(cell, width) for i, (cell, width) in numbered})
        self.tail = Tail(tail_in, genotype.features, scale=scale, channels=channels, order=depth_to_space)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale images, (N, channels, H, W) -> (N, channels, scale H, scale W).

        Raises:
            InvalidInput: `x` has other dimensions or another number of channels.
        """
        blocks = self.trace(x)
        image: Tensor = self.tail(self._read(blocks, len(self.cells)), blocks[0])
        return image

    def trace(self, x: Tensor) -> list[Tensor]:
        """Return the output of every block, from block 0 to the last cell: n + 1 of (N, width, H, W).

        Raises:
            InvalidInput: `x` has other dimensions or another number of channels.
        """
        if x.ndim != 4 or x.shape[1] != self.channels:
            allowed = f"(N, {self.channels}, H, W)"
            raise InvalidInput([Problem("shape of x", tuple(x.shape), allowed)], f"Pass images as {allowed}.")
        blocks = [torch.relu(self.feat(x))]
        for i, cell in enumerate(self.cells.values()):
            blocks.append(cell(self._read(blocks, i)))
        return blocks

    def _read(self, blocks: list[Tensor], i: int) -> Tensor:
        return torch.cat([blocks[source] for source in self.genotype.inputs[i]], dim=1)
