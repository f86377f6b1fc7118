"""Scoring protocols as data: channel, range, rounding, border, resampling, gray images. It computes nothing.

The same network moves by up to 2 dB from one protocol to another, so no score stands without the identifier
of its protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from search_space.errors import InvalidInput, Problem

Channel = Literal["y", "rgb"]
Rounding = Literal["none", "falsr", "uint8"]
Border = Literal["symmetric", "replicate"]
Enlarger = Literal["imresize", "pillow"]
Baseline = Literal["rgb", "luma"]

PEAK = 255
KERNEL = "bicubic, a = -0.5, antialiased, as MATLAB's imresize"
GRAY = "as RGB with three equal channels"
"""How every protocol takes gray images; their luma is then the gray value itself."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a prediction and its target are prepared for PSNR and SSIM; both then use a peak of 255.

    LR images that a set does not bring are made with `KERNEL`, which also makes the bicubic baseline.

    FSDS does not depend on it: it always compares the clipped, unrounded prediction with the whole target.

    Attributes:
        id: The name that stands with every score.
        channel: "y" compares luma on [16, 235], "rgb" the three channels on [0, 255].
        rounding: "none" keeps fractions; "uint8" rounds what is compared to integers, half up; "falsr"
            follows the script released with FALSR, which takes luma through 8-bit RGB.
        shave: Pixels cut off every side before comparing, in multiples of the scale.
        border: What lies outside an image when LR images are made and bicubic enlarges: "symmetric" mirrors, as
            today's MATLAB does; "replicate" repeats the last pixel.
        chroma: What enlarges the colour of a luma network's picture; None where colour is not compared.
        baseline: What bicubic starts from: "rgb" enlarges the 8-bit LR image that networks see; "luma" shrinks and
            enlarges the rounded luma of the HR image without rounding in between, as the literature's tables have it.
        description: One sentence for people.
    """

    id: str
    channel: Channel
    rounding: Rounding
    shave: int = 1
    border: Border = "symmetric"
    chroma: Enlarger | None = None
    baseline: Baseline = "rgb"
    description: str

    @property
    def range(self) -> tuple[int, int]:
        """Black and white of what is compared."""
        return (16, 235) if self.channel == "y" else (0, 255)

    def shave_px(self, scale: int) -> int:
        """Pixels to cut off every side of an image that was upscaled by ``scale``."""
        return self.shave * scale

    def to_json(self) -> dict[str, Any]:
        """Everything that two scores must share to compare, as a JSON document."""
        return asdict(self) | {"range": list(self.range), "peak": PEAK, "kernel": KERNEL, "gray": GRAY}


_ALL = (
    Protocol(
        id="y-float",
        channel="y",
        rounding="none",
        description="Luma on [16, 235], not rounded, a border of scale pixels cut off, as most papers do.",
    ),
    Protocol(
        id="falsr",
        channel="y",
        rounding="falsr",
        chroma="pillow",
        description="The script released with FALSR: luma through 8-bit RGB with bicubic chroma, rounded.",
    ),
    Protocol(
        id="y-rounded",
        channel="y",
        rounding="uint8",
        baseline="luma",
        description="Luma on [16, 235] rounded to integers on both sides, a border of scale pixels cut off.",
    ),
    Protocol(
        id="rgb",
        channel="rgb",
        rounding="uint8",
        chroma="imresize",
        description="8-bit RGB, all channels alike, a border of scale pixels cut off.",
    ),
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({protocol.id: protocol for protocol in _ALL})
"""Every protocol by its identifier."""


def get_protocol(id: str, *, field: str = "protocol") -> Protocol:
    """The protocol of that identifier.

    Raises:
        InvalidInput: There is none; the problem, at ``field``, names those there are.
    """
    if id not in PROTOCOLS:
        raise InvalidInput([Problem(field, id, f"one of {', '.join(PROTOCOLS)}")])
    return PROTOCOLS[id]
