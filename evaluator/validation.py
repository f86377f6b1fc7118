"""A model's figures on the images of a search, in groups of one size; what the images alone decide is worked out once.

Every candidate of a search is scored on the same images, so their planes, spectra and enlarged colours stay on the
device from one candidate to the next. It knows nothing of trainings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from .data.groups import groups_of_one_size
from .data.images import ImagePair, ImageSet
from .metrics.bands import BANDS, BandTarget
from .metrics.fsds import FsdsTarget
from .metrics.protocol import Protocol
from .metrics.psnr import psnr
from .metrics.ssim import ssim
from .model import SRModel
from .outcome import Bands
from .precision import matrix_units
from .preparation import chroma_planes, needs_chroma, planes, prepare_prediction, prepare_target
from .score import METRICS, ImageScore, Metric, NonFiniteOutput, mean_scores, network_input, whole_target

KEPT_SETS = 2
"""Sets that a process keeps on its device: the one in use and the one before."""

KEPT_PIXELS = 2**22
"""HR pixels of the largest set that is kept, at some 40 bytes each; a larger one is worked out for each candidate."""

_kept: dict[tuple[str, Protocol, int, str], Sequence[_Group]] = {}


@torch.inference_mode()
def validate(model: SRModel, images: ImageSet, protocol: Protocol) -> tuple[dict[Metric, float], Bands]:
    """Mean figures and bands over whole images, each predicted once; a metric that exists for no image is left out.

    The figures are those of `score.score_image` and of `metrics.bands`. The model is put into evaluation mode and runs
    in float32 on the device of its weights, which the host waits for once, at the end.

    Args:
        model: What to score.
        images: At least one image.
        protocol: How to compare.

    Raises:
        NonFiniteOutput: The model gives a NaN or an infinity.
        InvalidInput: The protocol needs colour that the images have not.
    """
    model.eval()
    device = next(model.parameters()).device
    places: list[int] = []
    rows = []
    with matrix_units("ieee"):
        for group in _groups(images, protocol, model.channels, device):
            places += group.places
            rows.append(group.figures(model(group.lr)))
    figures = torch.cat(rows).cpu()[torch.tensor(places).argsort()]
    faults, values, bands = torch.split(figures, [1, len(METRICS), 2 * BANDS], dim=1)
    _refuse_faults(images, faults[:, 0].long().tolist())
    return mean_scores(map(_score, images, values.tolist())), _mean_bands(bands)


class _Group:
    """Images of one size on a device, with all that their scores need and no prediction changes.

    Args:
        images: The set.
        places: Which of its images these are; all of one shape.
        protocol: How to compare.
        channels: Channels of the predictions.
        device: Where predictions will lie.

    Attributes:
        places: As given.
        lr: N x C x H x W, what a network sees.
    """

    def __init__(
        self, images: ImageSet, places: Sequence[int], protocol: Protocol, channels: int, device: torch.device
    ) -> None:
        pairs = [images.pairs[place] for place in places]
        whole = torch.stack([whole_target(pair, channels, device) for pair in pairs])
        hr = torch.stack([planes(pair.hr, device) for pair in pairs])
        self.places = places
        self.lr = torch.cat([network_input(pair, channels, device) for pair in pairs])
        self._protocol = protocol
        self._scale = images.scale
        self._colour = self._chroma(pairs, channels, device)
        self._target = prepare_target(hr, protocol, images.scale)
        self._spectrum = FsdsTarget(whole)
        self._bands = BandTarget(whole / 255)

    def figures(self, output: Tensor) -> Tensor:
        """Score predictions N x C x sH x sW.

        Returns:
            N x (1 + 4 + 2 x 5) in float64: how many values are not finite, the figures of `METRICS` and both band
            measures. Only images without a fault have figures; FSDS is NaN for a constant target.
        """
        image = output.double()
        clipped = image.clamp(0, 1)
        faults = (~image.isfinite()).sum(dim=(1, 2, 3))
        compared = prepare_prediction(clipped, self._colour, self._protocol, self._scale), self._target
        # A kept target would spare two of SSIM's four blurs, a hundredth of a validation.
        columns = [faults, psnr(*compared), ssim(*compared), *self._spectrum.compare(clipped)]
        return torch.cat([torch.stack(columns, dim=1), *self._bands.compare(clipped)], dim=1)

    def _chroma(self, pairs: Sequence[ImagePair], channels: int, device: torch.device) -> Tensor | None:
        if not needs_chroma(self._protocol, channels):
            return None
        return torch.stack([chroma_planes(pair, self._protocol, device) for pair in pairs])


def _groups(images: ImageSet, protocol: Protocol, channels: int, device: torch.device) -> Iterable[_Group]:
    """The groups of a set, from the last candidate's where there was one on the same images."""
    made = (_Group(images, places, protocol, channels, device) for places in groups_of_one_size(images))
    if sum(pair.hr.shape[0] * pair.hr.shape[1] for pair in images) > KEPT_PIXELS:
        return made
    key = (images.digest, protocol, channels, str(device))
    groups = _kept.pop(key, None)
    _kept[key] = groups = tuple(made) if groups is None else groups
    while len(_kept) > KEPT_SETS:
        del _kept[next(iter(_kept))]
    return groups


def _refuse_faults(images: ImageSet, faults: Sequence[int]) -> None:
    for pair, count in zip(images, faults, strict=True):
        if count:
            raise NonFiniteOutput(pair.name, count)


def _score(pair: ImagePair, values: Sequence[float]) -> ImageScore:
    figures = {metric: None if math.isnan(value) else value for metric, value in zip(METRICS, values, strict=True)}
    return ImageScore(name=pair.name, **figures)


def _mean_bands(bands: Tensor) -> Bands:
    """Average each band over images; images too small to have a band are left out of its mean."""
    correspondence, log_ratio_db = torch.split(bands.nanmean(dim=0), BANDS)
    return Bands(correspondence=tuple(correspondence.tolist()), log_ratio_db=tuple(log_ratio_db.tolist()))
