"""What an export is made of: the network, pictures to check it on, and photographs to calibrate it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evaluator.data.decoding import as_rgb
from evaluator.data.images import ImagePair
from evaluator.face import RgbModel
from evaluator.metrics.luma import full_luma
from evaluator.model import SRModel

from ..facts import CheckedOn

CHECKED_SIZES = ((61, 97), (48, 35))
"""(height, width) of the two crops that a file is checked on; neither is square, and one is odd both ways."""

RANGES = {
    1: "full-range BT.601 luma in [0, 1], n x 1 x h x w",
    3: "RGB in [0, 1], n x 3 x h x w",
}


class ExportError(RuntimeError):
    """A file was made, but it does not compute what the network computes, so it was not written.

    Attributes:
        hint: What to do next.
    """

    hint = "export to safetensors instead, and report this with the versions of torch and onnxruntime"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trained network that files are made of.

    Attributes:
        model: The network in its wrapping, on the CPU, in evaluation mode and float32.
        pictures: RGB to compare on: batches n x 3 x h x w in [0, 1] of different sizes.
        photographs: RGB pairs at the network's scale, to score on; may be empty.
        calibration: Others to calibrate with; the photographs themselves where there are none.
        summary: How it was trained, as JSON values, for files that have a place for it.
        checked_on: What the pictures are of.
    """

    model: SRModel
    pictures: Sequence[Tensor]
    photographs: Sequence[ImagePair] = ()
    calibration: Sequence[ImagePair] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    checked_on: CheckedOn = "photograph"

    @cached_property
    def rgb(self) -> RgbModel:
        """The network as an upscaler of RGB."""
        return RgbModel(self.model).eval()

    def network(self, face: str) -> nn.Module:
        """What a file of a face computes: "rgb" the upscaler of RGB, "luma" the network itself."""
        return self.rgb if face == "rgb" else self.model

    def inputs(self, face: str) -> list[Tensor]:
        """The pictures as that face takes them."""
        if face == "rgb":
            return list(self.pictures)
        return [full_luma(*(picture[:, i : i + 1] for i in range(3))) for picture in self.pictures]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file that was made and not yet verified.

    Attributes:
        document: Its bytes.
        detail: What to know of how it was made, as JSON values.
    """

    document: bytes
    detail: Mapping[str, Any] = field(default_factory=dict)


def crops(image: NDArray[np.uint8] | None) -> list[Tensor]:
    """Two batches of RGB in [0, 1] of two sizes, the second of two images; smaller where the image is smaller.

    Args:
        image: uint8 H x W x 1 or 3, best a photograph; noise without it.
    """
    if image is None:
        image = np.random.default_rng(0).integers(0, 256, (*CHECKED_SIZES[0], 3), dtype=np.uint8)
    image = as_rgb(image)
    batches = []
    for count, (height, width) in enumerate(CHECKED_SIZES, start=1):
        top, left = (max(0, side - crop) // 2 for side, crop in zip(image.shape, (height, width), strict=False))
        crop = torch.tensor(image[top : top + height, left : left + width]).permute(2, 0, 1) / 255
        batches.append(torch.stack([crop, crop.flip(-1)][:count]))
    return batches


@torch.no_grad()
def run(network: nn.Module, images: Sequence[Tensor]) -> list[Tensor]:
    """What a network makes of each batch."""
    return [network(image) for image in images]


def largest_difference(mine: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Largest absolute difference over all batches; infinite where a shape differs, NaN where a value is."""
    differences = [
        (a - b).abs().max().item() if a.shape == b.shape else float("inf") for a, b in zip(mine, theirs, strict=True)
    ]
    return float(np.max(differences))  # unlike max(), it does not lose a NaN
