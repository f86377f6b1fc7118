"""What the first directory of a TIFF claims, looked at before Pillow makes objects of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Literal

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

TAGS = 256
"""Tags of an image at most; cameras and editors write some tens."""

NUMBERS = 2**20
"""Numbers of a tag at most: strips or tiles of an image, and some room."""

_TEXTS = (1, 2, 7)  # types of which Pillow makes no objects
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

_Order = Literal["<", ">"]


def excess(file: BinaryIO, size: int) -> str:
    """What a TIFF has too much of to be a photograph; empty where it is none, or nothing is too much.

    Args:
        file: The file, positioned anywhere.
        size: Its bytes: values that are longer together share them, and each would be read.
    """
    file.seek(0)
    if (magic := file.read(4)) not in MAGIC:
        return ""
    order: _Order = "<" if magic.startswith(b"II") else ">"
    large = b"+" in magic
    number = _first_directory(file, order, large=large)
    if number > TAGS:
        return f"{number:,} tags"
    total = 0
    for kind, count in _entries(file.read(number * (20 if large else 12)), order, large=large):
        total += count * _SIZES.get(kind, 0)
        if count > NUMBERS and kind not in _TEXTS:
            return f"a tag of {count:,} numbers"
    return "" if total <= size else f"tags of {total:,} bytes in a file of {size:,}"


def _first_directory(file: BinaryIO, order: _Order, *, large: bool) -> int:
    """How many entries the first directory says it has, with the file at the first of them; 0 where it breaks off."""
    if large:
        file.seek(8)
    file.seek(_number(file, order, "Q" if large else "L"))
    return _number(file, order, "Q" if large else "H")


def _number(file: BinaryIO, order: _Order, kind: str) -> int:
    layout = struct.Struct(order + kind)
    data = file.read(layout.size)
    return int(layout.unpack(data)[0]) if len(data) == layout.size else 0


def _entries(data: bytes, order: _Order, *, large: bool) -> Iterator[tuple[int, int]]:
    """(type, count) of each entry that is whole."""
    layout = struct.Struct(order + ("2xHQ8x" if large else "2xHL4x"))
    yield from layout.iter_unpack(data[: len(data) // layout.size * layout.size])
