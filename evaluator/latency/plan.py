"""A network as the operators that a runtime executes, one after the other: enough to run it anywhere and to time it.

Knows no weights, no image size and no runtime. A plan of the whole candidate computes what `model.SRModel` computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from search_space.cell import Cell
from search_space.cost import Convolution, cell_convolutions, convolutions
from search_space.genotype import Genotype
from search_space.ops import OPERATORS

from ..cost import maps_input
from ..recipe import Recipe

Layers = Mapping[str, Convolution]
Kind = Literal["map", "convolution", "concatenate", "add", "shuffle", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operator at its place in a plan.

    Attributes:
        kind: "map" is the recipe's input mapping, "shuffle" depth-to-space, "bicubic" the image residual's upscaling.
        inputs: The values that it reads: 0 is the image, i the output of the plan's i-th step.
        in_channels: Channels that it reads in all.
        out_channels: Channels that it writes.
        name: Prefix of a convolution's weights, empty for other kinds.
        kernel: Side of a convolution's kernel in pixels.
        groups: Groups that a convolution is cut into.
        relu: Whether a ReLU follows a convolution.
        upscaled: Whether it writes the high-resolution grid.
    """

    kind: Kind
    inputs: tuple[int, ...]
    in_channels: int
    out_channels: int
    name: str = ""
    kernel: int = 1
    groups: int = 1
    relu: bool = False
    upscaled: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Operators in the order in which they run; the last one's output is the plan's.

    Attributes:
        channels: Channels of the image that goes in.
        steps: The operators.
        scale: Upscaling factor of "shuffle" and "bicubic".
        input_scale: Gain of "map".
        input_offset: Offset of "map".
    """

    channels: int
    steps: tuple[Step, ...]
    scale: int
    input_scale: float = 1.0
    input_offset: float = 0.0

    def width(self, value: int) -> int:
        """Channels of a value: 0 is the image, i the output of the i-th step."""
        return self.steps[value - 1].out_channels if value else self.channels


class PlanBuilder:
    """Appends steps; a value is named by the number that each method returns, and 0 is the image.

    Args:
        channels: Channels of the image.
        scale: Upscaling factor.
        recipe: What the image is mapped by; not at all when None.
    """

    def __init__(self, *, channels: int, scale: int, recipe: Recipe | None = None) -> None:
        self._channels, self._scale, self._recipe = channels, scale, recipe
        self._steps: list[Step] = []
        self._widths = [channels]

    def width(self, value: int) -> int:
        """Channels of a value."""
        return self._widths[value]

    def convolve(self, value: int, layer: Convolution, *, relu: bool) -> int:
        """A convolution with bias that keeps height and width."""
        return self._append(
            Step(
                kind="convolution",
                inputs=(value,),
                in_channels=layer.in_channels,
                out_channels=layer.out_channels,
                name=layer.name,
                kernel=layer.kernel,
                groups=layer.groups,
                relu=relu,
                upscaled=layer.upscaled,
            )
        )

    def concatenate(self, values: tuple[int, ...]) -> int:
        """The channels of several values; of one value that value itself, for which nothing runs."""
        if len(values) == 1:
            return values[0]
        width = sum(map(self.width, values))
        return self._append(Step(kind="concatenate", inputs=values, in_channels=width, out_channels=width))

    def add(self, first: int, second: int, *, upscaled: bool = False) -> int:
        """The sum of two values."""
        width = self.width(first)
        inputs = first, second
        return self._append(Step(kind="add", inputs=inputs, in_channels=width, out_channels=width, upscaled=upscaled))

    def shuffle(self, value: int) -> int:
        """Channels spread over the high-resolution grid."""
        width = self.width(value)
        parts = width // self._scale**2
        return self._append(Step(kind="shuffle", inputs=(value,), in_channels=width, out_channels=parts, upscaled=True))

    def wrap(self, kind: Literal["map", "bicubic"]) -> int:
        """What a recipe makes of the image."""
        width, upscaled = self._channels, kind == "bicubic"
        return self._append(Step(kind=kind, inputs=(0,), in_channels=width, out_channels=width, upscaled=upscaled))

    def build(self) -> Plan:
        """The plan of all that was appended."""
        return Plan(
            channels=self._channels,
            steps=tuple(self._steps),
            scale=self._scale,
            input_scale=1.0 if self._recipe is None else self._recipe.input_scale,
            input_offset=0.0 if self._recipe is None else self._recipe.input_offset,
        )

    def _append(self, step: Step) -> int:
        self._steps.append(step)
        self._widths.append(step.out_channels)
        return len(self._steps)


def plan_network(genotype: Genotype, recipe: Recipe, *, scale: int, channels: int) -> Plan:
    """The plan of a candidate as it is deployed, with its recipe's input mapping and image residual.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    layers = {layer.name: layer for layer in convolutions(genotype, scale=scale, channels=channels)}
    plan = PlanBuilder(channels=channels, scale=scale, recipe=recipe)
    blocks = [_head(plan, recipe, layers)]
    *reads, tail_reads = genotype.inputs
    for i, (cell, sources) in enumerate(zip(genotype.cells, reads, strict=True), start=1):
        value = plan.concatenate(tuple(blocks[source] for source in sources))
        blocks.append(_cell(plan, value, cell, f"cells.{i}", layers))
    _tail(plan, plan.concatenate(tuple(blocks[source] for source in tail_reads)), blocks[0], recipe, layers)
    return plan.build()


