"""When a training has settled: its output is as sharp, for its blur, as it was a while ago.

Shi et al., "On Measuring and Controlling the Spectral Bias of the Deep Image Prior" (IJCV 130:885, arXiv
2107.01125), stop where the ratio of blurriness to sharpness no longer moves; everything here is as their code
computes it, without a target. It knows nothing of networks or trainings.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from .gray import gray_planes

BOX = 9
DECAY = 0.01
STRONGEST = 1000

WINDOW = 100
TOLERANCE = 0.01


def blurriness(image: Tensor) -> Tensor:
    """How little of an image's differences between neighbours a further blur takes away (after Crete et al., 2007).

    Args:
        image: N x C x H x W, C x H x W or H x W, C = 1 or 3 (which becomes gray); at least 12 pixels a side.

    Returns:
        N values (or one, without dimension) in float64 on [0, 1], more being blurrier. A constant image gives NaN.

    Raises:
        ValueError: The image has another shape.
    """
    planes = gray_planes(image)
    down = _blur_along_rows(planes.mT)
    across = _blur_along_rows(planes)
    return _as_given(torch.maximum(down, across), image)


def sharpness(image: Tensor) -> Tensor:
    """Root mean square of the strongest rises to a neighbour, weighted by rank (modified from Bahrami & Kot, 2014).

    The maximum local variation is taken with its sign, and the weight e^(-j / 100) of the j-th strongest pixel
    leaves some 300 that count. Two rows and columns at the start and one at the end are cut off; what lies beyond
    counts as black.

    Args:
        image: As for `blurriness`, with values on [0, 1].

    Returns:
        N values (or one, without dimension) in float64, more being sharper.

    Raises:
        ValueError: The image has another shape.
    """
    core = gray_planes(image)[:, 2:-1, 2:-1]
    height, width = core.shape[-2:]
    padded = pad(core, (1, 1, 1, 1))
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    neighbours = torch.stack([padded[:, i : i + height, j : j + width] for i, j in shifts])
    rises = (neighbours - core).amax(0).flatten(1).sort(dim=1, descending=True).values[:, 1:]
    ranks = torch.arange(1, rises.shape[1] + 1, device=rises.device, dtype=torch.float64)
    weighted = (rises * torch.exp(-DECAY * ranks))[:, 1:STRONGEST]
    return _as_given(weighted.square().mean(1).sqrt(), image)


def blur_ratio(image: Tensor) -> Tensor:
    """Blurriness over sharpness; arguments and errors as theirs, NaN for a constant image."""
    return blurriness(image) / sharpness(image)


class Settling:
    """The stopping rule, fed one ratio an iteration.

    At iteration i (counted from 0, later than 2n) the training has settled when the means of r[i-2n .. i-n-1] and
    of r[i-n+1 .. i-1] differ by less than the tolerance. The two windows hold n and n - 1 ratios, as published; the
    latest ratio is in neither. With a NaN in them nothing has settled.

    Args:
        window: n, at least 2.
        tolerance: What the means may differ by.
    """

    def __init__(self, *, window: int = WINDOW, tolerance: float = TOLERANCE) -> None:
        if window < 2:
            raise ValueError(f"a window of {window}: at least 2 iterations are needed")
        self._window = window
        self._tolerance = tolerance
        self._before: deque[float] = deque(maxlen=2 * window)
        self._iterations = 0

    def add(self, ratio: float) -> bool:
        """Take one iteration's ratio in; return whether the training has settled at this iteration."""
        n = self._window
        late_enough = self._iterations > 2 * n
        self._iterations += 1
        ratios = list(self._before)
        self._before.append(ratio)
        if not late_enough:
            return False
        earlier, later = math.fsum(ratios[:n]) / n, math.fsum(ratios[n + 1 :]) / (n - 1)
        return abs(earlier - later) < self._tolerance


def first_settled(ratios: Iterable[float], *, window: int = WINDOW, tolerance: float = TOLERANCE) -> int | None:
    """The first iteration at which a training with these ratios has settled, counted from 0; None if it has not."""
    rule = Settling(window=window, tolerance=tolerance)
    return next((iteration for iteration, ratio in enumerate(ratios) if rule.add(ratio)), None)


def _blur_along_rows(planes: Tensor) -> Tensor:
    """Blurriness of N x H x W along its last axis."""
    if min(planes.shape[-2:]) < BOX + 3:
        raise ValueError(f"an image of {tuple(planes.shape[-2:])}: at least {BOX + 3} pixels a side are needed")
    blurred = avg_pool2d(pad(planes, (BOX // 2, BOX // 2))[:, None], (1, BOX), stride=1)[:, 0]
    sharp, soft = _differences(planes), _differences(blurred)
    total = sharp.sum((1, 2))
    return (total - (sharp - soft).clamp(min=0).sum((1, 2))) / total


def _differences(planes: Tensor) -> Tensor:
    """Absolute differences along the last axis, without the published (not quite even) margins."""
    inner = planes[:, 5:-4, 5:-4]
    return (inner[:, 1:-1, 1:-1] - inner[:, 1:-1, :-2]).abs()


def _as_given(values: Tensor, image: Tensor) -> Tensor:
    return values if image.dim() == 4 else values[0]
