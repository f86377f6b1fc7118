"""Scoring protocols as data: which channel, which rounding, which border. It computes nothing.

The same network moves by up to 2 dB from one protocol to another, so no score stands without the identifier
of its protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from search_space.errors import InvalidInput, Problem

Channel = Literal["y", "rgb"]
Rounding = Literal["none", "falsr", "uint8"]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a prediction and its target are prepared for PSNR and SSIM; both then use a peak of 255.

    FSDS does not depend on it: it always compares the clipped, unrounded prediction with the whole target.

    Attributes:
        id: The name that stands with every score.
        channel: "y" compares luma on [16, 235], "rgb" the three channels on [0, 255].
        rounding: "none" keeps fractions; "uint8" rounds what is compared to integers, half up; "falsr"
            follows the script released with FALSR, which takes luma through 8-bit RGB.
        shave: Pixels cut off every side before comparing, in multiples of the scale.
        description: One sentence for people.
    """

    id: str
    channel: Channel
    rounding: Rounding
    shave: int = 1
    description: str

    def shave_px(self, scale: int) -> int:
        """Pixels to cut off every side of an image that was upscaled by ``scale``."""
        return self.shave * scale


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
        description="The script released with FALSR: luma through 8-bit RGB with bicubic chroma, rounded.",
    ),
    Protocol(
        id="y-rounded",
        channel="y",
        rounding="uint8",
        description="Luma on [16, 235] rounded to integers on both sides, a border of scale pixels cut off.",
    ),
    Protocol(
        id="rgb",
        channel="rgb",
        rounding="uint8",
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
