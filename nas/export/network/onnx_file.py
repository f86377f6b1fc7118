"""A network as an ONNX file: RGB or luma, in float32 or float16, with free batch, height and width."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from evaluator.metadata import KEY, Metadata

from .subject import RANGES, ExportError, Made, Subject

OPSET = 18

FACE = f"{KEY}.face"
"""The entry of `metadata_props` that says what a file takes: "rgb" or "luma"."""


def to_onnx(subject: Subject, *, face: str = "rgb", dtype: torch.dtype = torch.float32) -> Made:
    """Trace a network into an ONNX file, which onnx's checker has passed.

    Its one input is ``input``, its one output ``output``. Its ``metadata_props`` hold ``genotype``, ``scale`` and
    ``channels`` for any reader, the face, and under ``srnas`` the document that a safetensors file has in its header.
    The exporter has already folded constants and merged equal nodes; a slimming library finds nothing more to merge.

    Args:
        subject: The network.
        face: "rgb", the upscaler of RGB that programs for pictures feed, or "luma", the network itself.
        dtype: float32; or float16, in which then everything is: weights, arithmetic, input and output. Programs feed
            what the input asks for, and onnxruntime computes in float32 where a processor has no half arithmetic.
    """
    import onnx

    network = subject.network(face)
    if dtype != torch.float32:
        network = deepcopy(network).to(dtype)
    proto = _traced(network, 3 if face == "rgb" else subject.model.channels, dtype)
    describe(proto, subject.model.metadata, face)
    document: bytes = proto.SerializeToString()
    onnx.checker.check_model(document, full_check=True)
    return Made(document=document, detail={"opset": OPSET, "onnx": onnx.__version__})


def describe(proto: Any, metadata: Metadata, face: str) -> None:
    """Write into a model what it is, for people and for readers."""
    import onnx

    range_, cut = (RANGES[3], "in [0, 1]") if face == "rgb" else (RANGES[1], "not clipped")
    proto.doc_string = f"Super-resolution x{metadata.scale}. Input and output: {range_}; output {cut}."
    properties = {
        KEY: metadata.to_text(),
        FACE: face,
        "genotype": str(metadata.genotype),
        "scale": str(metadata.scale),
        "channels": str(metadata.channels),
    }
    onnx.helper.set_model_props(proto, properties)


def _traced(network: nn.Module, channels: int, dtype: torch.dtype) -> Any:
    """A network as an `onnx.ModelProto` with all weights inside."""
    batch, height, width = (torch.export.Dim(name) for name in ("batch", "height", "width"))
    example = torch.zeros(2, channels, 13, 17, dtype=dtype)
    with _quiet_exporter():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: batch, 2: height, 3: width},),
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx.export returned nothing")
    return _without_traces(program.model_proto)


def _without_traces(proto: Any) -> Any:
    """The same without what the exporter notes at every node: a fourth of a small file, and paths of this machine."""
    graph = proto.graph
    for noted in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        noted.ClearField("metadata_props")
    return proto


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what torch's exporter tells its own developers: a deprecation, and torchvision's absence."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        logger.setLevel(level)
