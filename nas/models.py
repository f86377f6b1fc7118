"""Networks ready to run, whatever file they come from. It refuses to know images, and never opens a pickle of code.

Heavy once it loads: an ONNX file needs onnxruntime, weights need torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evaluator.recipe import RECIPES
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from .onnx_models import Network, Upscaler, load_onnx

if TYPE_CHECKING:
    from torch import nn

    from evaluator.model import SRModel

__all__ = ["EXPORTED", "Network", "Upscaler", "load_model", "of_model", "open_model", "read_network"]

EXPORTED = (".onnx", ".safetensors", ".pth")
"""How the names of files end that say themselves what network they hold."""

WEIGHTS = (".safetensors", ".pth")
"""How the names of files end that hold the weights of such a network."""

TORCHSCRIPT = ".pt"
"""How the names of exported files end that are programs of torch, which would have to be trusted."""

HINT = "Give a file that `srnas export` wrote, or another ONNX upscaler of images on [0, 1]."
RELEASED_SCALE, RELEASED_CHANNELS = 2, 1


def load_model(path: Path) -> Upscaler:
    """Load an exported file, or another ONNX upscaler; see `nas.onnx_models.load_onnx`.

    A `.safetensors` file says in its header or by its tensors what network it is, a `.pth` by its tensors; the latter
    is read by torch's restricted reader.

    Raises:
        InvalidInput: There is no such file, or it is none of these.
    """
    if not path.is_file():
        raise InvalidInput([Problem("model", str(path), "a file that exists")], HINT)
    suffix = path.suffix.lower()
    if suffix not in EXPORTED:
        torchscript = "; TorchScript is for torch.jit.load" if suffix == TORCHSCRIPT else ""
        allowed = f"a file named {' or '.join(EXPORTED)}{torchscript}"
        raise InvalidInput([Problem("model", str(path), allowed)], HINT)
    try:
        return load_onnx(path) if suffix == ".onnx" else of_model(_read_weights(path, suffix))
    except InvalidInput as error:
        raise InvalidInput(error.problems, HINT) from error


def open_model(path: Path, genotype: Genotype | None = None) -> Upscaler:
    """Load a network from an exported file, or a released one of the FALSR family from its arrays.

    Args:
        path: An exported file, or an `.npz` of released weights (x2, luma).
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
    return of_model(_read_released(path, genotype))


def of_model(model: SRModel) -> Upscaler:
    """A model of torch on the CPU, in evaluation mode, with its RGB face."""
    from evaluator.face import RgbModel

    return Upscaler.ours(model.metadata, _in_torch(model), _in_torch(RgbModel(model)))


def read_network(path: Path, genotype: Genotype | None = None) -> SRModel:
    """The model of torch, on the CPU and in evaluation mode, whose weights a file holds.

    Args:
        path: A `.safetensors` or `.pth` file of ours, or an `.npz` of released weights (x2, luma).
        genotype: What the network is. An `.npz` needs it; others say so themselves and must agree.

    Raises:
        InvalidInput: As `open_model`; or the file holds no weights to build a network with, as an ONNX file.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz" and genotype is not None and path.is_file():
        return _read_released(path, genotype)
    if suffix == ".npz":
        open_model(path, genotype)  # says what is missing
    if suffix not in WEIGHTS or not path.is_file():
        allowed = f"a file that exists, named {' or '.join((*WEIGHTS, '.npz'))}"
        raise InvalidInput([Problem("model", str(path), allowed)], "Give a file of weights.")
    model = _read_weights(path, suffix)
    if genotype is not None and model.genotype != genotype:
        allowed = f"weights of {genotype}; these belong to {model.genotype}"
        raise InvalidInput([Problem("model", str(path), allowed)], "Leave the genotype out: the file names its own.")
    return model


def _read_weights(path: Path, suffix: str) -> SRModel:
    from evaluator.portable import read_pth, read_safetensors

    return (read_pth if suffix == ".pth" else read_safetensors)(path.read_bytes())


def _read_released(path: Path, genotype: Genotype) -> SRModel:
    from evaluator.model import SRModel
    from evaluator.weights import load_published

    network = load_published(path, genotype, scale=RELEASED_SCALE, channels=RELEASED_CHANNELS)
    # The paper's recipe wraps nothing around a network, which is how these were released.
    return SRModel(network, genotype, RECIPES["paper"], scale=RELEASED_SCALE, channels=RELEASED_CHANNELS).eval()


def _in_torch(module: nn.Module) -> Network:
    import torch

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output: NDArray[np.float32] = module(torch.from_numpy(np.ascontiguousarray(images))).numpy()
        return output

    return network
