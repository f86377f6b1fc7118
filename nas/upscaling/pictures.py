"""Pictures as people have them, and as arrays: what happens to colours, depth and transparency. Knows no network.

====================================  =============================================
gray, one bit                         gray (one bit becomes eight)
RGB                                   RGB
palette, CMYK, YCbCr, Lab             RGB by Pillow's conversion
transparency of any kind              a channel of its own
16-bit gray                           16-bit gray, its transparent level left out
16-bit colour                         8 bits: Pillow decodes it to its high bytes
several frames                        the first one
EXIF orientation                      pixels turned as it asks
colour profile of gray and RGB        kept
floating point                        refused, since its range is unknown
====================================  =============================================
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from evaluator.data.decoding import FORMATS
from evaluator.metrics.luma import full_luma
from search_space.errors import InvalidInput, NoSuchFile, Problem

Plane = NDArray[np.float64]
Levels = NDArray[np.uint8] | NDArray[np.uint16]
"""H x W x C of 0..255 (uint8) or 0..65535 (uint16): gray, gray and alpha, RGB, or RGB and alpha."""

MIN_SIDE = 2
"""Pixels that the image residual needs along each axis."""

PROFILE = "icc_profile"
RAISED_BY_PILLOW = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # where warnings are errors
)
"""What its plug-ins meet in broken files."""


_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_GRAY = ("1", "L", "LA", "La")
_PROFILED = ("L", "LA", "La", "RGB", "RGBA", "RGBa")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that was read.

    Attributes:
        image: Its pixels, turned as its EXIF data asks.
        notes: What is lost already, for a person.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()


def open_picture(path: Path, file: BinaryIO | None = None, *, formats: tuple[str, ...] = FORMATS) -> Picture:
    """Read a picture.

    Args:
        path: Where it lies, or what it is called where a file is given.
        file: What to read instead.
        formats: Pillow's names of the formats that it may have.

    Raises:
        InvalidInput: There is no such file, or it is no whole picture of these formats.
    """
    try:
        with Image.open(path if file is None else file, formats=formats) as image:
            notes = tuple(_losses(image))
            turned: Image.Image = ImageOps.exif_transpose(image)
            turned.load()
            return Picture(image=turned, notes=notes)
    except RAISED_BY_PILLOW as error:
        raise InvalidInput([_unreadable(path, formats, error)]) from error


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of a picture by its header, before it is turned.

    Raises:
        InvalidInput: There is no such file, or it is no picture of a known format.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.size
    except RAISED_BY_PILLOW as error:
        raise InvalidInput([_unreadable(path, FORMATS, error)]) from error


def _unreadable(path: Path, formats: Sequence[str], error: Exception) -> Problem:
    """What is wrong with a file that Pillow does not open."""
    if isinstance(error, FileNotFoundError):
        return NoSuchFile("image", str(path))
    wanted = f"a {', '.join(formats)} picture"
    why = " that can be read" if isinstance(error, UnidentifiedImageError) else f": {error}"
    return Problem("image", str(path), wanted + why)


def open_image(path: Path) -> Image.Image:
    """The pixels of a picture; see `open_picture`."""
    return open_picture(path).image


def levels_of(image: Image.Image) -> Levels:
    """A picture as an array, by the table above.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels.
    """
    problems = []
    if image.mode == "F":
        problems.append(Problem("image.mode", image.mode, "integer pixels: the range of floating point is unknown"))
    if min(image.size) < MIN_SIDE:
        problems.append(Problem("image.size", image.size, f"at least {MIN_SIDE} x {MIN_SIDE} pixels"))
    if problems:
        raise InvalidInput(problems)
    if image.mode in _SIXTEEN_BIT:
        deep: NDArray[np.uint16] = np.asarray(image).clip(0, 65535).astype(np.uint16)
        return deep[..., None]
    if image.mode == "La":  # Pillow makes nothing else of it
        image = image.convert("LA")
    colours = "L" if image.mode in _GRAY else "RGB"
    if not image.has_transparency_data:
        flat: NDArray[np.uint8] = np.asarray(image.convert(colours))
        return flat[..., None] if colours == "L" else flat
    shown = np.asarray(image.convert("RGBA"))
    return shown[..., [0, 3]] if colours == "L" else shown


def image_of(levels: Levels, like: Image.Image) -> Image.Image:
    """An array as a picture in mode L, LA, RGB, RGBA or I;16, with the colour profile of the one that it came from."""
    image = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    if like.mode in _PROFILED and PROFILE in like.info:
        image.info[PROFILE] = like.info[PROFILE]
    return image


def network_view(image: Image.Image, channels: int) -> Plane:
    """A picture as a network of so many channels sees it, channels x H x W in [0, 1]; transparency is left out.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels.
    """
    levels = levels_of(image)
    colours = levels[..., : levels.shape[2] - has_alpha(levels)]
    planes = list(np.moveaxis(colours.astype(np.float64) / highest(levels), 2, 0))
    if channels == 1 and len(planes) == 3:
        planes = [full_luma(*planes)]
    return np.stack(planes if len(planes) == channels else planes * channels)


def has_alpha(levels: Levels) -> bool:
    """Whether the last channel is transparency."""
    return levels.shape[2] in (2, 4)


def highest(levels: Levels) -> int:
    """The value that stands for 1."""
    return int(np.iinfo(levels.dtype).max)


def side_by_side(panels: Sequence[tuple[str, Image.Image]], *, margin_px: int = 8) -> Image.Image:
    """Pictures of one height in a row on white, each under its label; 16-bit gray is shown by its high bytes."""
    font = ImageFont.load_default(size=16)
    label_px = 24
    width = sum(picture.width for _, picture in panels) + margin_px * (len(panels) + 1)
    sheet = Image.new("RGB", (width, max(picture.height for _, picture in panels) + label_px + margin_px), "white")
    draw = ImageDraw.Draw(sheet)
    left = margin_px
    for label, picture in panels:
        draw.text((left, 2), label, fill="black", font=font)
        sheet.paste(_shown(picture), (left, label_px))
        left += picture.width + margin_px
    return sheet


def _shown(picture: Image.Image) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT:
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture.convert("RGB")


def _losses(image: Any) -> list[str]:
    """What Pillow drops of an opened picture, by its header."""
    losses = []
    if image.mode not in _SIXTEEN_BIT and ";16" in str(getattr(image, "tile", "")):  # the raw mode stands there alone
        losses.append("16-bit colour was reduced to 8 bits")
    if image.mode in _SIXTEEN_BIT and "transparency" in image.info:
        losses.append("the transparent level of 16-bit gray was left out")
    if getattr(image, "is_animated", False):
        losses.append("the first of several frames")
    return losses
