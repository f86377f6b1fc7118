"""Weights as other programs load them: a plain state dict that says by its tensors alone what network it is.

Loaders drop the header of a file and keep its tensors. So what the weights belong to travels among them, as a text
whose characters are integers: ASCII, which survives a conversion of all tensors to float16 or bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from search_space.errors import InvalidInput, Problem
from search_space.network import build

from .metadata import KEY, Metadata
from .model import SRModel
from .weights import load_state

HINT = "Give a file that `srnas export` or `srnas convert` wrote."


def is_portable(tensors: Mapping[str, object]) -> bool:
    """Whether a state dict names itself as one of ours."""
    return KEY in tensors


def to_portable(model: SRModel) -> dict[str, Tensor]:
    """The network's weights on the CPU by name, and under `KEY` its metadata, an int32 a character."""
    weights = model.network.state_dict()
    text = torch.tensor(list(model.metadata.to_text().encode("ascii")), dtype=torch.int32)
    return {KEY: text} | {name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}


def read_metadata(tensors: Mapping[str, Tensor]) -> Metadata:
    """What the weights belong to.

    Raises:
        InvalidInput: The state dict is not one of ours, or its text cannot be read.
    """
    try:
        codes = tensors[KEY].flatten().tolist()
        return Metadata.from_text(bytes(round(code) for code in codes).decode("ascii"))
    except (KeyError, AttributeError, ValueError, OverflowError) as error:
        raise InvalidInput([Problem(f"weights.{KEY}", "unreadable", "the text that srnas wrote")], HINT) from error


def from_portable(tensors: Mapping[str, Tensor]) -> SRModel:
    """Build the model of a state dict, in evaluation mode and float32, whatever its weights were stored in.

    Raises:
        InvalidInput: The state dict is not one of ours.
        MismatchedWeights: Its weights are not those of the network that it names.
    """
    made = read_metadata(tensors)
    network = build(made.genotype, scale=made.scale, channels=made.channels, depth_to_space=made.depth_to_space)
    weights = {name: tensor.float() for name, tensor in tensors.items() if name != KEY}
    load_state(network, weights, source="weights")
    return SRModel(network, made.genotype, made.recipe, scale=made.scale, channels=made.channels).eval()
