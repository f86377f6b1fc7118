"""Named tensors as one document in the format of safetensors, which is simple enough to need no library.

A document is the length of its header (8 bytes, little-endian), the header (JSON: for each name type, shape and place;
texts under "__metadata__"), and the values. It holds no code. Written byte for byte as the library safetensors writes
it; read with the same suspicion. So a machine with torch, numpy and Pillow can train and score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from search_space.errors import InvalidInput, Problem

TYPES: Mapping[str, torch.dtype] = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I32": torch.int32,
    "F32": torch.float32,
    "F64": torch.float64,
    "I64": torch.int64,
}
"""Types that are written and read, by their names in headers; values lie in the opposite order of this table."""

NAMES = {dtype: name for name, dtype in TYPES.items()}
TEXTS = "__metadata__"
ALIGNMENT = 8


def to_bytes(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> bytes:
    """Write tensors, and texts into the header; equal ones in equal order of texts give equal bytes.

    Args:
        tensors: Contiguous, on the CPU, of types in `TYPES`.
        texts: By their names; not read by whoever wants only the tensors.
    """
    ranks = {dtype: rank for rank, dtype in enumerate(reversed(list(TYPES.values())))}
    ordered = sorted(tensors.items(), key=lambda item: (ranks[item[1].dtype], item[0]))
    header: dict[str, Any] = {TEXTS: dict(texts)} if texts else {}
    end = 0
    for name, tensor in ordered:
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    values = (tensor.reshape(-1).view(torch.uint8).numpy().data for _, tensor in ordered)
    return b"".join([len(text).to_bytes(8, "little"), text, *values])


def from_bytes(document: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a document.

    Returns:
        The tensors, on the CPU, in memory of this document alone; and the texts of its header.

    Raises:
        InvalidInput: It is cut short or too long, its header is none, or values overlap, leave gaps or do not have the
            size that their shape asks for.
    """
    start = 8 + int.from_bytes(document[:8], "little")
    try:
        header = json.loads(document[8:start].decode())
        texts = header.pop(TEXTS, {})
        values = bytearray(document[start:])
        places = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
        tensors, end = {}, 0
        for name, place in places:
            tensors[name] = _tensor(values, place, end)
            end = place["data_offsets"][1]
        whole = start + end == len(document) and all(isinstance(text, str) for text in texts.values())
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise _refused(document) from error
    if not whole:
        raise _refused(document)
    return tensors, texts


def _tensor(values: bytearray, place: Mapping[str, Any], start: int) -> Tensor:
    """The tensor that begins where the one before it ended."""
    dtype, shape, offsets = TYPES[place["dtype"]], place["shape"], place["data_offsets"]
    if any(type(number) is not int or number < 0 for number in shape):
        raise ValueError(f"a shape of {shape}")
    count = prod(shape)
    end = start + count * dtype.itemsize
    if offsets != [start, end] or end > len(values):
        raise ValueError(f"values at {offsets}, expected {[start, end]}")
    flat = torch.frombuffer(values, dtype=dtype, count=count, offset=start) if count else torch.empty(0, dtype=dtype)
    return flat.reshape(shape)


def _refused(document: bytes) -> InvalidInput:
    return InvalidInput([Problem("checkpoint", document[:16], "a whole safetensors document")])
