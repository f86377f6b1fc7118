"""Weights from outside into networks: published arrays and our own checkpoints. Trains and writes nothing."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype
from search_space.network import SRNetwork, build

from . import checkpoints
from .finishing import WRAPPING
from .metadata import Metadata
from .model import SRModel


class MismatchedWeights(InvalidInput):
    """Weights do not belong to the network that they were loaded into."""

    hint = "Give the genotype, scale and channels that these weights were trained with."


def load_published(path: Path, genotype: Genotype, *, scale: int = 2, channels: int = 1) -> SRNetwork:
    """Build a released network of the FALSR family with its weights.

    Args:
        path: An `.npz` with arrays in OIHW order under the names `feat.weight`, `cells.1.blocks.0.weight` and
            so on.
        genotype: The network.
        scale: Upscaling factor; the released networks are for 2.
        channels: Channels of the image; the released networks have 1.

    Returns:
        The network in evaluation mode. Its channels go to space in the order of TensorFlow, as released.

    Raises:
        InvalidInput: The file cannot be read as arrays.
        MismatchedWeights: Names every array that is missing, unexpected or of another shape.
    """
    network = build(genotype, scale=scale, channels=channels, depth_to_space="tensorflow")
    load_state(network, _read_arrays(path), source=path.name)
    return network.eval()


def _read_arrays(path: Path) -> dict[str, Tensor]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: torch.from_numpy(archive[name]) for name in archive.files}
    except (ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput([Problem("weights", str(path), "an .npz file of plain arrays")]) from error


def load_model(document: bytes) -> SRModel:
    """Build the model of a checkpoint, in evaluation mode, ready to upscale.

    Args:
        document: The bytes of a checkpoint, e.g. `Success.weights`.

    Raises:
        InvalidInput: The bytes are no checkpoint of ours.
        MismatchedWeights: The weights are not those of the genotype in the header.
    """
    tensors, made = checkpoints.from_bytes(document)
    network = build(made.genotype, scale=made.scale, channels=made.channels, depth_to_space=made.depth_to_space)
    load_state(network, tensors, source="checkpoint")
    return SRModel(network, made.genotype, made.recipe, scale=made.scale, channels=made.channels).eval()


def warm_start(model: SRModel, document: bytes) -> None:
    """Copy the weights of a checkpoint of the same network in the same wrapping into a model.

    Args:
        model: What will be trained.
        document: The bytes of a checkpoint, e.g. `Success.weights` of a partial training.

    Raises:
        InvalidInput: The bytes are no checkpoint of ours.
        MismatchedWeights: They are of another network, or it was wrapped otherwise; names every difference.
    """
    tensors, made = checkpoints.from_bytes(document)
    found, wanted = _nature(made), _nature(model.metadata)
    problems = [Problem(f"warm.{name}", found[name], wanted[name]) for name in wanted if found[name] != wanted[name]]
    if problems:
        raise MismatchedWeights(problems, "Warm weights must be of the same network in the wrapping of its search.")
    load_state(model.network, tensors, source="warm")


def _nature(made: Metadata) -> dict[str, str]:
    """What decides whether weights mean the same in another model, by name."""
    network = {name: str(getattr(made, name)) for name in ("genotype", "scale", "channels", "depth_to_space")}
    return network | {f"recipe.{name}": str(getattr(made.recipe, name)) for name in WRAPPING}


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Copy tensors into a module by name, all or none.

    Args:
        module: What to load into.
        tensors: One tensor for each entry of the module's state dict.
        source: What the tensors are called in messages.

    Raises:
        MismatchedWeights: Names every tensor that is missing, unexpected or of another shape, at once.
    """
    wanted = module.state_dict()
    problems = [
        Problem(f"{source}:{name}", "missing", _shape(tensor)) for name, tensor in wanted.items() if name not in tensors
    ]
    for name, tensor in tensors.items():
        if name not in wanted:
            problems.append(Problem(f"{source}:{name}", _shape(tensor), "nothing: the network has no such weight"))
        elif tensor.shape != wanted[name].shape:
            problems.append(Problem(f"{source}:{name}", _shape(tensor), _shape(wanted[name])))
    if problems:
        raise MismatchedWeights(problems)
    module.load_state_dict(dict(tensors))


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
