"""A candidate as it is trained and deployed: the plain network and what its recipe wraps around it.

Knows how weights start; knows nothing of data, losses or optimisers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_space.genotype import Genotype
from search_space.network import SRNetwork, build

from .cost import BICUBIC_TAPS, maps_input
from .metadata import Metadata
from .recipe import Recipe

PROJECTION_GAIN = 0.2
OUTPUT_GAIN = 0.05
NORMAL_STD = 0.02


class BicubicUpscale(nn.Module):
    """MATLAB's bicubic upscaling by a whole factor: Keys' kernel (a = -0.5), half-sample symmetric borders.

    One fixed convolution gives every output phase its own 5x5 kernel, a pixel shuffle interleaves them. In
    float64 it agrees with `imresize` to 1e-12; in float32 to rounding. It exports to ONNX with dynamic height
    and width.

    Args:
        scale: Upscaling factor, at least 1.
        channels: Channels of the image; each is upscaled alone.
        dtype: Type of the kernels, which is the type of the images.

    Shape:
        (n, channels, h, w) -> (n, channels, scale * h, scale * w), with h and w at least 2.
    """

    kernels: Tensor

    def __init__(self, scale: int, channels: int = 1, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.scale = scale
        self.channels = channels
        taps = _phase_taps(scale)
        kernels = torch.einsum("pi,qj->pqij", taps, taps).reshape(scale**2, 1, BICUBIC_TAPS, BICUBIC_TAPS)
        self.register_buffer("kernels", kernels.repeat(channels, 1, 1, 1).to(dtype), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Upscale a batch; values may leave the range of the input by overshooting at edges."""
        phases = nn.functional.conv2d(_pad_symmetric(images), self.kernels, groups=self.channels)
        return nn.functional.pixel_shuffle(phases, self.scale)


def _phase_taps(scale: int) -> Tensor:
    """Weights (scale, 5), float64: output pixel `scale * i + p` weighs input pixels i-2 .. i+2 by row p."""
    centre = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    reach = BICUBIC_TAPS // 2
    distance = (centre[:, None] - torch.arange(-reach, reach + 1, dtype=torch.float64)).abs()
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = torch.where(distance <= 1, near, torch.where(distance <= 2, far, 0.0))
    return weights / weights.sum(dim=1, keepdim=True)


def _pad_symmetric(x: Tensor) -> Tensor:
    """Mirror two pixels over each border, the border pixel included; torch has no such padding mode."""
    x = torch.cat([x[:, :, 1:2], x[:, :, :1], x, x[:, :, -1:], x[:, :, -2:-1]], dim=2)
    return torch.cat([x[..., 1:2], x[..., :1], x, x[..., -1:], x[..., -2:-1]], dim=3)


class SRModel(nn.Module):
    """A network between its recipe's input mapping and image residual.

    Attributes:
        network: The plain network; the only part with weights, under the published key names.
        genotype: What the network is.
        recipe: What it is wrapped in.
        scale: Upscaling factor.
        channels: Channels of the image: 1 for luma, 3 for RGB.
        network_dtype: What the network computes in: float32, or for the length of a training step something shorter.
            What goes in, what comes out and the weights are float32 whatever it is.

    Shape:
        (n, channels, h, w) in [0, 1] -> (n, channels, scale * h, scale * w), about [0, 1] and not clipped.
        With the image residual, h and w are at least 2.
    """

    def __init__(self, network: SRNetwork, genotype: Genotype, recipe: Recipe, *, scale: int, channels: int) -> None:
        super().__init__()
        self.network = network
        self.genotype = genotype
        self.recipe = recipe
        self.scale = scale
        self.channels = channels
        self.network_dtype = torch.float32
        self.upscale = BicubicUpscale(scale, channels) if recipe.image_residual else None
        self._maps_input = maps_input(recipe)

    @property
    def metadata(self) -> Metadata:
        """What its weights belong to."""
        order = self.network.tail.order
        return Metadata(
            genotype=self.genotype,
            recipe=self.recipe,
            scale=self.scale,
            channels=self.channels,
            depth_to_space=order,
        )

    def forward(self, images: Tensor) -> Tensor:
        """Upscale a batch."""
        mapped = images
        if self._maps_input:
            mapped = self.recipe.input_scale * (images - self.recipe.input_offset)
        detail = self._detail(mapped)
        return detail if self.upscale is None else detail + self.upscale(images)

    def _detail(self, mapped: Tensor) -> Tensor:
        """What the network makes of its mapped input, in float32."""
        if self.network_dtype == torch.float32:
            detail: Tensor = self.network(mapped)
            return detail
        # Each weight is used once a step, so a cache of those that were cast would only keep memory.
        with torch.autocast(mapped.device.type, self.network_dtype, cache_enabled=False):
            lowered: Tensor = self.network(mapped)
            return lowered.float()


def build_model(
    genotype: Genotype, recipe: Recipe, *, scale: int, channels: int, generator: torch.Generator
) -> SRModel:
    """Build a candidate on the CPU with its starting weights.

    Args:
        genotype: What the network is.
        recipe: How it starts and what it is wrapped in.
        scale: 2, 3 or 4.
        channels: 1 (luma) or 3 (RGB).
        generator: A CPU generator; equal states give equal weights.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    network = build(genotype, scale=scale, channels=channels)
    initialise(network, recipe, generator)
    return SRModel(network, genotype, recipe, scale=scale, channels=channels)


@torch.no_grad()
def initialise(network: nn.Module, recipe: Recipe, generator: torch.Generator) -> None:
    """Draw a network's starting weights in place; every bias is zero.

    "he-damped" is Kaiming-normal with fan-in and the gain of ReLU (He et al., arXiv 1502.01852); inverted
    bottlenecks' projections are then scaled by 0.2 and the output convolution by 0.05, so that residual
    branches and the image start near nothing and near the bicubic upscaling. "normal" draws every weight with
    standard deviation 0.02.

    Args:
        network: The network; its convolutions are drawn in the order of their names.
        recipe: Says which initialisation.
        generator: A CPU generator.
    """
    layers = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    for name, layer in sorted(layers.items()):
        std = NORMAL_STD if recipe.initialisation == "normal" else _damped_std(name, layer)
        layer.weight.copy_(std * torch.randn(layer.weight.shape, generator=generator))
        if layer.bias is not None:
            layer.bias.zero_()


def _damped_std(name: str, layer: nn.Conv2d) -> float:
    fan_in = layer.weight[0].numel()
    gain = PROJECTION_GAIN if name.endswith(".project") else OUTPUT_GAIN if name == "tail.out" else 1.0
    return float(gain * (2.0 / fan_in) ** 0.5)
