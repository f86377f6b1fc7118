"""Images as gray planes, the way that the measures of spectral bias take them."""

from __future__ import annotations

from torch import Tensor

WEIGHTS = (0.2989, 0.5870, 0.1140)
"""Red, green and blue; BT.601 luma as MATLAB's `rgb2gray` rounds it."""


def gray_planes(image: Tensor) -> Tensor:
    """Return N x H x W in float64 of N x C x H x W, C x H x W or H x W, C being 1 or 3.

    Colours become gray, clipped to [0, 1]; an image that is gray already stays as it is.

    Raises:
        ValueError: The image has other dimensions or another number of channels.
    """
    if image.dim() not in (2, 3, 4) or (image.dim() > 2 and image.shape[-3] not in (1, 3)):
        raise ValueError(f"expected [[N x] C x] H x W with 1 or 3 channels, got {tuple(image.shape)}")
    batch = image.double().reshape((1,) * (4 - image.dim()) + tuple(image.shape))
    if batch.shape[1] == 1:
        return batch[:, 0]
    red, green, blue = batch.unbind(1)
    return (WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue).clamp(0, 1)
