"""The whole analysis of one upscaler on one image, beside bicubic upscaling as the measure of what is good."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ..data.resize_torch import upscale
from .impulse import DOT, Dot, impulse_response
from .network import Network
from .response import Border, split
from .statistics import Array, Statistics, low_pass, statistics

VERSION = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Impulse:
    """An impulse response and its figures.

    Attributes:
        response: C x s*size x s*size, signed.
        low_pass: Its magnitude over frequencies, 256 x 256; see `statistics.low_pass`.
        statistics: Its figures.
    """

    response: Array
    low_pass: Array
    statistics: Statistics


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """What `analyse` finds; arrays are float64, images C x height x width with 1 as white.

    Attributes:
        scale: Upscaling factor, s.
        dot: The impulse.
        border: How the image goes on beyond its border for the linear part.
        impulse: Of the network.
        bicubic: Of MATLAB's bicubic upscaling in the same setting.
        image: The input, C x H x W.
        output: What the network makes of it, C x sH x sW.
        linear: The part of the output that the impulse response explains.
        nonlinear: The rest of it.
    """

    scale: int
    dot: Dot
    border: Border
    impulse: Impulse
    bicubic: Impulse
    image: Array
    output: Array
    linear: Array
    nonlinear: Array

    @property
    def nonlinear_share(self) -> float:
        """RMS of the non-linear part over that of the output; NaN for a black output."""
        whole = _rms(self.output)
        return _rms(self.nonlinear) / whole if whole else math.nan

    def to_json(self) -> dict[str, Any]:
        """The figures, without the arrays, as a JSON document; those that do not exist are null."""
        share = self.nonlinear_share
        return {
            "version": VERSION,
            "scale": self.scale,
            "channels": len(self.image),
            "impulse": asdict(self.dot),
            "network": self.impulse.statistics.to_json(),
            "bicubic": self.bicubic.statistics.to_json(),
            "image": {
                "height": self.image.shape[1],
                "width": self.image.shape[2],
                "border": self.border,
                "output_rms": _rms(self.output),
                "linear_rms": _rms(self.linear),
                "nonlinear_rms": _rms(self.nonlinear),
                "nonlinear_share": None if math.isnan(share) else share,
            },
        }


def analyse(network: Network, image: Array, *, scale: int, dot: Dot = DOT, border: Border = "replicate") -> Analysis:
    """Analyse an upscaler on an image.

    Args:
        network: The upscaler.
        image: C x H x W in [0, 1], C being the upscaler's channels.
        scale: Its factor.
        dot: The impulse.
        border: How the image goes on beyond its border for the linear part; see `split`.

    Raises:
        NonFiniteOutput: The network gives a NaN or an infinity.
        ValueError: The network is not of this scale.
    """

    def impulse_of(upscaler: Network) -> Impulse:
        response = impulse_response(upscaler, scale=scale, channels=len(image), dot=dot).numpy()
        return Impulse(response=response, low_pass=low_pass(response, scale), statistics=statistics(response, scale))

    impulse = impulse_of(network)
    parts = split(
        network,
        torch.tensor(image, dtype=torch.float64),
        torch.from_numpy(impulse.response),
        scale=scale,
        background=dot.background,
        border=border,
    )
    return Analysis(
        scale=scale,
        dot=dot,
        border=border,
        impulse=impulse,
        bicubic=impulse_of(lambda images: upscale(images, scale)),
        image=image,
        output=parts.output.numpy(),
        linear=parts.linear.numpy(),
        nonlinear=parts.nonlinear.numpy(),
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))
