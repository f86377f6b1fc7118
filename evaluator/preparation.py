"""What exactly a protocol compares: prediction and target as planes on [0, 255].

What depends on the true image alone can be prepared apart, for one image or for a batch of one size.
"""

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
    device = prediction.device
    colour = chroma_planes(pair, protocol, device) if needs_chroma(protocol, len(prediction)) else None
    target = prepare_target(planes(pair.hr, device), protocol, pair.scale)
    return prepare_prediction(prediction, colour, protocol, pair.scale), target


def prepare_target(hr: Tensor, protocol: Protocol, scale: int) -> Tensor:
    """The true side of `prepare`.

    Args:
        hr: [N x] C x sH x sW in float64 on [0, 255], C = 1 or 3.
        protocol: How to compare.
        scale: s.

    Returns:
        [N x] 1 or 3 x (sH - 2b) x (sW - 2b), b being the protocol's border.
    """
    if protocol.channel == "y":
        return _finished(_luma_of(hr), protocol, scale)
    return _finished(hr.expand(*hr.shape[:-3], 3, *hr.shape[-2:]), protocol, scale)


def prepare_prediction(prediction: Tensor, colour: Tensor | None, protocol: Protocol, scale: int) -> Tensor:
    """The other side of `prepare`.

    Args:
        prediction: [N x] C x sH x sW in float64 on [0, 1], C = 1 (full-range luma) or 3 (RGB).
        colour: What `chroma_planes` gives, [N x] 2 x sH x sW, where the protocol `needs_chroma`.
        protocol: How to compare.
        scale: s.

    Returns:
        A tensor of the shape of the target's.
    """
    if protocol.rounding == "falsr":
        image = _luma_of(_falsr_rgb(prediction, colour))
    elif protocol.channel == "y":
        image = _luma_of(prediction * 255)
    else:
        image = 255 * (prediction if colour is None else _rgb(prediction, *colour.unbind(-3)))
    return _finished(image, protocol, scale)


def needs_chroma(protocol: Protocol, channels: int) -> bool:
    """Whether predictions of so many channels need the LR image's colour to become what is compared."""
    return protocol.chroma is not None and channels == 1


def chroma_planes(pair: ImagePair, protocol: Protocol, device: torch.device | str = "cpu") -> Tensor:
    """Colour differences of the LR image, enlarged as the protocol says: 2 x sH x sW in the units of predictions.

    Raises:
        InvalidInput: The pair has no colour.
    """
    lr = _colour(pair)
    if protocol.chroma == "pillow":
        height, width = pair.hr.shape[:2]
        enlarged = np.asarray(Image.fromarray(lr).resize((width, height), Image.Resampling.BICUBIC))
    else:
        enlarged = imresize(lr, pair.scale, border=protocol.border)
    return torch.stack(chroma(*(planes(enlarged, device) / 255).unbind()))


def prepare_luma_bicubic(pair: ImagePair, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """The bicubic baseline as the literature's tables have it, and its target, in the form of `prepare`.

    The rounded luma of the HR image is shrunk and enlarged in double; the LR image has no part in it.
    """
    target = _rounded(_luma_of(planes(pair.hr)))
    small = imresize(target[0].numpy(), 1 / pair.scale, border=protocol.border)
    enlarged = torch.from_numpy(imresize(small, pair.scale, border=protocol.border))[None]
    return _finished(enlarged, protocol, pair.scale), _finished(target, protocol, pair.scale)


def _finished(image: Tensor, protocol: Protocol, scale: int) -> Tensor:
    """Rounded and with its border cut off, as the protocol says."""
    if protocol.rounding != "none":
        image = _rounded(image)
    border = protocol.shave_px(scale)
    return image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]


def _luma_of(image: Tensor) -> Tensor:
    """Studio luma, [N x] 1 x H x W, of RGB or full-range luma on [0, 255]."""
    return studio_from_full(image / 255) if image.shape[-3] == 1 else studio_luma(*image.unbind(-3)).unsqueeze(-3)


def _rgb(prediction: Tensor, cb: Tensor, cr: Tensor) -> Tensor:
    return torch.stack(rgb_from_full(prediction.squeeze(-3), cb, cr), dim=-3)


def _falsr_rgb(prediction: Tensor, colour: Tensor | None) -> Tensor:
    """RGB as FALSR's script has it: the chroma half a gray level too low, all rounded down."""
    if colour is not None:
        prediction = _rgb(prediction, *(colour - 0.5 / 255).unbind(-3))
    return (255 * prediction).clamp(0, 255).floor()


def _colour(pair: ImagePair) -> Pixels:
    if pair.lr.shape[2] == 1:
        allowed = "y-float or y-rounded, the images having no colour"
        raise InvalidInput([Problem("protocol", f"one with chroma for {pair.name}", allowed)])
    return np.ascontiguousarray(pair.lr)


def _rounded(image: Tensor) -> Tensor:
    return (image + 0.5).floor().clamp(0, 255)
