"""The fixed parts of a standalone source file, as text. Those with fields in braces are filled in by `arch`."""

HEADING = '''
# SPDX-License-Identifier: Apache-2.0
# Licensed under the Apache License, Version 2.0 (the "License"), which is at
# https://www.apache.org/licenses/LICENSE-2.0. Provided "as is", without warranties or
# conditions of any kind. The weights may have terms of their own.
"""Super-resolution x{scale} in plain PyTorch; written by srnas, of which it needs nothing.

{sees}

    model = load("weights.safetensors")  # or weights.pth
    with torch.inference_mode():
        enlarged = model(images)  # RGB in [0, 1], n x 3 x h x w, h and w at least 2

Or from a shell, where Pillow is installed:

    python arch.py weights.safetensors in.png out.png

The genotype of the network:

{genotype}
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SCALE = {scale}
'''

SEES_LUMA = """RGB goes in and comes out. The network sees luma (full-range BT.601); the colour
differences are enlarged by MATLAB's bicubic."""

SEES_RGB = "RGB goes in and comes out."

CONVOLUTION = '''
def convolution(width: int, channels: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    """A convolution from `width` channels that keeps height and width."""
    return nn.Conv2d(width, channels, kernel, padding=kernel // 2, groups=groups)


def join(*blocks: Tensor) -> Tensor:
    """All channels of some blocks."""
    return torch.cat(blocks, dim=1)
'''

CONVOLUTIONS = '''
class ConvCell(nn.Module):
    """Convolutions in a row, each followed by a ReLU."""

    def __init__(
        self,
        width: int,
        channels: int,
        kernel: int,
        repeats: int,
        groups: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        widths = [width] + [channels] * (repeats - 1)
        blocks = [convolution(width, channels, kernel, groups) for width in widths]
        self.blocks = nn.ModuleList(blocks)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.blocks
        x = start = torch.relu(first(x))
        for block in others:
            x = torch.relu(block(x))
        return start + x if self.residual else x
'''

BOTTLENECKS = '''
class InvertedBottleneck(nn.Module):
    """Expand, filter each channel by 3x3, project back, add the input."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        wide = 2 * channels
        self.expand = convolution(channels, wide, kernel)
        self.depthwise = convolution(wide, wide, 3, groups=wide)
        self.project = convolution(wide, channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.relu(self.depthwise(torch.relu(self.expand(x))))
        return x + self.project(wide)


class BottleneckCell(nn.Module):
    """A linear 1x1 convolution, then inverted bottlenecks."""

    def __init__(
        self,
        width: int,
        channels: int,
        kernel: int,
        repeats: int,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.supple = convolution(width, channels, 1)
        blocks = [InvertedBottleneck(channels, kernel) for _ in range(repeats)]
        self.blocks = nn.ModuleList(blocks)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        x = start = self.supple(x)
        for block in self.blocks:
            x = block(x)
        return start + x if self.residual else x
'''

TENSORFLOW_ORDER = '''
def depth_to_space(x: Tensor) -> Tensor:
    """Spread channels over a finer grid, in TensorFlow's order: offsets come first."""
    n, channels, height, width = x.shape
    x = x.reshape(n, SCALE**2, channels // SCALE**2, height, width)
    x = x.transpose(1, 2).reshape(n, channels, height, width)
    return functional.pixel_shuffle(x, SCALE)
'''

NETWORK = '''
class Network(nn.Module):
    """The network itself: (n, {channels}, h, w) -> (n, {channels}, {scale} h, {scale} w), not clipped."""

    def __init__(self) -> None:
        super().__init__()
        self.feat = convolution({channels}, {features}, 3)
        self.cells = nn.ModuleDict(
            {{
{cells}
            }}
        )
        self.tail = nn.ModuleDict(
            {{
{tail}
            }}
        )

    def forward(self, x: Tensor) -> Tensor:
{forward}
        return self.tail["out"]({to_space})
'''

