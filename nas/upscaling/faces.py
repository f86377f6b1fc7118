"""What a network is shown of a picture, in float32 on [0, 1]: gray to gray, RGB to RGB, whichever it sees itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluator.data.degrade import imresize
from evaluator.metrics.luma import chroma, full_luma, rgb_from_full

from ..onnx_models import Network, Upscaler

Planes = NDArray[np.float32]
"""channels x H x W."""


def show(upscaler: Upscaler, planes: Planes) -> Planes:
    """Enlarge one plane (gray) or three (RGB); the values may leave [0, 1].

    A luma network sees the gray plane itself; of RGB it sees full-range BT.601 luma, and MATLAB's bicubic enlarges the
    colour differences. An RGB network sees gray three times, and gray is the luma of what it makes of it.
    """
    if len(planes) == 3:
        return _run(upscaler.rgb or _rgb_face(upscaler), planes)
    if upscaler.channels == 1:
        return _run(upscaler.network, planes)
    red, green, blue = _run(upscaler.network, planes.repeat(3, axis=0))
    gray: Planes = full_luma(red, green, blue)[None].astype(np.float32)
    return gray


def bicubic_upscaler(scale: int) -> Upscaler:
    """MATLAB's bicubic, in the place of a network."""

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([_resized(image, scale) for image in images])

    return Upscaler(network=network, scale=scale, channels=1, rgb=network)


def _rgb_face(upscaler: Upscaler) -> Network:
    if upscaler.channels == 3:
        return upscaler.network

    def face(images: NDArray[np.float32]) -> NDArray[np.float32]:
        red, green, blue = np.moveaxis(images.astype(np.float64), 1, 0)[:, 0]
        differences = _resized(np.stack(chroma(red, green, blue)), upscaler.scale).astype(np.float64)
        (luma,) = _run(upscaler.network, full_luma(red, green, blue)[None].astype(np.float32)).astype(np.float64)
        colours: Planes = np.stack(rgb_from_full(luma, *differences))[None].astype(np.float32)
        return colours

    return face


def _run(network: Network, planes: Planes) -> Planes:
    enlarged: Planes = network(np.ascontiguousarray(planes[None]))[0]
    return enlarged


def _resized(planes: NDArray[np.float32] | NDArray[np.float64], scale: int) -> Planes:
    resized: Planes = np.stack([imresize(plane.astype(np.float64), scale) for plane in planes]).astype(np.float32)
    return resized
