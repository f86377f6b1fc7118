"""Frequency spectrum distribution similarity: Deng et al. (ICML 2024, arXiv 2405.07919), and a variant.

Both images are standardised over all their values, transformed, and their complex spectra summed up over
every rectangle of low frequencies; FSDS is the signal-to-noise ratio, in dB, of those sums. Because the
coefficients are summed with their phases, each sum is the value at pixel (0, 0) of a low-passed image: FSDS
weighs an error at the image's corner far more than one in its middle. `fsds_si` averages numerator and
denominator over all circular shifts of both images, which removes the origin and, with it, the sums. It is
ours and not comparable with published figures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.fft import rfft2
from torch.nn.functional import pad

Denominator = Literal["target", "prediction"]

FLAT = 1e-8
"""An image whose values spread no more than this is constant: it has no spectrum to compare."""


class ConstantImage(ValueError):
    """An image is constant, so that its spectrum has no distribution.

    Attributes:
        which: "prediction" or "target".
        index: Its place in the batch.
        hint: What to do next.
    """

    hint = "Leave constant images out, or score them by PSNR and SSIM alone."

    def __init__(self, which: Denominator, index: int) -> None:
        self.which = which
        self.index = index
        super().__init__(f"the {which} of image {index} is constant: FSDS is not defined")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.which, self.index)


def fsds(
    prediction: Tensor,
    target: Tensor,
    *,
    denominator: Denominator = "target",
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """FSDS as published, in dB, one figure per image; higher is better. Differentiable where finite.

    Args:
        prediction: N x C x H x W (or C x H x W, or H x W for one gray image), any real type and any range:
            brightness and positive contrast do not count. No colour conversion, no border cut.
        target: Of the same shape.
        denominator: Whose spectrum the error is compared with. The paper's equation says the target's; the
            script that made its table passes the arguments swapped, which is "prediction".
        dtype: Type to compute in, float64 or float32. Half precision is not enough and is refused.

    Returns:
        N values (or one, without dimension). Identical images give +inf, NaN gives NaN, prediction = c -
        target gives -6.02; there is no lower bound.

    Raises:
        ConstantImage: An image is constant.
        ValueError: The shapes differ, are not those above, or the type is neither of the two.
    """
    return _ratio_db(prediction, target, denominator, dtype, _corner_power)


def fsds_si(
    prediction: Tensor,
    target: Tensor,
    *,
    denominator: Denominator = "target",
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """FSDS averaged over every circular shift of both images; arguments, results and errors as `fsds`."""
    return _ratio_db(prediction, target, denominator, dtype, _mean_power)


def _ratio_db(
    prediction: Tensor,
    target: Tensor,
    denominator: Denominator,
    dtype: torch.dtype,
    power: Callable[[Tensor], Tensor],
) -> Tensor:
    _check(prediction, target, dtype)
    batched = prediction.dim() == 4
    with torch.autocast(prediction.device.type, enabled=False):
        p = _standardised(_as_batch(prediction, dtype), "prediction")
        t = _standardised(_as_batch(target, dtype), "target")
        # Everything up to the power is linear: transform the difference once instead of both images.
        noise, signal = power(rfft2(p - t)), power(rfft2(t if denominator == "target" else p))
        ratio_db = -10 * torch.log10(noise / signal)
    return ratio_db if batched else ratio_db[0]


def _check(prediction: Tensor, target: Tensor, dtype: torch.dtype) -> None:
    if prediction.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(prediction.shape)} and {tuple(target.shape)}")
    if prediction.dim() not in (2, 3, 4):
        raise ValueError(f"expected N x C x H x W, C x H x W or H x W, got {tuple(prediction.shape)}")
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"FSDS is computed in float64 or float32, not in {dtype}")


def _as_batch(image: Tensor, dtype: torch.dtype) -> Tensor:
    return image.to(dtype).reshape((1,) * (4 - image.dim()) + tuple(image.shape))


def _standardised(images: Tensor, which: Denominator) -> Tensor:
    """Zero mean and unit deviation over C, H and W together; then a row of zeros if H is odd."""
    values = images.detach().flatten(1)
    flat = (values.amax(1) - values.amin(1) <= FLAT).nonzero()
    if len(flat):
        raise ConstantImage(which, int(flat[0]))
    dims = (1, 2, 3)
    centred = images - images.mean(dims, keepdim=True)
    scaled = centred / images.std(dims, keepdim=True)
    return pad(scaled, (0, 0, 0, images.shape[-2] % 2))


def _corner_power(spectrum: Tensor) -> Tensor:
    """Power of the running sums from zero frequency outwards, over both quadrants of rows."""
    half = spectrum.shape[-2] // 2
    quadrants = torch.stack((spectrum[..., :half, :], spectrum[..., half:, :].flip(-2)))
    sums = quadrants.cumsum(-2).cumsum(-1)
    return _squared(sums).sum(dim=(0, 2, 3, 4))


def _mean_power(spectrum: Tensor) -> Tensor:
    """The same, averaged over shifts: each coefficient counts once for every rectangle that it lies in."""
    half, columns = spectrum.shape[-2] // 2, spectrum.shape[-1]
    rising = torch.arange(1, half + 1, device=spectrum.device)
    rows = torch.cat((rising.flip(0), rising))
    rectangles = rows[:, None] * (columns - torch.arange(columns, device=spectrum.device))
    return (rectangles * _squared(spectrum)).sum(dim=(1, 2, 3))


def _squared(values: Tensor) -> Tensor:
    # Not abs(): its gradient is undefined at zero.
    return values.real.square() + values.imag.square()
