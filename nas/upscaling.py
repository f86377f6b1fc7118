"""What a user does with the result: pictures in, larger pictures out, by an exported file.

Colours are handled in one place, here: a
luma network upscales luma, and MATLAB's bicubic the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from evaluator.data.decoding import FORMATS
from evaluator.data.degrade import imresize, round_half_up
from evaluator.metrics.luma import chroma, full_luma, rgb_from_full
from search_space.errors import InvalidInput, Problem

from .models import Upscaler

Plane = NDArray[np.float64]

SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
GRAY = ("1", "L", "LA", "La")
MIN_SIDE = 2
"""Pixels that the image residual needs along each axis."""


def open_image(path: Path) -> Image.Image:
    """Read a picture, turned the way that its EXIF data asks for.

    Raises:
        InvalidInput: There is no such file, or it is no picture of a known format.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            turned: Image.Image = ImageOps.exif_transpose(image)
            turned.load()
            return turned
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput([Problem("image", str(path), f"a {', '.join(FORMATS)} picture: {error}")]) from error


def upscale(upscaler: Upscaler, image: Image.Image) -> Image.Image:
    """Enlarge a picture by a network.

    A luma network sees full-range BT.601 luma; colour differences and transparency are enlarged by MATLAB's
    bicubic. An RGB network sees RGB, a gray picture three times. Gray stays gray; palettes and other colour
    spaces become RGB; 16-bit gray becomes 8-bit, divided by 257.

    Args:
        upscaler: The network.
        image: Any 8-bit or 16-bit gray picture, at least 2 x 2 pixels.

    Returns:
        The picture in mode L, LA, RGB or RGBA, scale times as wide and high.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels.
    """
    planes, alpha = _planes(image)
    by_network = _by_luma if upscaler.channels == 1 else _by_colour
    enlarged = by_network(upscaler, planes)
    return _picture(enlarged, None if alpha is None else imresize(alpha, upscaler.scale))


def network_view(image: Image.Image, channels: int) -> Plane:
    """A picture as a network sees it, channels x H x W in [0, 1]; see `upscale`.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels.
    """
    planes, _ = _planes(image)
    if channels == 1 and len(planes) == 3:
        planes = [full_luma(*planes)]
    return np.stack(planes if len(planes) == channels else planes * channels)


def bicubic(image: Image.Image, scale: int) -> Image.Image:
    """Enlarge a picture by MATLAB's bicubic, what a network is compared with; modes as in `upscale`."""
    planes, alpha = _planes(image)
    enlarged = [imresize(plane, scale) for plane in planes]
    return _picture(enlarged, None if alpha is None else imresize(alpha, scale))


def targets(images: Sequence[Path], output: Path, scale: int) -> list[Path]:
    """The file that each picture's result goes to.

    Args:
        images: The pictures.
        output: A folder, which need not exist; or for one picture a file with a suffix that Pillow can write.
        scale: Upscaling factor, which stands in the names of files in a folder.

    Raises:
        InvalidInput: One file is named for several pictures, or two pictures of one name would share a file.
    """
    is_file = bool(output.suffix) and not output.is_dir()
    form = Image.registered_extensions().get(output.suffix.lower())
    if is_file and (len(images) > 1 or form not in Image.SAVE):
        allowed = "a folder, or for one picture a file such as larger.png"
        raise InvalidInput([Problem("--output", str(output), allowed)])
    if is_file:
        return [output]
    chosen = [output / f"{path.stem}-x{scale}.png" for path in images]
    if len(set(chosen)) != len(chosen):
        raise InvalidInput([Problem("IMAGES", [path.name for path in images], "pictures of different names")])
    return chosen


def side_by_side(panels: Sequence[tuple[str, Image.Image]], *, margin_px: int = 8) -> Image.Image:
    """Pictures of one height in a row on white, each under its label."""
    font = ImageFont.load_default(size=16)
    label_px = 24
    width = sum(picture.width for _, picture in panels) + margin_px * (len(panels) + 1)
    sheet = Image.new("RGB", (width, max(picture.height for _, picture in panels) + label_px + margin_px), "white")
    draw = ImageDraw.Draw(sheet)
    left = margin_px
    for label, picture in panels:
        draw.text((left, 2), label, fill="black", font=font)
        sheet.paste(picture.convert("RGB"), (left, label_px))
        left += picture.width + margin_px
    return sheet


def _planes(image: Image.Image) -> tuple[list[Plane], Plane | None]:
    """One (gray) or three planes in [0, 1], and transparency where there is any."""
    problems = []
    if image.mode == "F":
        problems.append(Problem("image.mode", image.mode, "integer pixels: the range of floating point is unknown"))
    if min(image.size) < MIN_SIDE:
        problems.append(Problem("image.size", image.size, f"at least {MIN_SIDE} x {MIN_SIDE} pixels"))
    if problems:
        raise InvalidInput(problems)
    if image.mode in SIXTEEN_BIT:
        return [np.asarray(image, dtype=np.float64).clip(0, 65535) / 65535], None
    pixels = np.asarray(image.convert("RGBA"), dtype=np.float64) / 255
    colours = 1 if image.mode in GRAY else 3
    alpha = pixels[..., 3] if image.has_transparency_data else None
    return [pixels[..., channel] for channel in range(colours)], alpha


def _by_luma(upscaler: Upscaler, planes: list[Plane]) -> list[Plane]:
    if len(planes) == 1:
        return _run(upscaler, planes)
    differences = [imresize(plane, upscaler.scale) for plane in chroma(*planes)]
    (luma,) = _run(upscaler, [full_luma(*planes)])
    return list(rgb_from_full(luma, *differences))


def _by_colour(upscaler: Upscaler, planes: list[Plane]) -> list[Plane]:
    if len(planes) == 3:
        return _run(upscaler, planes)
    return [full_luma(*_run(upscaler, planes * 3))]


def _run(upscaler: Upscaler, planes: list[Plane]) -> list[Plane]:
    output = upscaler.network(np.stack(planes).astype(np.float32)[None])
    return list(output[0].astype(np.float64))


def _picture(planes: Sequence[Any], alpha: Plane | None) -> Image.Image:
    layers = [*planes] if alpha is None else [*planes, alpha]
    pixels = round_half_up(255 * np.stack(layers, axis=-1))
    return Image.fromarray(pixels[..., 0] if len(layers) == 1 else pixels)
