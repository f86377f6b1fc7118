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
from torch import Tensor, view_as_real
from torch.fft import rfft2
from torch.linalg import vecdot
from torch.nn.functional import pad

Denominator = Literal["target", "prediction"]

FLAT, ROUNDING = 1e-8, 4
"""An image whose deviation is below the first, or that many roundings of its mean, is constant: it has no spectrum."""


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


class FsdsTarget:
    """Targets of one size with what `fsds` and `fsds_si` need of them: both then take one transform a channel.

    Computes in float64 and compares errors with the target's spectrum.

    Args:
        target: N x C x H x W, any real type.
    """

    def __init__(self, target: Tensor) -> None:
        batch = target.double()
        mean, self._deviation, self._constant = _statistics(batch)
        self._shape = target.shape
        self._planes = [plane - mean for plane in batch.unbind(1)]
        self._signals = _both_powers(self._planes)

    def compare(self, prediction: Tensor) -> tuple[Tensor, Tensor]:
        """Return `fsds` and `fsds_si`, N values each, of predictions of the targets' shape.

        A constant target gives NaN. A constant prediction counts as 0 dB: all of the target is error.

        Raises:
            ValueError: The shapes differ.
        """
        if prediction.shape != self._shape:
            raise ValueError(f"shapes differ: {tuple(prediction.shape)} and {tuple(self._shape)}")
        batch = prediction.double()
        mean, deviation, constant = _statistics(batch)
        gain = (self._deviation / deviation).masked_fill(constant, 0)
        planes = zip(self._planes, batch.unbind(1), strict=True)
        noises = _both_powers([torch.addcmul(t, p - mean, gain, value=-1) for t, p in planes])
        corner, shifted = (
            _decibels(noise, signal).masked_fill(self._constant.flatten(), torch.nan)
            for noise, signal in zip(noises, self._signals, strict=True)
        )
        return corner, shifted


def _both_powers(planes: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Power of the running sums of C planes N x H x W, and its average over shifts: N each."""
    corner = shifted = torch.zeros(len(planes[0]), dtype=planes[0].dtype, device=planes[0].device)
    for plane in planes:
        spectrum = rfft2(_even(plane))
        corner, shifted = corner + _corner_power(spectrum), shifted + _mean_power(spectrum)
    return corner, shifted


def _decibels(noise: Tensor, signal: Tensor) -> Tensor:
    return -10 * torch.log10(noise / signal)


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
        predictions, targets = _as_batch(prediction, dtype), _as_batch(target, dtype)
        p_mean, p_deviation = _moments(predictions, "prediction")
        t_mean, t_deviation = _moments(targets, "target")
        # A ratio needs no unit deviation, only the same one; and everything up to the power is linear, so that the
        # difference is transformed once instead of both images. One channel at a time stays in a CPU's cache.
        gain = t_deviation / p_deviation
        noise = signal = torch.zeros(len(targets), dtype=dtype, device=targets.device)
        for p, t in zip(predictions.unbind(1), targets.unbind(1), strict=True):
            p, t = p - p_mean, t - t_mean
            noise = noise + power(rfft2(_even(torch.addcmul(t, p, gain, value=-1))))
            signal = signal + power(rfft2(_even(t if denominator == "target" else p * gain)))
        ratio_db = _decibels(noise, signal)
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


def _moments(images: Tensor, which: Denominator) -> tuple[Tensor, Tensor]:
    """Mean and deviation as `_statistics` has them, of images that are not constant."""
    mean, deviation, constant = _statistics(images)
    found = constant.flatten().nonzero()
    if len(found):
        raise ConstantImage(which, int(found[0]))
    return mean, deviation


def _statistics(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and deviation over C, H and W together, and whether an image is constant, each N x 1 x 1."""
    mean = images.mean(dim=(1, 2, 3)).reshape(-1, 1, 1)
    energy = [(plane - mean).square().sum(dim=(1, 2), keepdim=True) for plane in images.unbind(1)]
    deviation = (sum(energy, start=torch.zeros_like(mean)) / images[0].numel()).sqrt()
    return mean, deviation, deviation <= FLAT + ROUNDING * torch.finfo(images.dtype).eps * mean.abs()


def _even(images: Tensor) -> Tensor:
    """With a row of zeros, the mean, below if there is an odd number of rows."""
    return pad(images, (0, 0, 0, 1)) if images.shape[-2] % 2 else images


def _corner_power(spectrum: Tensor) -> Tensor:
    """Power of the running sums from zero frequency outwards, over both quadrants of rows."""
    half = spectrum.shape[-2] // 2
    # One quadrant after the other: a stack of both would be copied through memory once more.
    upper, lower = spectrum[..., :half, :], spectrum[..., half:, :].flip(-2)
    return _power(upper.cumsum(-2).cumsum(-1)) + _power(lower.cumsum(-2).cumsum(-1))


def _power(values: Tensor) -> Tensor:
    # Not abs(), whose gradient is undefined at zero and which takes a square root of every value.
    parts = view_as_real(values).flatten(1)
    power: Tensor = vecdot(parts, parts)
    return power


def _mean_power(spectrum: Tensor) -> Tensor:
    """The same, averaged over shifts: each coefficient counts once for every rectangle that it lies in."""
    half, columns = spectrum.shape[-2] // 2, spectrum.shape[-1]
    squares = view_as_real(spectrum).flatten(-2).square()
    rising = torch.arange(1, half + 1, device=squares.device, dtype=squares.dtype)
    falling = torch.arange(columns, 0, -1, device=squares.device, dtype=squares.dtype)
    by_row = squares @ falling.repeat_interleave(2)
    return by_row @ torch.cat((rising.flip(0), rising))
