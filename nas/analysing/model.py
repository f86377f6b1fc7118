"""From files to an analysis: a network, ours or a published one, and a photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from evaluator.checkpoints import Metadata
from evaluator.recipe import RECIPES
from evaluator.spectrum import analysis
from evaluator.spectrum.analysis import Analysis
from evaluator.spectrum.impulse import DOT, Dot
from evaluator.spectrum.network import of_arrays
from evaluator.spectrum.response import Border
from evaluator.weights import load_published
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from ..upscaling import Upscaler, load_model, network_view

WINDOW_PX = 256
"""LR pixels a side that an analysis looks at, at most."""

PUBLISHED_SCALE, PUBLISHED_CHANNELS = 2, 1


def open_model(path: Path, genotype: Genotype | None = None) -> Upscaler:
    """Load a network from an exported file, or a released one of the FALSR family from its arrays.

    Args:
        path: An `.onnx` or `.safetensors` file that an export wrote, or an `.npz` of released weights (x2, luma).
        genotype: What the network of an `.npz` is; an export says so itself.

    Raises:
        InvalidInput: There is no such file, it is of another kind, its weights are not those of the genotype, or a
            genotype is missing.
    """
    if path.suffix.lower() != ".npz":
        return load_model(path)
    problems = []
    if not path.is_file():
        problems.append(Problem("model", str(path), "a file that exists"))
    if genotype is None:
        problems.append(Problem("genotype", None, "the network that the arrays belong to"))
    if problems or genotype is None:
        raise InvalidInput(problems, "Give a file and, for an .npz, the genotype or the published name.")
    return _published(path, genotype)


def _published(path: Path, genotype: Genotype) -> Upscaler:
    module = load_published(path, genotype, scale=PUBLISHED_SCALE, channels=PUBLISHED_CHANNELS)

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output: NDArray[np.float32] = module(torch.from_numpy(images)).numpy()
        return output

    # The paper's recipe wraps nothing around a network, which is how these were released.
    metadata = Metadata(genotype=genotype, recipe=RECIPES["paper"], scale=PUBLISHED_SCALE, channels=PUBLISHED_CHANNELS)
    return Upscaler(metadata=metadata, network=network)


def analyse(
    model: Upscaler,
    image: Image.Image,
    *,
    dot: Dot = DOT,
    border: Border = "replicate",
    window_px: int = WINDOW_PX,
) -> Analysis:
    """Analyse a network on the middle of a photograph.

    Args:
        model: The network.
        image: What it is to upscale, any picture that `nas.upscaling.upscale` takes; a luma network sees its luma.
        dot: The impulse.
        border: How the photograph goes on beyond its border for the linear part.
        window_px: Larger photographs are cut to the middle so many pixels a side.

    Raises:
        InvalidInput: The picture is smaller than 2 x 2 pixels or has floating-point pixels.
        NonFiniteOutput: The network gives a NaN or an infinity.
        ValueError: The network's output has not the size that its metadata says.
    """
    width, height = (min(side, window_px) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    seen = network_view(image.crop((left, top, left + width, top + height)), model.metadata.channels)
    return analysis.analyse(of_arrays(model.network), seen, scale=model.scale, dot=dot, border=border)
