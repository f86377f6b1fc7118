"""What a network does to validation photographs, as pictures beside those of bicubic.

Of each photograph the middle is taken. Its pictures have one size, that of the result, so that a viewer can lay one
over another; errors of the network and of bicubic have one scale of colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluator.data.images import ImagePair, ImageSet, held_places, load
from evaluator.metrics.luma import full_luma, rgb_from_full
from evaluator.metrics.protocol import Protocol
from evaluator.model import SRModel
from evaluator.preparation import chroma_planes
from evaluator.score import bicubic, network_input, score_bicubic, score_image

from ..catalogue import FolderOf
from ..checks import MIN_VALIDATION_SIDE, dataset_folder
from ..spec import SearchSpec
from ..validation import held_out

Pixels = NDArray[np.uint8]

PHOTOGRAPHS = 4
"""How many photographs are shown, at most."""

WINDOW_PX = 256
"""LR pixels a side that are shown of each, at most."""

GAIN = 8
"""By how much errors are multiplied: an error of 32 gray levels has the last colour, as larger ones have."""

MAGMA = ("#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf")
"""Colours of errors, the smallest first: magma of matplotlib (CC0), even steps of which look even."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is shown of one photograph.

    Attributes:
        name: The photograph.
        pictures: By kind, each sH x sW x 3: `lr` (every pixel s x s large), `bicubic`, `network`, `hr`, and the errors
            of luma `network-error` and `bicubic-error`.
        psnr_db: Of the same window under the protocol, by kind; +inf for a perfect picture.
    """

    name: str
    pictures: Mapping[str, Pixels]
    psnr_db: Mapping[str, float]


def photographs(spec: SearchSpec, folder_of: FolderOf) -> ImageSet:
    """The middle of the first few photographs that a spec scores on, those held out of training where it says so.

    Which ones are held out is told without decoding the others: it is as the search had it unless one of these cannot
    be read.
    """
    dataset = spec.dataset
    if dataset.validation is not None:
        folder = dataset_folder(spec, "validation", folder_of, min_lr_side=MIN_VALIDATION_SIDE)
        folder = replace(folder, pairs=folder.pairs[: dataset.validation_limit])
    else:
        folder = dataset_folder(spec, "train", folder_of, min_lr_side=spec.recipe.patch)
        found = folder.pairs[: dataset.train_limit]
        held = held_places(len(found), held_out(dataset, len(found)))
        folder = replace(folder, pairs=tuple(found[place] for place in held))
    return load(folder, scale=spec.scale, channels=3, limit=PHOTOGRAPHS, crop=WINDOW_PX)


@torch.inference_mode()
def show(model: SRModel, pair: ImagePair, protocol: Protocol) -> Shown:
    """What a network and bicubic make of a photograph in RGB, and how far that is from the truth.

    A luma network's picture has the colours that its protocol gives it.
    """
    prediction = model(network_input(pair, model.channels))[0].double()
    scores = {
        "network": score_image(prediction, pair, protocol, metrics=("psnr_db",)),
        "bicubic": score_bicubic(pair, model.channels, protocol, metrics=("psnr_db",)),
    }
    pictures = {
        "lr": pair.lr.repeat(pair.scale, axis=0).repeat(pair.scale, axis=1),
        "bicubic": _picture(bicubic(pair, 3, border=protocol.border)),
        "network": _picture(_coloured(prediction, pair, protocol)),
        "hr": pair.hr,
    }
    errors = {f"{kind}-error": error_map(pictures[kind], pair.hr) for kind in scores}
    figures = {kind: score.psnr_db for kind, score in scores.items() if score.psnr_db is not None}
    return Shown(name=pair.name, pictures=pictures | errors, psnr_db=figures)


def error_map(picture: Pixels, truth: Pixels) -> Pixels:
    """How far the luma of a picture is from the truth, in the colours of `MAGMA`; all arrays H x W x 3."""
    seen, true = (full_luma(*np.moveaxis(pixels.astype(np.float64), 2, 0)) for pixels in (picture, truth))
    levels = np.minimum(GAIN * np.abs(seen - true), 255.0).round().astype(np.uint8)
    colours: Pixels = _palette()[levels]
    return colours


def _palette() -> Pixels:
    """The colour of each of 256 levels, 256 x 3."""
    anchors = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in MAGMA])
    places = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), places, anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def _coloured(prediction: Tensor, pair: ImagePair, protocol: Protocol) -> Tensor:
    """3 x sH x sW of a prediction of one channel or of three."""
    if len(prediction) == 3:
        return prediction
    return torch.stack(rgb_from_full(prediction[0], *chroma_planes(pair, protocol)))


def _picture(planes: Tensor) -> Pixels:
    """SH x sW x 3 of 3 x sH x sW on [0, 1], rounded half up."""
    pixels: Pixels = (planes * 255 + 0.5).floor().clamp(0, 255).byte().movedim(0, 2).numpy()
    return pixels
