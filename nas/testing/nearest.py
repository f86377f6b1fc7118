"""The smallest ONNX upscaler there is: it repeats pixels. Needs onnx, and makes its file in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

OPSET, IR_VERSION = 18, 10


def write_nearest(
    path: Path,
    *,
    channels: int,
    scale: int = 2,
    half: bool = False,
    sides: Sequence[int | str] = ("h", "w"),
    **properties: str,
) -> None:
    """Write an ONNX file that repeats every pixel.

    Args:
        path: Where.
        channels: It takes and gives.
        scale: How often it repeats a pixel along each axis.
        half: Whether it takes and gives float16, and not float32.
        sides: Height and width that it takes, numbers or names of free ones.
        properties: Its `metadata_props`.
    """
    from onnx import TensorProto, helper, save

    dtype = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    image = helper.make_tensor_value_info("input", dtype, ["n", channels, *sides])
    larger = helper.make_tensor_value_info("output", dtype, ["n", channels, "larger_h", "larger_w"])
    factors = helper.make_tensor("factors", TensorProto.FLOAT, [4], [1, 1, scale, scale])
    node = helper.make_node("Resize", ["input", "", "factors"], ["output"], mode="nearest")
    graph = helper.make_graph([node], "nearest", [image], [larger], [factors])
    made = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    helper.set_model_props(made, properties)
    save(made, path)
