"""A network as an INT8 ONNX file: statically quantised, its ranges measured on photographs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.data.images import ImagePair
from search_space.errors import InvalidInput, Problem

from .onnx_file import describe, to_onnx
from .subject import Made, Subject

CALIBRATION_PX = 96
"""Side in LR pixels of what is cut from the middle of each photograph to measure ranges on."""

FIRST, LAST = "model.network.feat.weight", "model.network.tail.out.weight"


def to_int8(subject: Subject) -> Made:
    """Quantise the float32 file: weights symmetric and per channel, activations asymmetric and unsigned, in QDQ form.

    Between colours and pixels only the network is quantised. Colour, the input mapping, bicubic and the network's first
    convolution, which reads finer steps than those of 8 bits, stay in float32.

    Raises:
        InvalidInput: There are no photographs to calibrate with.
    """
    photographs = subject.calibration or subject.photographs
    if not photographs:
        allowed = "photographs to calibrate with; noise would set wrong ranges"
        raise InvalidInput([Problem("images", None, allowed)], "Name a folder of photographs, or another format.")
    import onnx
    from onnxruntime import quantization

    plain = to_onnx(subject)
    proto = onnx.load_from_string(plain.document)
    nodes = between(proto.graph)
    with TemporaryDirectory(prefix="srnas-int8-") as folder, _quiet_quantiser():
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            proto,
            path,
            _reader(photographs),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            activation_type=quantization.QuantType.QUInt8,
            nodes_to_quantize=nodes,
        )
        quantised = onnx.load(path)
    describe(quantised, subject.model.metadata, "rgb")
    document: bytes = quantised.SerializeToString()
    onnx.checker.check_model(document, full_check=True)
    made_of = {
        "weights": "int8, symmetric, per channel",
        "activations": "uint8, asymmetric",
        "calibrated_on": len(photographs),
        "kept_in_float": ["colour", "input mapping", "bicubic", "first convolution"],
        "quantised_nodes": len(nodes),
    }
    return Made(document=document, detail=dict(plain.detail) | made_of)


def between(graph: Any) -> list[str]:
    """The names of all nodes after the network's first convolution, up to its last."""
    first, last = (next(node for node in graph.node if weight in node.input) for weight in (FIRST, LAST))
    after = set(first.output)
    reached = []
    for node in graph.node:  # sources come before their readers
        if after.intersection(node.input):
            after.update(node.output)
            reached.append(node)
    before = set(last.input)
    names = []
    for node in reversed(reached):
        if node.name == last.name or before.intersection(node.output):
            before.update(node.input)
            names.append(node.name)
    return names[::-1]


def _reader(photographs: Sequence[ImagePair]) -> Any:
    """Feeds the middle of each photograph, one at a time."""
    from onnxruntime.quantization import CalibrationDataReader

    class Photographs(CalibrationDataReader):  # type: ignore[misc]  # the library is untyped
        def __init__(self) -> None:
            self._left: Iterator[ImagePair] = iter(photographs)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            pair = next(self._left, None)
            return None if pair is None else {"input": _fed(pair.crop(CALIBRATION_PX))}

    return Photographs()


def _fed(pair: ImagePair) -> NDArray[np.float32]:
    return np.ascontiguousarray(pair.lr.transpose(2, 0, 1)[None] / np.float32(255), dtype=np.float32)


@contextmanager
def _quiet_quantiser() -> Iterator[None]:
    """Silence the advice to preprocess, which the exporter has done; it is given on the root logger."""

    def wanted(record: logging.LogRecord) -> bool:
        return "pre-processing" not in str(record.msg)

    root = logging.getLogger()
    root.addFilter(wanted)
    try:
        yield
    finally:
        root.removeFilter(wanted)
