"""Weights as one safetensors document, its header saying what network they belong to. No pickles."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

from torch import Tensor

from . import named_tensors
from .metadata import KEY, Metadata


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
