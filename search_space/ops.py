"""The vocabulary of a genotype: its operators and the range of each number. Descriptions only, no layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

EXPANSION = 2
"""An inverted bottleneck widens its channels by this factor."""

SCALES = (2, 3, 4)
"""Upscaling factors that a network can be built for."""

IMAGE_CHANNELS = (1, 3)
"""Channels of an image: 1 for luma, 3 for RGB."""

ChannelOrder = Literal["pytorch", "tensorflow"]
"""In which order channels become pixels where space is made of depth."""

MAX_WIDTH = 1024
MAX_KERNEL = 11
MAX_REPEATS = 64
MAX_CELLS = 64


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One kind of cell.

    Attributes:
        name: Its name in genotypes and documents.
        token: Its short name in the text form.
        title: Its name for people.
        groups: Groups of its convolutions; 1 for a dense one. Divides the channels that go in and come out.
        bottleneck: Whether its repeats are inverted bottlenecks and not single convolutions.
    """

    name: str
    token: str
    title: str
    groups: int = 1
    bottleneck: bool = False


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        operator.name: operator
        for operator in (
            Operator(name="conv", token="conv", title="convolution"),
            Operator(name="group2", token="g2", title="group convolution, 2 groups", groups=2),
            Operator(name="group4", token="g4", title="group convolution, 4 groups", groups=4),
            Operator(name="inverted_bottleneck", token="ib", title="inverted bottleneck", bottleneck=True),
        )
    }
)
"""Every operator by its name: the four of FALSR (arXiv 1901.07261, section 3)."""
