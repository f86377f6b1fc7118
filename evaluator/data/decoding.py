"""From one file to uint8 pixels. It knows Pillow, and refuses to know folders, pairs or scales.

What a file becomes, whatever it was:

==========================  ==========================================================================
one bit, gray               gray
palette, CMYK, YCbCr, Lab   RGB by Pillow's conversion, without colour management
transparency of any kind    composited on black
16-bit gray                 divided by 257 and rounded, so that 65535 becomes 255
16-bit colour               Pillow decodes it to its high bytes
several frames              the first frame
EXIF orientation            ignored: pixels as they are stored
floating point              refused, since its range is unknown
over 64 megapixels          refused, by the header
==========================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..metrics.luma import full_luma
from .degrade import round_half_up

Pixels = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""What may be opened; Pillow's other plug-ins are never asked."""

MAX_PIXELS = 64_000_000
"""Pixels of the largest image: a small file may claim to hold more than any memory does."""

_RAISED_BY_PILLOW = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # where warnings are errors
)
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_GRAY = ("1", "L", "LA", "La")
_EIGHT_BIT = ("L", "LA", "La", "RGB", "RGBA", "RGBa")
_KINDS = {"1": "one bit to gray", "P": "palette to RGB", "PA": "palette to RGB"}


class UnreadableImage(ValueError):
    """A file is no image of a known format, or is broken, or of a kind that is refused.

    Attributes:
        path: The file.
        reason: What is wrong with it, without its folder.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path.name}: {reason}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.path, self.reason)


def size(path: Path) -> tuple[int, int]:
    """(height, width) as the header says, without decoding.

    Raises:
        UnreadableImage: The header cannot be read, or promises more than `MAX_PIXELS`.
    """
    with _opened(path) as image:
        return image.height, image.width


def conversion(path: Path) -> str:
    """What `decode` does to a file's pixels beyond reading them, by its header; empty for 8-bit gray and RGB.

    Raises:
        UnreadableImage: The header cannot be read.
    """
    with _opened(path) as image:
        steps = []
        if image.mode in _SIXTEEN_BIT:
            steps.append("16-bit gray divided by 257")
        elif ";16" in str(getattr(image, "tile", "")):  # Pillow names the raw mode there alone
            steps.append("16-bit colour cut to its high bytes")
        elif image.mode not in _EIGHT_BIT:
            steps.append(_KINDS.get(image.mode, f"{image.mode} to RGB"))
        if image.has_transparency_data:
            steps.append("transparency composited on black")
        if getattr(image, "n_frames", 1) > 1:
            steps.append("the first of several frames")
        return ", ".join(steps)


def decode(path: Path) -> Pixels:
    """Decode a file to uint8 H x W x 3, or H x W x 1 where it is gray, by the table above.

    Raises:
        UnreadableImage: The file is broken or of a kind that is refused.
    """
    with _opened(path) as image:
        if image.mode == "F":
            raise ValueError("floating-point pixels, whose range is unknown")
        if image.mode in _SIXTEEN_BIT:
            wide: NDArray[np.float64] = np.asarray(image, dtype=np.float64).clip(0, 65535)
            return round_half_up(wide / 257.0)[..., None]
        channels = 1 if image.mode in _GRAY else 3
        pixels = np.asarray(_flattened(image) if image.has_transparency_data else image.convert("RGB"))
        return np.ascontiguousarray(pixels[..., :channels])


def luma(pixels: Pixels) -> Pixels:
    """Full-range BT.601 luma of uint8 H x W x C, rounded half up to uint8 H x W x 1; gray stays as it is."""
    if pixels.shape[2] == 1:
        return pixels
    red, green, blue = np.moveaxis(pixels.astype(np.float64), 2, 0)
    return round_half_up(full_luma(red, green, blue))[..., None]


def as_rgb(pixels: Pixels) -> Pixels:
    """uint8 H x W x 3 of H x W x C, gray three times."""
    return pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2)


def _flattened(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width}x{image.height}, over {MAX_PIXELS / 1e6:g} megapixels")
            yield image
    except UnidentifiedImageError as error:
        raise UnreadableImage(path, "no image of a known format") from error
    except _RAISED_BY_PILLOW as error:
        raise UnreadableImage(path, str(error) or type(error).__name__) from error
