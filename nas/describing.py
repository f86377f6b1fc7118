"""What can be said of a network without training it: its costs, its names, and what its authors report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from search_space.cost import LR_PIXELS, mult_adds, params
from search_space.drawing import draw
from search_space.genotype import Genotype
from search_space.published import PUBLISHED, PublishedNetwork

from .documents import read_genotype


@dataclass(frozen=True, kw_only=True)
class Description:
    """A network and its exact costs.

    Attributes:
        genotype: The network.
        scale: Upscaling factor.
        channels: Channels of the image.
        params: Learned parameters, biases included.
        mult_adds: Multiply-adds of the plain network at 230,400 LR pixels; a recipe's wrapping comes on top.
        published: The published network that it is, None when it is none.
    """

    genotype: Genotype
    scale: int
    channels: int
    params: int
    mult_adds: int
    published: PublishedNetwork | None

    @property
    def name(self) -> str | None:
        """Its published name."""
        return None if self.published is None else self.published.name

    def to_json(self) -> dict[str, Any]:
        """The description as a JSON document."""
        reported = None
        if self.published is not None:
            reported = {
                "title": self.published.title,
                "scale": self.published.scale,
                "params": self.published.reported_params,
                "mult_adds": self.published.reported_mult_adds,
                "scores": [asdict(score) for score in self.published.scores],
                "source": self.published.source,
            }
        return {
            "name": self.name,
            "text": str(self.genotype),
            "digest": self.genotype.digest,
            "scale": self.scale,
            "channels": self.channels,
            "params": self.params,
            "mult_adds": self.mult_adds,
            "lr_pixels": LR_PIXELS,
            "genotype": self.genotype.to_json(),
            "reported": reported,
        }

    def drawing(self) -> str:
        """The network as an SVG document."""
        return draw(self.genotype, title=None if self.published is None else self.published.title)


def describe(name: str, *, scale: int = 2, channels: int = 1) -> Description:
    """Describe a network.

    Args:
        name: A published name, a genotype text, or the path of a JSON file.
        scale: 2, 3 or 4.
        channels: 1 (luma) or 3 (RGB).

    Raises:
        InvalidInput: The name stands for no network, or none is built for this scale or these channels.

    Example:
        >>> describe("falsr-a").params
        1021401
    """
    genotype = read_genotype(name)
    return Description(
        genotype=genotype,
        scale=scale,
        channels=channels,
        params=params(genotype, scale=scale, channels=channels),
        mult_adds=mult_adds(genotype, scale=scale, channels=channels),
        published=next((entry for entry in PUBLISHED.values() if entry.genotype == genotype), None),
    )
