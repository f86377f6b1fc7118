"""A picture of any size by a network, part by part, in the memory of its result and of one part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluator.data.degrade import imresize
from search_space.errors import InvalidInput, Problem

from ..onnx_models import Upscaler
from .faces import bicubic_upscaler, show
from .pictures import Levels, has_alpha, highest, image_of, levels_of
from .tiles import Tile, core_px, reach_px, tiles

Floats = NDArray[np.floating[Any]]

DIVERGED = "Check the weights: a training that diverged leaves NaN in them."


def upscale(
    upscaler: Upscaler,
    image: Image.Image,
    *,
    tile_px: int | None = None,
    step: Callable[[], None] = lambda: None,
) -> Image.Image:
    """Enlarge a picture by a network.

    What becomes of its colours `pictures` says, and `faces` what the network is shown. Transparency is enlarged by
    MATLAB's bicubic. Values are rounded half up. A picture that is cut into tiles differs from one that is not by the
    rounding of float32 alone, since tiles overlap as far as the network looks.

    Args:
        upscaler: The network.
        image: Any 8-bit picture, or a 16-bit gray one, at least 2 x 2 pixels.
        tile_px: Side of a tile, overlap apart; by default what keeps the network within 1 GiB.
        step: Called after each tile; `tile_count` says how often.

    Returns:
        The picture in mode L, LA, RGB, RGBA or I;16, scale times as wide and high.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels, the tiles have no side, or
            the network makes something else of them than larger ones.
    """
    levels = levels_of(image)
    height, width, channels = levels.shape
    scale = upscaler.scale
    enlarged = np.empty((scale * height, scale * width, channels), dtype=levels.dtype)
    for rows, columns in _tiles(upscaler, height, width, tile_px):
        part = _enlarge(upscaler, levels[rows.start : rows.stop, columns.start : columns.stop])
        kept = [slice(scale * (at.first - at.start), scale * (at.last - at.start)) for at in (rows, columns)]
        place = [slice(scale * at.first, scale * at.last) for at in (rows, columns)]
        enlarged[place[0], place[1]] = part[kept[0], kept[1]]
        step()
    return image_of(enlarged, image)


def bicubic(image: Image.Image, scale: int) -> Image.Image:
    """Enlarge a picture by MATLAB's bicubic, what a network is compared with; modes as in `upscale`."""
    return upscale(bicubic_upscaler(scale), image)


def tile_count(upscaler: Upscaler, width: int, height: int, tile_px: int | None = None) -> int:
    """Into how many parts `upscale` cuts a picture; `InvalidInput`."""
    return len(_tiles(upscaler, height, width, tile_px))


def _tiles(upscaler: Upscaler, height: int, width: int, tile_px: int | None) -> list[Tile]:
    if tile_px is not None and tile_px < 1:
        raise InvalidInput([Problem("tile", tile_px, "pixels, at least 1")])
    return tiles(height, width, tile_px or core_px(upscaler), reach_px(upscaler))


def _enlarge(upscaler: Upscaler, levels: Levels) -> Levels:
    """One part, whole, edges included."""
    top, alpha = highest(levels), has_alpha(levels)
    colours = levels[..., :-1] if alpha else levels
    planes = np.moveaxis(colours, 2, 0).astype(np.float32) / np.float32(top)
    shown = show(upscaler, planes)
    wanted = (len(planes), upscaler.scale * levels.shape[0], upscaler.scale * levels.shape[1])
    if shown.shape != wanted:
        raise InvalidInput([Problem("model", f"an output of {shown.shape}", f"one of {wanted}")])
    if not np.isfinite(shown).all():
        raise InvalidInput([Problem("model", "values that are not finite", "numbers")], DIVERGED)
    layers = [_rounded(plane, top) for plane in shown]
    if alpha:
        layers.append(_rounded(imresize(levels[..., -1].astype(np.float64) / top, upscaler.scale), top))
    enlarged = np.stack(layers, axis=-1)
    return enlarged.astype(np.uint8) if top == 255 else enlarged.astype(np.uint16)


def _rounded(plane: Floats, top: int) -> Floats:
    """To whole levels, a half going up."""
    rounded: Floats = np.floor(top * plane + 0.5).clip(0, top)
    return rounded
