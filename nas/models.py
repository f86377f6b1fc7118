"""Networks ready to run, whatever file they come from. It refuses to know images.

Heavy once it loads: an ONNX file needs onnxruntime, weights need torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evaluator.metadata import KEY, Metadata
from evaluator.recipe import RECIPES
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

if TYPE_CHECKING:
    from torch import nn

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]

HINT = "Give a file that `srnas export` wrote, or another ONNX upscaler of images on [0, 1]."
RELEASED_SCALE, RELEASED_CHANNELS = 2, 1
PROBE_PX = 16


@dataclass(frozen=True, kw_only=True)
class Upscaler:
    """A network, ready to run.

    Attributes:
        network: float32 n x channels x h x w in [0, 1] to the same at scale times the sides, not clipped.
        scale: Upscaling factor.
        channels: 1 for luma, 3 for RGB.
        metadata: Its genotype and recipe; None for a network of another make.
    """

    network: Network
    scale: int
    channels: int
    metadata: Metadata | None = None

    @classmethod
    def ours(cls, metadata: Metadata, network: Network) -> Upscaler:
        """A network of the space, as its metadata describes it."""
        return cls(network=network, scale=metadata.scale, channels=metadata.channels, metadata=metadata)

    @property
    def genotype(self) -> Genotype | None:
        """What the network is, if that is known."""
        return self.metadata.genotype if self.metadata else None


def load_model(path: Path) -> Upscaler:
    """Load an exported file, or another ONNX upscaler.

    An ONNX file of another make must have one float input n x c x h x w on [0, 1], c = 1 (taken for luma) or 3 (RGB),
    and one output of that range at a whole multiple of the size; what it does to a flat picture tells its scale.

    Raises:
        InvalidInput: There is no such file, or it is neither.
    """
    if not path.is_file():
        raise InvalidInput([Problem("model", str(path), "a file that exists")], HINT)
    loaders = {".onnx": _load_onnx, ".safetensors": _load_safetensors}
    suffix = path.suffix.lower()
    if suffix not in loaders:
        raise InvalidInput([Problem("model", str(path), f"a file named {' or '.join(loaders)}")], HINT)
    try:
        return loaders[suffix](path)
    except InvalidInput as error:
        raise InvalidInput(error.problems, HINT) from error


def open_model(path: Path, genotype: Genotype | None = None) -> Upscaler:
    """Load a network from an exported file, or a released one of the FALSR family from its arrays.

    Args:
        path: An `.onnx` or `.safetensors` file that an export wrote, or an `.npz` of released weights (x2, luma).
        genotype: What the network is. An `.npz` needs it; an export says so itself and must agree.

    Raises:
        InvalidInput: There is no such file, it is of another kind, its weights are not those of the genotype, or a
            genotype is missing.
    """
    if path.suffix.lower() != ".npz":
        model = load_model(path)
        if genotype is not None and model.genotype != genotype:
            allowed = f"weights of {genotype}; these belong to {model.genotype or 'a network of another make'}"
            raise InvalidInput(
                [Problem("model", str(path), allowed)], "Leave the genotype out: the file names its own."
            )
        return model
    problems = []
    if not path.is_file():
        problems.append(Problem("model", str(path), "a file that exists"))
    if genotype is None:
        problems.append(Problem("genotype", None, "the network that the arrays belong to"))
    if problems or genotype is None:
        raise InvalidInput(problems, "Give a file and, for an .npz, the genotype or the published name.")
    return _load_released(path, genotype)


def _load_onnx(path: Path) -> Upscaler:
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no class in common
        raise InvalidInput([Problem("model", str(path), "an ONNX file that onnxruntime can load")]) from error
    ours = session.get_modelmeta().custom_metadata_map.get(KEY)
    inputs, outputs = ([place.name for place in places] for places in (session.get_inputs(), session.get_outputs()))

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            output: NDArray[np.float32] = session.run(outputs, {inputs[0]: images})[0]
        except Exception as error:
            allowed = f"an ONNX file that upscales a picture of {images.shape}: {error}"
            raise InvalidInput([Problem("model", str(path), allowed)]) from error
        return output

    if ours is not None:
        return Upscaler.ours(Metadata.from_text(ours), network)
    shape = session.get_inputs()[0].shape if len(inputs) == len(outputs) == 1 else []
    return _of_another_make(path, network, shape)


def _of_another_make(path: Path, network: Network, shape: Sequence[int | str | None]) -> Upscaler:
    """Find out the scale of an ONNX file that says nothing of itself, by running it on a flat picture."""
    channels = shape[1] if len(shape) == 4 else None
    if not isinstance(channels, int) or channels not in (1, 3):
        allowed = f"an ONNX file with one input n x 1 or 3 x h x w and one output; its input is {shape}"
        raise InvalidInput([Problem("model", str(path), allowed)])
    height, width = (side if isinstance(side, int) else PROBE_PX for side in shape[2:])
    output = network(np.full((1, channels, height, width), 0.5, dtype=np.float32))
    scale = output.shape[-1] // width
    if scale < 1 or output.shape != (1, channels, scale * height, scale * width):
        allowed = f"an upscaler of {channels} channels: it makes {output.shape} of {(1, channels, height, width)}"
        raise InvalidInput([Problem("model", str(path), allowed)])
    return Upscaler(network=network, scale=scale, channels=channels)


def _load_safetensors(path: Path) -> Upscaler:
    from evaluator.weights import load_model as load_weights

    model = load_weights(path.read_bytes())
    metadata = model.metadata
    return Upscaler.ours(metadata, _in_torch(model))


def _load_released(path: Path, genotype: Genotype) -> Upscaler:
    from evaluator.weights import load_published

    module = load_published(path, genotype, scale=RELEASED_SCALE, channels=RELEASED_CHANNELS)
    # The paper's recipe wraps nothing around a network, which is how these were released.
    recipe = RECIPES["paper"]
    metadata = Metadata(genotype=genotype, recipe=recipe, scale=RELEASED_SCALE, channels=RELEASED_CHANNELS)
    return Upscaler.ours(metadata, _in_torch(module))


def _in_torch(module: nn.Module) -> Network:
    import torch

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output: NDArray[np.float32] = module(torch.from_numpy(images)).numpy()
        return output

    return network
