"""From files to an analysis: a network, ours or a published one, and a photograph."""

from __future__ import annotations

from PIL import Image

from evaluator.spectrum import analysis
from evaluator.spectrum.analysis import Analysis
from evaluator.spectrum.impulse import DOT, Dot
from evaluator.spectrum.network import of_arrays
from evaluator.spectrum.response import Border

from ..models import Upscaler
from ..upscaling import network_view

WINDOW_PX = 256
"""LR pixels a side that an analysis looks at, at most."""


def analyse(
    model: Upscaler,
    image: Image.Image,
    *,
    dot: Dot = DOT,
    border: Border = "replicate",
    window_px: int = WINDOW_PX,
) -> Analysis:
    """Analyse a network on the middle of a photograph.

    Args:
        model: The network.
        image: What it is to upscale, any picture that `nas.upscaling.upscale` takes; a luma network sees its luma.
        dot: The impulse.
        border: How the photograph goes on beyond its border for the linear part.
        window_px: Larger photographs are cut to the middle so many pixels a side.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels.
        NonFiniteOutput: The network gives a NaN or an infinity.
        ValueError: The network's output has not the size that its scale says.
    """
    width, height = (min(side, window_px) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    seen = network_view(image.crop((left, top, left + width, top + height)), model.channels)
    return analysis.analyse(of_arrays(model.network), seen, scale=model.scale, dot=dot, border=border)
