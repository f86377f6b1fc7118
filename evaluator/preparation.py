"""What exactly a protocol compares: prediction and target as planes on [0, 255]."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from search_space.errors import InvalidInput, Problem

from .data.decoding import Pixels
from .data.degrade import imresize
from .data.images import ImagePair
from .metrics.luma import chroma, rgb_from_full, studio_from_full, studio_luma
from .metrics.protocol import Protocol


def planes(pixels: Pixels, device: torch.device | str = "cpu") -> Tensor:
    """C x H x W in float64 of uint8 H x W x C; a copy, since shared pixels may not be written to."""
    return torch.tensor(np.moveaxis(pixels, 2, 0), device=device).double()


def prepare(prediction: Tensor, pair: ImagePair, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """Bring a prediction and its target into the form that PSNR and SSIM are taken of.

    A luma prediction that has to become RGB takes its chroma from the LR image, enlarged bicubically.

    Args:
        prediction: C x sH x sW in float64 on [0, 1], C = 1 (full-range luma) or 3 (RGB).
        pair: The image.
        protocol: How to compare.

    Returns:
        Prediction and target, 1 or 3 x (sH - 2b) x (sW - 2b) on [0, 255], b being the protocol's border.

    Raises:
        InvalidInput: The protocol needs colour that the pair has not.
    """
    target = planes(pair.hr, prediction.device)
    if protocol.rounding == "falsr":
        images = _luma_of(_falsr_rgb(prediction, pair, protocol)), _luma_of(target)
    elif protocol.channel == "y":
        images = _luma_of(prediction * 255), _luma_of(target)
    else:
        images = _rgb(prediction, pair, protocol) * 255, target.expand(3, -1, -1)
    return _compared(images, pair, protocol)


def prepare_luma_bicubic(pair: ImagePair, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """The bicubic baseline as the literature's tables have it, and its target, in the form of `prepare`.

    The rounded luma of the HR image is shrunk and enlarged in double; the LR image has no part in it.
    """
    target = _rounded(_luma_of(planes(pair.hr)))
    small = imresize(target[0].numpy(), 1 / pair.scale, border=protocol.border)
    enlarged = torch.from_numpy(imresize(small, pair.scale, border=protocol.border))[None]
    return _compared((enlarged, target), pair, protocol)


def _compared(images: tuple[Tensor, Tensor], pair: ImagePair, protocol: Protocol) -> tuple[Tensor, Tensor]:
    if protocol.rounding != "none":
        images = _rounded(images[0]), _rounded(images[1])
    border = protocol.shave_px(pair.scale)
    return _shaved(images[0], border), _shaved(images[1], border)


def _luma_of(image: Tensor) -> Tensor:
    """Studio luma, 1 x H x W, of RGB or full-range luma on [0, 255]."""
    return studio_from_full(image / 255) if len(image) == 1 else studio_luma(*image.unbind())[None]


def _rgb(prediction: Tensor, pair: ImagePair, protocol: Protocol) -> Tensor:
    if len(prediction) == 3:
        return prediction
    return torch.stack(rgb_from_full(prediction[0], *_chroma(prediction, pair, protocol)))


def _falsr_rgb(prediction: Tensor, pair: ImagePair, protocol: Protocol) -> Tensor:
    """RGB as FALSR's script has it: the chroma half a gray level too low, all rounded down."""
    if len(prediction) == 1:
        cb, cr = _chroma(prediction, pair, protocol)
        prediction = torch.stack(rgb_from_full(prediction[0], cb - 0.5 / 255, cr - 0.5 / 255))
    return (255 * prediction).clamp(0, 255).floor()


def _chroma(prediction: Tensor, pair: ImagePair, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """Colour differences of the LR image, enlarged as the protocol says, in the units of the prediction."""
    lr = _colour(pair)
    if protocol.chroma == "pillow":
        height, width = pair.hr.shape[:2]
        enlarged = np.asarray(Image.fromarray(lr).resize((width, height), Image.Resampling.BICUBIC))
    else:
        enlarged = imresize(lr, pair.scale, border=protocol.border)
    return chroma(*(planes(enlarged, prediction.device) / 255).unbind())


def _colour(pair: ImagePair) -> Pixels:
    if pair.lr.shape[2] == 1:
        allowed = "y-float or y-rounded, the images having no colour"
        raise InvalidInput([Problem("protocol", f"one with chroma for {pair.name}", allowed)])
    return np.ascontiguousarray(pair.lr)


def _rounded(image: Tensor) -> Tensor:
    return (image + 0.5).floor().clamp(0, 255)


def _shaved(image: Tensor, border: int) -> Tensor:
    return image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]
