"""Training patches from images that stay on the device: one gather for LR and one for HR, or windows on a CPU.

All images lie flat in one uint8 tensor per resolution. A patch is then nothing but a start, a step from row to
row and a step from column to column. A flip runs the steps backwards and a transposition swaps them, so
augmentation costs nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from search_space.errors import InvalidInput, Problem

from .images import ImageSet
from .packed import PackedImages


class ResidentImages:
    """Images as flat uint8 tensors on a device, from which random aligned patches are cut.

    On a CPU the tensors lie over the set's packed pixels, wherever those are; a GPU gets a copy.

    Args:
        image_set: At least one image; all with as many channels. One that was packed is not copied.
        device: Where the pixels shall lie and the patches appear: 1 byte a value, so 800 photographs of DIV2K
            with their halves take about 8 GB as RGB.

    Attributes:
        scale: HR side over LR side.
        device: As given.
    """

    def __init__(self, image_set: ImageSet, device: torch.device | str) -> None:
        packed = image_set.packed
        sides = packed.lr.sizes.min(axis=1)
        # Largest first, so that those which can hold a patch of any given side are the first so many.
        order = np.argsort(-sides, kind="stable")
        self.scale = image_set.scale
        self.device = torch.device(device)
        self._sides: list[int] = sides[order].tolist()
        self._lr = _Grid.of(packed.lr, order, self.device)
        self._hr = _Grid.of(packed.hr, order, self.device)

    def sample(self, generator: torch.Generator, batch: int, patch: int) -> tuple[Tensor, Tensor]:
        """Cut a batch of random patches.

        The image is drawn uniformly among those that hold a patch (a large image no more often than a small
        one), then the place in it, then one of the 8 flips and rotations. A generator on the CPU gives the
        same patches on every device.

        Args:
            generator: Source of randomness; advanced by 4 x batch numbers.
            batch: Number of patches, N.
            patch: Side of the LR patch, P.

        Returns:
            LR (N x C x P x P) and HR (N x C x sP x sP), float32 in [0, 1]: the same places under the same
            transformations.

        Raises:
            InvalidInput: No image is large enough.
        """
        uniform = torch.rand((4, batch), generator=generator, device=generator.device, dtype=torch.float64)
        return self.cut(uniform.to(self.device), patch)

    def cut(self, uniform: Tensor, patch: int) -> tuple[Tensor, Tensor]:
        """Cut the patches that uniform numbers stand for, as `sample` does with numbers of its own.

        On a GPU nothing but operations on the device, without a wait for their results.

        Args:
            uniform: 4 x N in float64 on [0, 1), on the device: image, row, column and transformation of each patch.
            patch: Side of the LR patch, P.

        Raises:
            InvalidInput: No image is large enough.
        """
        count = self._count(patch)
        image = (uniform[0] * count).long()
        top = (uniform[1] * (self._lr.heights[image] - patch + 1)).long()
        left = (uniform[2] * (self._lr.widths[image] - patch + 1)).long()
        transform = (uniform[3] * 8).long()
        s = self.scale
        lr = self._lr.cut(image, top, left, transform, patch)
        return lr, self._hr.cut(image, s * top, s * left, transform, s * patch)

    def _count(self, patch: int) -> int:
        count = bisect_right(self._sides, -patch, key=lambda side: -side)
        if count == 0:
            raise InvalidInput([Problem("recipe.patch", patch, f"at most {self._sides[0]}, the largest image's side")])
        return count


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Images of one resolution: all pixels (K x C, uint8); starts and sizes of images (int64)."""

    pixels: Tensor
    starts: Tensor
    heights: Tensor
    widths: Tensor

    @classmethod
    def of(cls, images: PackedImages, order: NDArray[np.int64], device: torch.device) -> _Grid:
        """Take the images in this order."""
        table = (images.starts, images.sizes[:, 0], images.sizes[:, 1])
        starts, heights, widths = (torch.from_numpy(column[order]).to(device) for column in table)
        return cls(pixels=_tensor_over(images.pixels).to(device), starts=starts, heights=heights, widths=widths)

    def cut(self, image: Tensor, top: Tensor, left: Tensor, transform: Tensor, side: int) -> Tensor:
        """Patches N x C x side x side in [0, 1]; bits of `transform`: flip rows, flip columns, transpose."""
        width = self.widths[image]
        start = self.starts[image] + top * width + left
        # On a CPU a window is copied at the speed of memory, where a gather takes its time for every pixel.
        cut = self._windows if self.pixels.device.type == "cpu" else self._gathered
        patches = cut(start, width, transform, side).permute(0, 3, 1, 2)
        return patches.to(torch.float32, memory_format=torch.contiguous_format).div_(255)

    def _windows(self, start: Tensor, width: Tensor, transform: Tensor, side: int) -> Tensor:
        """N x side x side x C, each copied out of a view whose strides are the patch's steps."""
        pixels = self.pixels.numpy()
        size = pixels.shape[1]
        patches = np.empty((len(start), side, side, size), np.uint8)
        for patch, first, row, bits in zip(patches, start.tolist(), width.tolist(), transform.tolist(), strict=True):
            down, across = row, 1
            if bits & 1:
                first, down = first + (side - 1) * down, -down
            if bits & 2:
                first, across = first + (side - 1) * across, -across
            if bits & 4:
                down, across = across, down
            strides = (size * down, size * across, 1)
            patch[:] = np.ndarray(patch.shape, np.uint8, pixels, size * first, strides)
        return torch.from_numpy(patches)

    def _gathered(self, start: Tensor, width: Tensor, transform: Tensor, side: int) -> Tensor:
        """The same by one gather, without a word to the host."""
        along = torch.arange(side, device=start.device)
        bit = [(transform[:, None] >> k & 1).bool() for k in range(3)]
        down = torch.where(bit[0], side - 1 - along, along) * width[:, None]
        across = torch.where(bit[1], side - 1 - along, along)
        row_step, column_step = torch.where(bit[2], across, down), torch.where(bit[2], down, across)
        index = start[:, None, None] + row_step[:, :, None] + column_step[:, None, :]
        return self.pixels.index_select(0, index.flatten()).view(*index.shape, -1)


class _Exposed:
    """An array's memory, said to be writable, which keeps the array alive."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        self._array = array
        self.__array_interface__ = array.__array_interface__ | {"data": (array.ctypes.data, False)}


def _tensor_over(pixels: NDArray[np.uint8]) -> Tensor:
    """A tensor over the same memory, which nobody may write to."""
    # torch has no read-only tensors: it warns of every array that is sealed, as all shared memory is.
    return torch.from_numpy(np.asarray(_Exposed(pixels)))
