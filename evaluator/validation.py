"""A model's figures on the images of a search."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .data.images import ImagePair, ImageSet
from .metrics.protocol import Protocol
from .model import SRModel
from .outcome import Bands
from .score import Metric, learnt_bands, mean_bands, mean_scores, network_input, score_image


@torch.inference_mode()
def predict(model: SRModel, images: ImageSet) -> Iterator[tuple[ImagePair, Tensor]]:
    """Each image and a model's prediction for it, on the device of its weights, which are put into evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    for pair in images:
        yield pair, model(network_input(pair, model.channels, device))


def validate(model: SRModel, images: ImageSet, protocol: Protocol) -> tuple[dict[Metric, float], Bands]:
    """Mean figures and bands over whole images, each predicted once; a metric that exists for no image is left out.

    Raises:
        NonFiniteOutput: The model gives a NaN or an infinity.
        InvalidInput: The protocol needs colour that the images have not.
    """
    scores, bands = [], []
    for pair, output in predict(model, images):
        scores.append(score_image(output, pair, protocol))
        bands.append(learnt_bands(output, pair))
    return mean_scores(scores), mean_bands(bands)
