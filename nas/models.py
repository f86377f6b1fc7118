"""Networks ready to run, whatever file they come from. It refuses to know images.

Heavy once it loads: an ONNX file needs onnxruntime, weights need torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evaluator.checkpoints import KEY, Metadata
from evaluator.recipe import RECIPES
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

if TYPE_CHECKING:
    from torch import nn

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]

HINT = "Give a file that `srnas export` wrote."
RELEASED_SCALE, RELEASED_CHANNELS = 2, 1


@dataclass(frozen=True, kw_only=True)
class Upscaler:
    """An exported network, ready to run.

    Attributes:
        metadata: What it is: genotype, recipe, scale and channels.
        network: float32 n x channels x h x w in [0, 1] to the same at scale times the sides, not clipped.
    """

    metadata: Metadata
    network: Network

    @property
    def scale(self) -> int:
        """Upscaling factor."""
        return self.metadata.scale


def load_model(path: Path) -> Upscaler:
    """Load an exported file.

    Raises:
        InvalidInput: There is no such file, or it is not one that an export wrote.
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
        if genotype is not None and model.metadata.genotype != genotype:
            allowed = f"weights of {genotype}; these belong to {model.metadata.genotype}"
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
    metadata = Metadata.from_text(session.get_modelmeta().custom_metadata_map.get(KEY, ""))

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = session.run(["output"], {"input": images})[0]
        return output

    return Upscaler(metadata=metadata, network=network)


def _load_safetensors(path: Path) -> Upscaler:
    from evaluator.weights import load_model as load_weights

    model = load_weights(path.read_bytes())
    metadata = Metadata(genotype=model.genotype, recipe=model.recipe, scale=model.scale, channels=model.channels)

    return Upscaler(metadata=metadata, network=_in_torch(model))


def _load_released(path: Path, genotype: Genotype) -> Upscaler:
    from evaluator.weights import load_published

    module = load_published(path, genotype, scale=RELEASED_SCALE, channels=RELEASED_CHANNELS)
    # The paper's recipe wraps nothing around a network, which is how these were released.
    recipe = RECIPES["paper"]
    metadata = Metadata(genotype=genotype, recipe=recipe, scale=RELEASED_SCALE, channels=RELEASED_CHANNELS)
    return Upscaler(metadata=metadata, network=_in_torch(module))


def _in_torch(module: nn.Module) -> Network:
    import torch

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output: NDArray[np.float32] = module(torch.from_numpy(images)).numpy()
        return output

    return network
