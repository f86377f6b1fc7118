"""A plan as an ONNX document, node by node: what torch's exporter writes, in milliseconds instead of seconds.

The one module here that imports onnx, and only when a graph is built.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .plan import Plan, Step
from .runtime import BICUBIC, Weights

OPSET = 18
IR_VERSION = 10
_EDGES = ((1, 2), (0, 1), (-1, None), (-2, -1))
"""What a border of two mirrored pixels copies, in the order in which it stands, the image between the two pairs."""


def to_onnx(plan: Plan, weights: Weights) -> bytes:
    """Write a plan as a model with one input ``input`` (n, channels, h, w) and one output.

    Args:
        plan: The operators.
        weights: For each convolution ``<name>.weight`` (out, in / groups, k, k) and ``<name>.bias`` (out,), float32;
            and `BICUBIC` where the plan upscales so.

    Returns:
        The serialised `onnx.ModelProto`; batch, height and width are free. Nodes, and the values that they write, are
        named `<number of the step>.<part>`.
    """
    from onnx import TensorProto, helper

    writer = _Writer(plan, weights)
    for number, step in enumerate(plan.steps, start=1):
        writer.write(step, _value(number))
    shapes: dict[str, list[str | int | None]] = {
        "input": ["batch", plan.channels, "height", "width"],
        _value(len(plan.steps)): ["batch", plan.steps[-1].out_channels, "output_height", "output_width"],
    }
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(writer.nodes, "plan", ends[:1], ends[1:], writer.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    document: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()
    return document


class _Writer:
    """The nodes and constants of a graph under construction."""

    def __init__(self, plan: Plan, weights: Weights) -> None:
        self._plan, self._weights = plan, weights
        self._known: set[str] = set()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def write(self, step: Step, output: str) -> None:
        """Append the nodes of a step."""
        inputs = [_value(value) for value in step.inputs]
        match step.kind:
            case "convolution":
                self._convolution(step, inputs[0], output)
            case "concatenate":
                self._node("Concat", inputs, output, axis=1)
            case "add":
                self._node("Add", inputs, output)
            case "shuffle":
                self._shuffle(inputs[0], output)
            case "map":
                self._map(inputs[0], output)
            case "bicubic":
                self._bicubic(step, inputs[0], output)

    def _convolution(self, step: Step, value: str, output: str) -> None:
        linear = f"{output}.linear" if step.relu else output
        names = [f"{step.name}.{part}" for part in ("weight", "bias")]
        parameters = [self._constant(name, self._weights[name]) for name in names]
        side = [step.kernel] * 2
        self._node(
            "Conv", [value, *parameters], linear, group=step.groups, kernel_shape=side, pads=[step.kernel // 2] * 4
        )
        if step.relu:
            self._node("Relu", [linear], output)

    def _map(self, value: str, output: str) -> None:
        offset = self._constant("map.offset", np.array(self._plan.input_offset, dtype=np.float32))
        gain = self._constant("map.gain", np.array(self._plan.input_scale, dtype=np.float32))
        self._node("Sub", [value, offset], f"{output}.centred")
        self._node("Mul", [f"{output}.centred", gain], output)

    def _bicubic(self, step: Step, value: str, output: str) -> None:
        for axis in (2, 3):
            value = self._mirror(value, axis, output)
        kernels = self._constant(BICUBIC, self._weights[BICUBIC])
        taps = list(self._weights[BICUBIC].shape[2:])
        self._node("Conv", [value, kernels], f"{output}.phases", group=step.in_channels, kernel_shape=taps)
        self._shuffle(f"{output}.phases", output)

    def _mirror(self, value: str, axis: int, step: str) -> str:
        """Two mirrored pixels before and after an axis, the border pixel included, as the model makes them."""
        edges = [f"{step}.edge.{axis}.{start}" for start, _ in _EDGES]
        for edge, (start, end) in zip(edges, _EDGES, strict=True):
            last = np.iinfo(np.int64).max if end is None else end
            self._node("Slice", [value, *(self._index(number) for number in (start, last, axis))], edge)
        output = f"{step}.mirrored.{axis}"
        self._node("Concat", [*edges[:2], value, *edges[2:]], output, axis=axis)
        return output

    def _index(self, number: int) -> str:
        return self._constant(f"index.{number}", np.array([number], dtype=np.int64))

    def _shuffle(self, value: str, output: str) -> None:
        self._node("DepthToSpace", [value], output, blocksize=self._plan.scale, mode="CRD")

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        if name not in self._known:
            self._known.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _value(number: int) -> str:
    """Name of a plan's value."""
    return f"{number}.value" if number else "input"
