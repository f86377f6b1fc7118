"""Many images in one array, one after the other: what the processes of a machine can share. It knows numpy alone.

A packed set is pickled (protocol 5) as two buffers, however many images it has. Unpickled over shared memory, every
image is a view into it, and so is what patches are cut from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .decoding import Pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedImages:
    """The images of one resolution, each row after row.

    Attributes:
        pixels: K x C, uint8, C = 1 or 3: every pixel of every image. May not be written to.
        sizes: M x 2, int64: height and width of each image, so that K is the sum of their products.
    """

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 2 or len(self.pixels) != self.sizes.prod(axis=1).sum():
            shape = self.pixels.shape
            raise ValueError(f"expected uint8 K x C of {len(self.sizes)} images, got {self.pixels.dtype} {shape}")
        sealed = self.pixels.view()
        sealed.setflags(write=False)
        object.__setattr__(self, "pixels", sealed)

    @classmethod
    def of(cls, images: Iterable[Pixels], sizes: Sequence[tuple[int, int]], channels: int) -> PackedImages:
        """Copy images of known sizes, one at a time, so that they need not all exist at once.

        Args:
            images: uint8 H x W x C, in the order of ``sizes``.
            sizes: Height and width of each.
            channels: C.
        """
        table = np.array(sizes, dtype=np.int64).reshape(-1, 2)
        pixels = np.empty((int(table.prod(axis=1).sum()), channels), np.uint8)
        packed = cls(pixels=pixels, sizes=table)
        for start, image in zip(packed.starts, images, strict=True):
            pixels[start : start + image.shape[0] * image.shape[1]] = image.reshape(-1, channels)
        return packed

    @property
    def starts(self) -> NDArray[np.int64]:
        """M, int64: the row of `pixels` that each image begins at."""
        counts: NDArray[np.int64] = self.sizes.prod(axis=1)
        return counts.cumsum() - counts

    def views(self) -> list[Pixels]:
        """Each image, H x W x C, over the same memory."""
        sizes = self.sizes.tolist()
        return [
            self.pixels[start : start + height * width].reshape(height, width, -1)
            for start, (height, width) in zip(self.starts, sizes, strict=True)
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedPairs:
    """The images of a set at both resolutions, in the same order.

    Attributes:
        hr: The true images.
        lr: The networks' inputs.
    """

    hr: PackedImages
    lr: PackedImages
