"""What weights belong to, as one JSON text that travels with them. Knows no tensors and no files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, get_args

from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype
from search_space.ops import ChannelOrder

from .recipe import Recipe

KEY = "srnas"
"""The name of the text in files that have a place for named texts."""

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What weights belong to.

    Attributes:
        genotype: The network.
        recipe: How it was trained, and what it is wrapped in.
        scale: Upscaling factor.
        channels: Channels of the image.
        depth_to_space: The order in which its tail's channels become pixels; "tensorflow" for the released networks of
            the FALSR family.
    """

    genotype: Genotype
    recipe: Recipe
    scale: int
    channels: int
    depth_to_space: ChannelOrder = "pytorch"

    def to_text(self) -> str:
        """The JSON document."""
        document: dict[str, Any] = {
            "version": VERSION,
            "genotype": str(self.genotype),
            "recipe": self.recipe.to_json(),
            "scale": self.scale,
            "channels": self.channels,
            "protocol": self.recipe.protocol,
        }
        if self.depth_to_space != "pytorch":
            document["depth_to_space"] = self.depth_to_space
        return json.dumps(document, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Metadata:
        """Read what `to_text` wrote.

        Raises:
            InvalidInput: This is no document of ours, or its genotype or recipe cannot be read.
        """
        try:
            document = json.loads(text)
            if document["version"] != VERSION:
                raise InvalidInput([Problem("checkpoint.version", document["version"], str(VERSION))])
            order = document.get("depth_to_space", "pytorch")
            if order not in get_args(ChannelOrder):
                raise InvalidInput([Problem("checkpoint.depth_to_space", order, " or ".join(get_args(ChannelOrder)))])
            return cls(
                genotype=Genotype.parse(document["genotype"]),
                recipe=Recipe.from_json(document["recipe"]),
                scale=int(document["scale"]),
                channels=int(document["channels"]),
                depth_to_space=order,
            )
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise InvalidInput([Problem("checkpoint.header", text, "a header that srnas wrote")]) from error
