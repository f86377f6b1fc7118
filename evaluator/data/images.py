"""Images in memory: pairs of uint8 arrays, decoded once. It refuses to know torch or training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from search_space.errors import InvalidInput, Problem

from ..metrics.protocol import Border
from .decoding import Pixels, UnreadableImage, as_rgb, decode, luma
from .degrade import imresize, modcrop
from .folders import Folder, ImageFiles
from .packed import PackedImages, PackedPairs


@dataclass(frozen=True, kw_only=True, eq=False)
class ImagePair:
    """One image at both resolutions.

    Attributes:
        name: What scores and messages call it.
        hr: The true image, uint8, sH x sW x C with C = 3 (RGB) or 1 (gray, or full-range luma).
        lr: The network's input, uint8, H x W x C.
    """

    name: str
    hr: Pixels
    lr: Pixels

    def __post_init__(self) -> None:
        for array in (self.hr, self.lr):
            if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3):
                raise ValueError(f"{self.name}: expected uint8 H x W x 1 or 3, got {array.dtype} {array.shape}")
        if self.hr.shape != (self.scale * self.lr.shape[0], self.scale * self.lr.shape[1], self.lr.shape[2]):
            raise ValueError(f"{self.name}: {self.hr.shape} is no multiple of {self.lr.shape}")

    @property
    def scale(self) -> int:
        """HR side over LR side."""
        return int(self.hr.shape[0] // self.lr.shape[0])

    def crop(self, lr_side: int) -> ImagePair:
        """The central window of at most ``lr_side`` x ``lr_side`` LR pixels, both resolutions aligned."""
        height, width = (min(lr_side, side) for side in self.lr.shape[:2])
        top, left = (self.lr.shape[0] - height) // 2, (self.lr.shape[1] - width) // 2
        lr = self.lr[top : top + height, left : left + width]
        s = self.scale
        hr = self.hr[s * top : s * (top + height), s * left : s * (left + width)]
        return replace(self, hr=np.ascontiguousarray(hr), lr=np.ascontiguousarray(lr))


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageSet:
    """Images of one scale, decoded.

    Pickles without copying pixels (protocol 5), so that processes on one machine can share them; once `packed`, as
    two buffers that every image is a view into.

    Attributes:
        pairs: The images, in the natural order of their names.
        scale: HR side over LR side, the same for all.
        problems: What was left out, and why.
    """

    pairs: tuple[ImagePair, ...]
    scale: int
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        for pair in self.pairs:
            if pair.scale != self.scale:
                raise ValueError(f"{pair.name}: scale {pair.scale} in a set of scale {self.scale}")

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[ImagePair]:
        return iter(self.pairs)

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal characters over scale, shapes and pixels, in order; names are left out."""
        digest = blake2b(f"x{self.scale}".encode(), digest_size=16)
        for pair in self.pairs:
            for array in (pair.hr, pair.lr):
                digest.update(str(array.shape).encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @cached_property
    def packed(self) -> PackedPairs:
        """All images in one array for each resolution, copied when it is first asked for; not at all after `pack`.

        Raises:
            InvalidInput: There is no image, or they have not all as many channels.
        """
        return _packed(self.pairs, lambda pixels: pixels)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if "packed" in state:
            state["pairs"] = [pair.name for pair in self.pairs]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "packed" in state:
            state = state | {"pairs": _views(state["packed"], state["pairs"])}
        self.__dict__.update(state)

    def crop(self, lr_side: int) -> ImageSet:
        """Every image cut to its central window of at most ``lr_side`` x ``lr_side`` LR pixels."""
        return replace(self, pairs=tuple(pair.crop(lr_side) for pair in self.pairs))


def load(
    folder: Folder,
    *,
    scale: int,
    channels: int,
    limit: int | None = None,
    crop: int | None = None,
    border: Border = "symmetric",
    field: str = "dataset",
) -> ImageSet:
    """Decode the images of a scanned folder.

    HR is cut to a multiple of the scale (bottom and right). LR is read where the folder has one, else made
    from the 8-bit HR by `imresize`. With one channel both are then turned into luma,
    so that a network sees the luma of an 8-bit LR image whichever way it came.

    Args:
        folder: What `folders.scan` found.
        scale: The scale that it was scanned for.
        channels: 3 for RGB, 1 for full-range luma.
        limit: Stop after so many good images; all when None.
        crop: Keep the central window of so many LR pixels a side; everything when None.
        border: What `imresize` sees beyond the border of an HR image.
        field: Where problems are reported.

    Returns:
        The good images; `problems` holds the folder's and those that only decoding brings to light.

    Raises:
        InvalidInput: No image could be decoded.
    """
    pairs: list[ImagePair] = []
    problems = list(folder.problems)
    for files in folder.pairs:
        if limit is not None and len(pairs) == limit:
            break
        try:
            pair = _decode_pair(files, scale, channels, border)
        except UnreadableImage as error:
            name = error.path.relative_to(folder.root).as_posix()
            problems.append(Problem(f"{field}[{name}]", error.reason, "an image that can be decoded"))
            continue
        pairs.append(pair if crop is None else pair.crop(crop))
    if not pairs:
        raise InvalidInput(problems or [Problem(field, limit, "at least one image")])
    return ImageSet(pairs=tuple(pairs), scale=scale, problems=tuple(problems))


def pack(image_set: ImageSet) -> ImageSet:
    """The same images as views into two arrays, so that each pixel is held once, and may not be written to.

    Raises:
        InvalidInput: There is no image, or they have not all as many channels.
    """
    return image_set if "packed" in vars(image_set) else _over(image_set.packed, image_set)


def as_luma(image_set: ImageSet) -> ImageSet:
    """The same images, packed, as full-range luma rounded to uint8: what a network with one channel is trained on.

    Raises:
        InvalidInput: There is no image.
    """
    if all(pair.lr.shape[2] == 1 for pair in image_set):
        return pack(image_set)
    return _over(_packed(image_set.pairs, luma), image_set)


def _over(packed: PackedPairs, image_set: ImageSet) -> ImageSet:
    """A set of the same names whose images are what was packed."""
    pairs = _views(packed, [pair.name for pair in image_set])
    views = replace(image_set, pairs=pairs)
    views.__dict__["packed"] = packed
    return views


def _views(packed: PackedPairs, names: Sequence[str]) -> tuple[ImagePair, ...]:
    images = zip(names, packed.hr.views(), packed.lr.views(), strict=True)
    return tuple(ImagePair(name=name, hr=hr, lr=lr) for name, hr, lr in images)


def _packed(pairs: Sequence[ImagePair], convert: Callable[[Pixels], Pixels]) -> PackedPairs:
    """Copies of converted images, one being converted at a time."""
    channels = {convert(pair.lr[:1, :1]).shape[2] for pair in pairs}
    if len(channels) != 1:
        raise InvalidInput([Problem("dataset", len(pairs), "at least one image, all with as many channels")])
    (count,) = channels
    hr, lr = (
        PackedImages.of((convert(image) for image in images), [image.shape[:2] for image in images], count)
        for images in ([pair.hr for pair in pairs], [pair.lr for pair in pairs])
    )
    return PackedPairs(hr=hr, lr=lr)


def split(image_set: ImageSet, holdout: int) -> tuple[ImageSet, ImageSet]:
    """Hold images out for validation: the middle one of each of ``holdout`` equal stretches of the set.

    Returns:
        (the rest, those held out), both in the order of the set.

    Raises:
        InvalidInput: One of the two would be empty.
    """
    total = len(image_set)
    if not 0 < holdout < total:
        raise InvalidInput([Problem("holdout", holdout, f"1 to {total - 1}, the set having {total} images")])
    held = held_places(total, holdout)
    rest = [index for index in range(total) if index not in held]
    return _subset(image_set, rest), _subset(image_set, held)


def held_places(total: int, holdout: int) -> list[int]:
    """Which of so many images `split` holds out, rising.

    >>> held_places(10, 2)
    [2, 7]
    """
    return [(2 * k + 1) * total // (2 * holdout) for k in range(holdout)]


def _subset(image_set: ImageSet, indices: Sequence[int]) -> ImageSet:
    return replace(image_set, pairs=tuple(image_set.pairs[index] for index in indices))


def _decode_pair(files: ImageFiles, scale: int, channels: int, border: Border) -> ImagePair:
    hr = modcrop(decode(files.hr), scale)
    lr = imresize(hr, 1 / scale, border=border) if files.lr is None else decode(files.lr)
    if lr.shape[2] != hr.shape[2]:
        hr, lr = as_rgb(hr), as_rgb(lr)
    convert = luma if channels == 1 else as_rgb
    return ImagePair(name=files.name, hr=np.ascontiguousarray(convert(hr)), lr=np.ascontiguousarray(convert(lr)))