def plan_cell(cell: Cell, in_channels: int) -> Plan:
    """The plan of one cell, whose input stands for the image."""
    plan = PlanBuilder(channels=in_channels, scale=1)
    layers = {layer.name: layer for layer in cell_convolutions("cell", cell, in_channels)}
    _cell(plan, 0, cell, "cell", layers)
    return plan.build()


def plan_ends(features: int, tail_in: int, recipe: Recipe, *, scale: int, channels: int) -> Plan:
    """The plan of all but the cells: block 0's output also stands for the ``tail_in`` channels that the tail reads.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    smallest = Genotype(features=features, cells=(Cell("conv", features, 1, 1, False),), inputs=((0,), (1,)))
    layers = {layer.name: layer for layer in convolutions(smallest, scale=scale, channels=channels)}
    layers["tail.fuse"] = replace(layers["tail.fuse"], in_channels=tail_in)
    plan = PlanBuilder(channels=channels, scale=scale, recipe=recipe)
    block = _head(plan, recipe, layers)
    _tail(plan, block, block, recipe, layers)
    return plan.build()


def _head(plan: PlanBuilder, recipe: Recipe, layers: Layers) -> int:
    image = plan.wrap("map") if maps_input(recipe) else 0
    return plan.convolve(image, layers["feat"], relu=True)


def _cell(plan: PlanBuilder, value: int, cell: Cell, name: str, layers: Layers) -> int:
    append = _bottleneck if OPERATORS[cell.operator].bottleneck else _convolutions
    return append(plan, value, cell, name, layers)


def _convolutions(plan: PlanBuilder, value: int, cell: Cell, name: str, layers: Layers) -> int:
    outputs = []
    for repeat in range(cell.repeats):
        value = plan.convolve(value, layers[f"{name}.blocks.{repeat}"], relu=True)
        outputs.append(value)
    return plan.add(outputs[0], value) if cell.residual else value


def _bottleneck(plan: PlanBuilder, value: int, cell: Cell, name: str, layers: Layers) -> int:
    supple = value = plan.convolve(value, layers[f"{name}.supple"], relu=False)
    for repeat in range(cell.repeats):
        block = f"{name}.blocks.{repeat}"
        wide = plan.convolve(value, layers[f"{block}.expand"], relu=True)
        wide = plan.convolve(wide, layers[f"{block}.depthwise"], relu=True)
        value = plan.add(value, plan.convolve(wide, layers[f"{block}.project"], relu=False))
    return plan.add(supple, value) if cell.residual else value


def _tail(plan: PlanBuilder, value: int, features: int, recipe: Recipe, layers: Layers) -> None:
    value = plan.add(plan.convolve(value, layers["tail.fuse"], relu=True), features)
    if "tail.expand" in layers:
        value = plan.convolve(value, layers["tail.expand"], relu=False)
    detail = plan.convolve(plan.shuffle(value), layers["tail.out"], relu=False)
    if recipe.image_residual:
        plan.add(detail, plan.wrap("bicubic"), upscaled=True)
