"""The impulse response: what an upscaler makes of one white dot.

Hybrid response analysis (Deng et al., ICML 2024, arXiv 2405.07919) takes it for the linear part of a network. Here
it is exact: in floating point, and without what the network makes of the background alone, so that a bias
anywhere in a network does not pass for a response.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from search_space.errors import InvalidInput, Problem

from .network import Network, respond

MAX_SIZE = 63


@dataclass(frozen=True, kw_only=True)
class Dot:
    """The image of the impulse: one pixel, in all channels at once, on a flat background.

    Networks are not linear: another amplitude or background gives another response. The default is the published
    setting, a white dot on black, which is far from what networks are trained on.

    Attributes:
        size: Pixels a side, odd, from 3 to 63. To hold the whole response it has to be twice the radius of the
            receptive field plus one; `Statistics.truncated_energy` tells. Some statistics depend on it.
        amplitude: What the dot adds to the background, not zero, from -1 to 1.
        background: In [0, 1].
    """

    size: int = 11
    amplitude: float = 1.0
    background: float = 0.0

    def __post_init__(self) -> None:
        problems = []
        if self.size % 2 == 0 or not 3 <= self.size <= MAX_SIZE:
            problems.append(Problem("dot.size", self.size, f"an odd number from 3 to {MAX_SIZE}"))
        if self.amplitude == 0 or not -1 <= self.amplitude <= 1:
            problems.append(Problem("dot.amplitude", self.amplitude, "a number from -1 to 1, not zero"))
        if not 0 <= self.background <= 1:
            problems.append(Problem("dot.background", self.background, "a number from 0 to 1"))
        if problems:
            raise InvalidInput(problems)

    def images(self, channels: int) -> tuple[Tensor, Tensor]:
        """The background with the dot, and without it: C x size x size in float64."""
        without = torch.full((channels, self.size, self.size), self.background, dtype=torch.float64)
        dotted = without.clone()
        dotted[:, self.size // 2, self.size // 2] += self.amplitude
        return dotted, without


DOT = Dot()


def impulse_response(network: Network, *, scale: int, channels: int, dot: Dot = DOT) -> Tensor:
    """Return h = (N(b + a d) - N(b)) / a, the dot being of amplitude a on the background b.

    Args:
        network: The upscaler, N.
        scale: Its factor, s.
        channels: Its channels, C.
        dot: The impulse.

    Returns:
        C x s*size x s*size in float64, signed.

    Raises:
        NonFiniteOutput: The network gives a NaN or an infinity.
        ValueError: The network is not of this scale.
    """
    lit, unlit = (respond(network, image, scale=scale, name="the impulse") for image in dot.images(channels))
    return (lit - unlit) / dot.amplitude