BICUBIC = '''
class Bicubic(nn.Module):
    """MATLAB's bicubic: Keys' kernel (a = -0.5), borders mirrored."""

    def __init__(self) -> None:
        super().__init__()
        centres = (torch.arange(SCALE, dtype=torch.float64) + 0.5) / SCALE - 0.5
        far = (centres[:, None] - torch.arange(-2, 3, dtype=torch.float64)).abs()
        inner = 1.5 * far**3 - 2.5 * far**2 + 1
        outer = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
        taps = torch.where(far <= 1, inner, torch.where(far <= 2, outer, 0.0))
        taps = taps / taps.sum(dim=1, keepdim=True)
        kernels = torch.einsum("pi,qj->pqij", taps, taps).reshape(SCALE**2, 1, 5, 5)
        self.register_buffer("kernels", kernels.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        x = x.reshape(n * channels, 1, height, width)
        x = torch.cat([x[:, :, :2].flip(2), x, x[:, :, -2:].flip(2)], dim=2)
        x = torch.cat([x[..., :2].flip(3), x, x[..., -2:].flip(3)], dim=3)
        x = functional.pixel_shuffle(functional.conv2d(x, self.kernels), SCALE)
        return x.reshape(n, channels, SCALE * height, SCALE * width)
'''

LUMA_UPSCALER = '''
class Upscaler(nn.Module):
    """RGB in [0, 1] in, RGB in [0, 1] out."""

    def __init__(self) -> None:
        super().__init__()
{bicubic}

    def forward(self, images: Tensor) -> Tensor:
        red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
        luma = (299 * red + 587 * green + 114 * blue) / 1000
        cb = self.bicubic((blue - luma) / 1.772)
        cr = self.bicubic((red - luma) / 1.402)
        luma = {made}
        red = luma + 1.402 * cr
        blue = luma + 1.772 * cb
        green = (luma - 0.299 * red - 0.114 * blue) / 0.587
        return join(red, green, blue).clamp(0, 1)
'''

RGB_UPSCALER = '''
class Upscaler(nn.Module):
    """RGB in [0, 1] in, RGB in [0, 1] out."""

    def __init__(self) -> None:
        super().__init__()
{bicubic}

    def forward(self, images: Tensor) -> Tensor:
        enlarged = {made}
        return enlarged.clamp(0, 1)
'''

LOADING = '''
DTYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I32": torch.int32,
}


def load(path: str | Path) -> Upscaler:
    """The upscaler with the weights of a .safetensors or .pth file."""
    path = Path(path)
    if path.suffix not in (".safetensors", ".pth"):
        raise ValueError(f"{path} is not named .safetensors or .pth, as weights are")
    if path.suffix == ".safetensors":
        weights = read_safetensors(path)
    else:
        weights = torch.load(path, map_location="cpu", weights_only=True)["params"]
    weights.pop("srnas", None)  # says what network it is, to programs that do not know
    model = Upscaler()
    model.network.load_state_dict(weights)
    return model.eval()


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file by name; the format needs no library."""
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start].decode())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        place = {
            "dtype": DTYPES[entry["dtype"]],
            "offset": start + entry["data_offsets"][0],
            "count": math.prod(entry["shape"]),
        }
        tensors[name] = torch.frombuffer(content, **place).reshape(entry["shape"])
    return tensors
'''

COMMAND = '''
def main(weights: str, source: str, target: str) -> None:
    """Enlarge one picture."""
    from PIL import Image

    picture = Image.open(source).convert("RGB")
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    image = pixels.reshape(picture.height, picture.width, 3).permute(2, 0, 1) / 255
    with torch.inference_mode():
        enlarged = load(weights)(image[None])[0]
    rows = (255 * enlarged + 0.5).floor().byte().permute(1, 2, 0).flatten(1)
    size = SCALE * picture.width, SCALE * picture.height
    content = b"".join(bytes(row.tolist()) for row in rows)
    Image.frombytes("RGB", size, content).save(target)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python arch.py WEIGHTS IN OUT")
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
'''
