"""Training patches as they are usually loaded: files opened and decoded for every patch, cut, flipped and stacked.

The places are given, so that another way of loading can be fed with the same ones. Nothing is cached between patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from evaluator.data.images import ImagePair, ImageSet

Cut = tuple[int, int, int, int]
"""A patch: which image, top, left in LR pixels, and one of the 8 flips and rotations."""


@dataclass(frozen=True, kw_only=True)
class PngPair:
    """One image on disk.

    Attributes:
        lr: The network's input.
        hr: The true image.
    """

    lr: Path
    hr: Path


def write_pngs(images: Sequence[ImagePair], folder: Path) -> list[PngPair]:
    """Write both resolutions of each image, gray or RGB, to a folder; returns them in the same order."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, pair in enumerate(images):
        found = PngPair(lr=folder / f"{number:04}-lr.png", hr=folder / f"{number:04}-hr.png")
        for path, pixels in ((found.lr, pair.lr), (found.hr, pair.hr)):
            Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
        files.append(found)
    return files


def largest_first(images: ImageSet) -> list[ImagePair]:
    """The images in the order that `draw_cuts` counts them in."""
    return sorted(images, key=lambda pair: min(pair.lr.shape[:2]), reverse=True)


def draw_cuts(images: ImageSet, generator: torch.Generator, *, batch: int, patch: int, steps: int) -> list[Cut]:
    """Draw the places of every patch of a training, step after step: those that `ResidentImages.sample` draws.

    The image is uniform among those that hold a patch, then come its place and its transformation.

    Args:
        images: At least one of them holds a patch; `Cut` counts them by `largest_first`.
        generator: Source of randomness on the CPU; advanced by 4 x batch numbers a step.
        batch: Patches a step.
        patch: Side of an LR patch.
        steps: Steps.
    """
    sizes = np.array([pair.lr.shape[:2] for pair in largest_first(images)])
    holding = int((sizes.min(axis=1) >= patch).sum())
    cuts: list[Cut] = []
    for _ in range(steps):
        image, top, left, transform = torch.rand((4, batch), generator=generator, dtype=torch.float64).numpy()
        image = (image * holding).astype(np.int64)
        rows, columns = (sizes[image] - patch + 1).T
        places = (image, top * rows, left * columns, transform * 8)
        cuts.extend(zip(*(place.astype(np.int64).tolist() for place in places), strict=True))
    return cuts


class Patches(Dataset[tuple[Tensor, Tensor]]):
    """LR and HR patches out of PNG files: C x P x P and C x sP x sP, float32 in [0, 1].

    Args:
        files: The images.
        cuts: The patches, in the order in which they are wanted.
        patch: P.
        scale: s.
    """

    def __init__(self, files: Sequence[PngPair], cuts: Sequence[Cut], *, patch: int, scale: int) -> None:
        self._files, self._cuts = list(files), list(cuts)
        self._patch, self._scale = patch, scale

    def __len__(self) -> int:
        """Patches of the whole training."""
        return len(self._cuts)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Open, decode, cut, flip and convert one patch at both resolutions."""
        image, top, left, transform = self._cuts[number]
        files, scale = self._files[image], self._scale
        lr = _cut(_opened(files.lr), top, left, self._patch)
        hr = _cut(_opened(files.hr), scale * top, scale * left, scale * self._patch)
        return _to_tensor(_flipped(lr, transform)), _to_tensor(_flipped(hr, transform))


def _opened(path: Path) -> NDArray[np.uint8]:
    """H x W x C."""
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _cut(pixels: NDArray[np.uint8], top: int, left: int, side: int) -> NDArray[np.uint8]:
    return pixels[top : top + side, left : left + side]


def _flipped(patch: NDArray[np.uint8], transform: int) -> NDArray[np.uint8]:
    """Bits of the transformation: flip rows, flip columns, transpose."""
    patch = patch[::-1] if transform & 1 else patch
    patch = patch[:, ::-1] if transform & 2 else patch
    return patch.swapaxes(0, 1) if transform & 4 else patch


def _to_tensor(patch: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(patch.transpose(2, 0, 1))).float() / 255


def loader(patches: Patches, *, batch: int, workers: int, device: torch.device) -> DataLoader[tuple[Tensor, Tensor]]:
    """Batches in the order of the cuts, prepared in so many processes beside this one; pinned for a GPU, as usual."""
    return DataLoader(patches, batch_size=batch, num_workers=workers, pin_memory=device.type == "cuda")
