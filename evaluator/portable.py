"""Weights as other programs load them: a plain state dict that says by its tensors alone what network it is.

Loaders drop the header of a file and keep its tensors. So what the weights belong to travels among them, as a text
whose characters are integers: ASCII, which survives a conversion of all tensors to float16 or bfloat16.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from search_space.errors import InvalidInput, Problem
from search_space.network import build

from . import checkpoints
from .metadata import KEY, Metadata
from .model import SRModel
from .weights import load_state

HINT = "Give a file that `srnas export` or `srnas convert` wrote."

PARAMS = "params"
"""The entry of a `.pth` under which programs for upscaling look for the state dict."""

MOST_CODES = 2**16
"""Characters of the text that weights belong to: a pickle may name a tensor of any size that holds one number."""


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
        if tensors[KEY].numel() > MOST_CODES:
            raise ValueError(f"{tensors[KEY].numel()} characters")
        codes = tensors[KEY].flatten().tolist()
        return Metadata.from_text(bytes(round(code) for code in codes).decode("ascii"))
    except (KeyError, AttributeError, ValueError, OverflowError, TypeError) as error:
        raise InvalidInput([Problem(f"weights.{KEY}", "unreadable", "the text that srnas wrote")], HINT) from error


def from_portable(tensors: Mapping[str, Tensor]) -> SRModel:
    """Build the model of a state dict, in evaluation mode and float32, whatever its weights were stored in.

    Raises:
        InvalidInput: The state dict is not one of ours.
        MismatchedWeights: Its weights are not those of the network that it names.
    """
    return _model({name: tensor for name, tensor in tensors.items() if name != KEY}, read_metadata(tensors))


def read_safetensors(document: bytes) -> SRModel:
    """Build the model of a safetensors document, by its own tensors or else by its header.

    Args:
        document: What an export or a training wrote, or what another program made of an export, without its header.

    Raises:
        InvalidInput: The bytes are no safetensors document, or nothing in it says what network it is.
        MismatchedWeights: Its weights are not those of the network that it names.
    """
    tensors, text = checkpoints.unpack(document)
    if is_portable(tensors):
        return from_portable(tensors)
    return _model(tensors, Metadata.from_text(text))


def read_pth(document: bytes) -> SRModel:
    """Build the model of a `.pth` file: a state dict, alone or under `PARAMS`.

    The file is a pickle by nature. It is read by torch's restricted reader, which makes tensors and containers of them
    and calls nothing else.

    Raises:
        InvalidInput: The bytes are no such file, or hold anything but tensors, or do not say what network they are.
        MismatchedWeights: Its weights are not those of the network that it names.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that are refused in the next moment
            held: Any = torch.load(io.BytesIO(document), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _unreadable("a .pth file that holds tensors alone") from error
    tensors = held.get(PARAMS, held) if isinstance(held, Mapping) else None
    if not isinstance(tensors, Mapping) or not all(map(_is_plain, tensors.values())):
        raise _unreadable(f"a state dict of plain tensors, or one under {PARAMS!r}")
    return from_portable({str(name): tensor for name, tensor in tensors.items()})


def _model(weights: Mapping[str, Tensor], made: Metadata) -> SRModel:
    network = build(made.genotype, scale=made.scale, channels=made.channels, depth_to_space=made.depth_to_space)
    load_state(network, weights, source="weights")  # which compares all shapes before it converts any value
    return SRModel(network, made.genotype, made.recipe, scale=made.scale, channels=made.channels).eval()


def _is_plain(value: object) -> bool:
    """Whether a value is a tensor of numbers that are all there: none sparse, complex, quantised or without memory."""
    if not isinstance(value, Tensor) or value.is_quantized or value.is_complex():
        return False
    return value.layout == torch.strided and value.device.type == "cpu"


def _unreadable(allowed: str) -> InvalidInput:
    return InvalidInput([Problem("weights", "unreadable", allowed)], HINT)
