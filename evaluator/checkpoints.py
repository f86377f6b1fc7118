"""Weights as one safetensors document, its header saying what network they belong to. No pickles."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from torch import Tensor

from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from . import named_tensors
from .recipe import Recipe

KEY = "srnas"
"""The one text in the header: the library safetensors writes several in no fixed order."""

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What the weights belong to.

    Attributes:
        genotype: The network.
        recipe: How it was trained, and what it is wrapped in.
        scale: Upscaling factor.
        channels: Channels of the image.
    """

    genotype: Genotype
    recipe: Recipe
    scale: int
    channels: int

    def to_text(self) -> str:
        """The JSON document that stands in a checkpoint's header."""
        document = {
            "version": VERSION,
            "genotype": str(self.genotype),
            "recipe": self.recipe.to_json(),
            "scale": self.scale,
            "channels": self.channels,
            "protocol": self.recipe.protocol,
        }
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
            return cls(
                genotype=Genotype.parse(document["genotype"]),
                recipe=Recipe.from_json(document["recipe"]),
                scale=int(document["scale"]),
                channels=int(document["channels"]),
            )
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput([Problem("checkpoint.header", text, "a header that srnas wrote")]) from error


def to_bytes(weights: Mapping[str, Tensor], metadata: Metadata) -> bytes:
    """Write weights and what they belong to into one document; equal weights give equal bytes.

    Args:
        weights: A network's state dict, on any device and in any memory format.
        metadata: What the weights belong to.
    """
    tensors = {name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}
    return pack(tensors, metadata.to_text())


def from_bytes(document: bytes) -> tuple[dict[str, Tensor], Metadata]:
    """Read a document of `to_bytes`.

    Returns:
        The weights on the CPU, and what they belong to.

    Raises:
        InvalidInput: The bytes are no safetensors document, or not one of ours.
    """
    tensors, text = unpack(document)
    return tensors, Metadata.from_text(text)


def pack(tensors: Mapping[str, Tensor], text: str) -> bytes:
    """Write contiguous tensors on the CPU, and a text into the header, as one safetensors document."""
    return named_tensors.to_bytes(tensors, {KEY: text})


def unpack(document: bytes) -> tuple[dict[str, Tensor], str]:
    """Read a document of `pack`; the text is empty when the header has none of ours.

    Raises:
        InvalidInput: The bytes are no safetensors document.
    """
    tensors, texts = named_tensors.from_bytes(document)
    return tensors, texts.get(KEY, "")


def write(path: Path, document: bytes) -> None:
    """Write a file whole or not at all: a reader never sees half a document, whatever stops the writer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
