"""What a network answers to a single dot, beside what bicubic answers: pictures, figures and frequencies.

The pictures of both have one scale of colours, blue below zero and red above, which people tell apart who do not see
red from green. Colours follow the square root of what they show, or the rings around a peak would all be white.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluator.data.resize_torch import upscale
from evaluator.model import SRModel
from evaluator.spectrum.impulse import DOT, Dot, impulse_response
from evaluator.spectrum.network import Network, of_module
from evaluator.spectrum.statistics import Array, frequencies, low_pass, statistics

from ..analysing.pictures import SIGNED
from .photographs import Pixels

SIDE_PX = 352
"""About how large a picture is, in pixels a side; it is enlarged by a whole factor."""

WITHIN_PX = (0, 1, 2, 3)
"""Distances from the dot within which energy is told, in input pixels along either axis."""

EVERY = 2
"""Of the frequencies of a low-pass response, which are told: every second one from zero up."""

DIGITS = 6
"""Of the shares and gains that are told."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a network and bicubic answer to a dot.

    Attributes:
        pictures: `network` and `bicubic`, each kn x kn x 3, n being the output's side and k a whole factor.
        told: The dot, the scale of colours, and the figures of both, as a JSON document.
    """

    pictures: Mapping[str, Pixels]
    told: Mapping[str, Any]


def answers(model: SRModel, dot: Dot = DOT) -> Answers:
    """Have a network answer to a dot, in all its channels at once; what is shown is the mean over them.

    Raises:
        NonFiniteOutput: The network gives a NaN or an infinity.
    """
    scale = model.scale
    upscalers: dict[str, Network] = {"network": of_module(model), "bicubic": lambda images: upscale(images, scale)}
    found = {
        name: impulse_response(upscaler, scale=scale, channels=model.channels, dot=dot).numpy()
        for name, upscaler in upscalers.items()
    }
    means = {name: response.mean(axis=0) for name, response in found.items()}
    reach = max(float(np.abs(mean).max()) for mean in means.values())
    enlarged = max(1, round(SIDE_PX / (scale * dot.size)))
    told = {
        "dot": asdict(dot),
        "size_px": scale * dot.size,
        "enlarged": enlarged,
        "reach": reach,
        "colours": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in SIGNED],
        "within_px": WITHIN_PX,
        "figures": {name: figures(response, scale) for name, response in found.items()},
        "frequencies": spectrum(found, scale),
    }
    return Answers(pictures={name: coloured(mean, reach, enlarged) for name, mean in means.items()}, told=told)


def coloured(values: Array, reach: float, enlarged: int) -> Pixels:
    """A signed picture, H x W to kH x kW x 3: white at zero, the ends of the scale at plus and minus ``reach``."""
    shares = (np.sign(values) * np.sqrt(np.abs(values) / reach) + 1) / 2
    places = np.linspace(0, 1, len(SIGNED))
    channels = [np.interp(shares, places, [colour[channel] for colour in SIGNED]) for channel in range(3)]
    pixels: Pixels = np.stack(channels, axis=2).round().astype(np.uint8)
    return pixels.repeat(enlarged, axis=0).repeat(enlarged, axis=1)


def figures(response: Array, scale: int) -> dict[str, Any]:
    """What `evaluator.spectrum.statistics` tells of a response C x sn x sn, and where its energy lies.

    `energy_within` has, for each distance of `WITHIN_PX`, the share of the energy in the square about the dot that
    reaches so far; null for a response of nothing but zeros.
    """
    squares = np.square(response.mean(axis=0))
    whole, middle = float(squares.sum()), len(squares) // scale // 2
    reached = [slice(scale * (middle - n), scale * (middle + n + 1)) for n in WITHIN_PX]
    shares = [round(float(squares[part, part].sum()) / whole, DIGITS) if whole else None for part in reached]
    return {**statistics(response, scale).to_json(), "energy_within": shares}


def spectrum(responses: Mapping[str, Array], scale: int) -> dict[str, list[float]]:
    """Gains along horizontal frequencies, from zero up, of responses and of the ideal interpolator.

    `cycles_per_px` counts output pixels; the ideal passes what the input can have, up to 1 / 2s.
    """
    told = frequencies()
    middle = len(told) // 2
    x = told[middle::EVERY]
    gains = {name: low_pass(response, scale)[middle, middle::EVERY] for name, response in responses.items()}
    rows = {"cycles_per_px": x, **gains, "ideal": np.where(x <= 0.5 / scale, 1.0, 0.0)}
    return {name: [round(float(value), DIGITS) for value in row] for name, row in rows.items()}
