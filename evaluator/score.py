"""From a prediction to its figures under a protocol. It refuses to know networks.

A prediction is what a network gives for one image: full-range luma (one channel) or RGB (three), 1 being
white, not yet clipped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from .data.degrade import imresize
from .data.images import ImagePair, ImageSet
from .metrics.fsds import ConstantImage, Denominator, fsds, fsds_si
from .metrics.luma import full_luma
from .metrics.protocol import Border, Protocol
from .metrics.psnr import CAP_DB, mean_db, psnr
from .metrics.ssim import ssim
from .preparation import planes, prepare, prepare_luma_bicubic

Metric = Literal["psnr_db", "ssim", "fsds_db", "fsds_si_db"]
METRICS: tuple[Metric, ...] = get_args(Metric)
DEFAULT_METRICS: tuple[Metric, ...] = METRICS

log = logging.getLogger(__name__)


class NonFiniteOutput(ArithmeticError):
    """A network gave NaN or infinity.

    Attributes:
        image: The name of the image.
        count: How many values are not finite.
        hint: What to do next.
    """

    hint = "Lower the learning rate, or clip gradients."

    def __init__(self, image: str, count: int) -> None:
        self.image = image
        self.count = count
        super().__init__(f"{count} values of the prediction for {image} are not finite")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.image, self.count)


@dataclass(frozen=True, kw_only=True)
class ImageScore:
    """The figures of one image; None for those that were not asked for or do not exist.

    Attributes:
        name: The image.
        psnr_db: Peak signal-to-noise ratio, +inf for a perfect prediction.
        ssim: Structural similarity, at most 1.
        fsds_db: Frequency spectrum distribution similarity as published; None for a constant target.
        fsds_si_db: The same averaged over shifts.
    """

    name: str
    psnr_db: float | None = None
    ssim: float | None = None
    fsds_db: float | None = None
    fsds_si_db: float | None = None


def network_input(pair: ImagePair, channels: int, device: torch.device | str = "cpu") -> Tensor:
    """The LR image as a network sees it: 1 x C x H x W, float32 in [0, 1]; luma of RGB is not rounded."""
    lr = planes(pair.lr, device) / 255
    if channels == 1 and len(lr) == 3:
        lr = full_luma(*lr.unbind())[None]
    return lr.expand(channels, -1, -1)[None].float()


def whole_target(pair: ImagePair, channels: int, device: torch.device | str = "cpu") -> Tensor:
    """What spectra are taken of: the HR image, C x sH x sW in float64 on [0, 255] in the channels of a prediction.

    Luma is full-range and not rounded; gray stands in every channel.
    """
    hr = planes(pair.hr, device)
    if channels == 1 and len(hr) == 3:
        return full_luma(*hr.unbind())[None]
    return hr.expand(channels, -1, -1)


def score_image(
    prediction: Tensor,
    pair: ImagePair,
    protocol: Protocol,
    *,
    metrics: Iterable[Metric] = DEFAULT_METRICS,
    denominator: Denominator = "target",
) -> ImageScore:
    """Score the prediction for one image, in float64 on the prediction's device.

    PSNR and SSIM follow the protocol. FSDS compares luma for one channel and RGB for three, the prediction
    clipped to [0, 1] but not rounded, without cutting a border off. It has no value for a constant target; a
    constant prediction, of which no spectrum is left, counts as 0 dB: all of the target is error.

    Args:
        prediction: sH x sW, or C x sH x sW, or 1 x C x sH x sW, C = 1 (full-range luma) or 3 (RGB), any
            floating type, clipped here.
        pair: The image. Protocols that need colour need it in RGB.
        protocol: How to compare.
        metrics: What to compute.
        denominator: Whose spectrum FSDS compares the error with; see `fsds`.

    Raises:
        NonFiniteOutput: The prediction has a NaN or an infinity.
        InvalidInput: The protocol needs colour that the pair has not.
        ValueError: The prediction's shape is not that of the HR image, or the image is too small for SSIM.
    """
    clipped = _clipped(prediction, pair)
    return _scored(clipped, lambda: prepare(clipped, pair, protocol), pair, set(metrics), denominator)


def mean_scores(scores: Iterable[ImageScore], *, cap_db: float = CAP_DB) -> dict[Metric, float]:
    """Average the figures over images: decibels arithmetically, an infinite one counting as ``cap_db``.

    Figures that an image has not are left out of the mean; metrics that no image has are left out of the
    result.
    """
    listed = list(scores)
    means: dict[Metric, float] = {}
    for metric in METRICS:
        values = [value for score in listed if (value := getattr(score, metric)) is not None]
        if values:
            means[metric], capped = mean_db(values, cap_db)
            if capped:
                log.info("%s: %d of %d images counted as %g dB", metric, capped, len(values), cap_db)
    return means


def bicubic(pair: ImagePair, channels: int, *, border: Border = "symmetric") -> Tensor:
    """What a network has to beat: the LR image enlarged by 8-bit `imresize`, C x sH x sW on [0, 1].

    Luma is taken after enlarging, as it is from any 8-bit result.
    """
    enlarged = planes(imresize(pair.lr, pair.scale, border=border), "cpu") / 255
    if channels == 1 and len(enlarged) == 3:
        return full_luma(*enlarged.unbind())[None]
    return enlarged.expand(channels, -1, -1)


def score_bicubic(
    pair: ImagePair,
    channels: int,
    protocol: Protocol,
    *,
    metrics: Iterable[Metric] = DEFAULT_METRICS,
    denominator: Denominator = "target",
) -> ImageScore:
    """Score `bicubic`; where the protocol's baseline is "luma", PSNR and SSIM are those of the literature's tables."""
    prediction = bicubic(pair, channels, border=protocol.border)
    if protocol.baseline == "rgb":
        return score_image(prediction, pair, protocol, metrics=metrics, denominator=denominator)
    return _scored(prediction, lambda: prepare_luma_bicubic(pair, protocol), pair, set(metrics), denominator)


def baseline(
    image_set: ImageSet, channels: int, protocol: Protocol, *, metrics: Iterable[Metric] = DEFAULT_METRICS
) -> dict[Metric, float]:
    """Mean figures of bicubic over a set."""
    asked = tuple(metrics)
    return mean_scores(score_bicubic(pair, channels, protocol, metrics=asked) for pair in image_set)


def _scored(
    clipped: Tensor,
    compared: Callable[[], tuple[Tensor, Tensor]],
    pair: ImagePair,
    asked: set[Metric],
    denominator: Denominator,
) -> ImageScore:
    figures: dict[str, float | None] = {}
    if asked & set(_BY_PROTOCOL):
        images = compared()
        figures |= {name: float(_BY_PROTOCOL[name](*images)) for name in _BY_PROTOCOL if name in asked}
    if asked & set(_SPECTRAL):
        target = whole_target(pair, len(clipped), clipped.device)
        for name in _SPECTRAL.keys() & asked:
            figures[name] = _spectral(partial(_SPECTRAL[name], denominator=denominator), clipped, target)
    return ImageScore(name=pair.name, **figures)


def _clipped(prediction: Tensor, pair: ImagePair) -> Tensor:
    height, width = pair.hr.shape[:2]
    if prediction.shape[-2:] != (height, width) or prediction.numel() not in (
        height * width,
        3 * height * width,
    ):
        shape = tuple(prediction.shape)
        raise ValueError(f"{pair.name}: a prediction of shape {shape} for an image of {height} x {width}")
    image = prediction.detach().double().reshape(-1, height, width)
    bad = int((~image.isfinite()).sum())
    if bad:
        raise NonFiniteOutput(pair.name, bad)
    return image.clamp(0, 1)


def _spectral(metric: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, target: Tensor) -> float | None:
    try:
        return float(metric(prediction, target))
    except ConstantImage:
        return None if bool((target == target.flatten()[0]).all()) else 0.0


_BY_PROTOCOL: Mapping[Metric, Callable[[Tensor, Tensor], Tensor]] = {"psnr_db": psnr, "ssim": ssim}
_SPECTRAL: Mapping[Metric, Callable[..., Tensor]] = {"fsds_db": fsds, "fsds_si_db": fsds_si}
