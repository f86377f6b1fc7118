"""What a genotype costs, by arithmetic: exact integers, no weights, no torch, no tracing.

The convolutions listed by `convolutions` are those that `network.build` makes, under the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .cell import Cell
from .checks import check_task
from .genotype import Genotype
from .ops import EXPANSION, OPERATORS
from .space import SearchSpace

LR_PIXELS = 230_400
"""Low-resolution pixels at which FALSR counts mult-adds: 640x360, which x2 makes 1280x720."""

Metric = Literal["params", "mult_adds"]


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """One convolution with bias: enough of it to count.

    Attributes:
        name: Its prefix among the network's weights, `cells.2.blocks.0.expand`.
        in_channels: Channels it reads.
        out_channels: Channels it writes.
        kernel: Side of its square kernel, in pixels.
        groups: Groups it is cut into.
        upscaled: Whether it works on the high-resolution grid.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: int
    groups: int = 1
    upscaled: bool = False

    @property
    def weights(self) -> int:
        """Number of its weights, without biases; also its mult-adds at each pixel it writes."""
        return self.in_channels // self.groups * self.out_channels * self.kernel**2

    @property
    def params(self) -> int:
        """Number of its weights and biases."""
        return self.weights + self.out_channels


def params(genotype: Genotype, *, scale: int, channels: int) -> int:
    """Count the parameters of the network, biases included.

    Args:
        genotype: What the network is.
        scale: Upscaling factor: 2, 3 or 4.
        channels: Channels of the image: 1 for luma, 3 for RGB.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    return sum(layer.params for layer in convolutions(genotype, scale=scale, channels=channels))


def mult_adds(genotype: Genotype, *, scale: int, channels: int, lr_pixels: int = LR_PIXELS) -> int:
    """Count multiply-accumulates of the convolutions for one image, as FALSR does: biases are free.

    Args:
        genotype: What the network is.
        scale: Upscaling factor: 2, 3 or 4.
        channels: Channels of the image: 1 for luma, 3 for RGB.
        lr_pixels: Pixels of the low-resolution image. The output convolution works on scale^2 times as many.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    layers = convolutions(genotype, scale=scale, channels=channels)
    return lr_pixels * sum(layer.weights * (scale**2 if layer.upscaled else 1) for layer in layers)


def cost_range(space: SearchSpace, metric: Metric, *, scale: int, channels: int) -> tuple[int, int]:
    """Return the exact smallest and largest cost over a whole space, mult-adds at `LR_PIXELS`.

    A cell's cost grows with its own width and with what it reads, whatever its other genes; its width and the
    skips only ever widen what others read. So the dearest genotype has every width at its largest and every
    skip, the cheapest every width at its smallest and none; and at given widths the cells' costs add up, so
    each cell is chosen for itself.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    check_task(scale, channels)
    least = _extreme(space, metric, min)
    most = _extreme(space, metric, max)
    count = params if metric == "params" else mult_adds
    return count(least, scale=scale, channels=channels), count(most, scale=scale, channels=channels)


def _extreme(space: SearchSpace, metric: Metric, pick: Callable[..., int]) -> Genotype:
    width = pick(space.channels)
    dense = pick(False, True)
    reads = tuple(tuple(range(0 if dense else i, i + 1)) for i in range(space.n_cells + 1))
    widths = (space.features, *[width] * space.n_cells)
    choices = [cell for cell in space.distinct_cells if cell.channels == width]
    cells = []
    for sources in reads[:-1]:
        in_channels = sum(widths[source] for source in sources)
        costs = [_cell_cost(cell, in_channels, metric) for cell in choices]
        cells.append(choices[costs.index(pick(costs))])
    return Genotype(features=space.features, cells=tuple(cells), inputs=reads)


def _cell_cost(cell: Cell, in_channels: int, metric: Metric) -> int:
    layers = cell_convolutions("", cell, in_channels)
    return sum(layer.params if metric == "params" else layer.weights for layer in layers)


def convolutions(genotype: Genotype, *, scale: int, channels: int) -> Iterator[Convolution]:
    """Yield every convolution of the network, from the image to the image.

    Raises:
        InvalidInput: No network is built for this scale or these channels.
    """
    check_task(scale, channels)
    features = genotype.features
    *cells_in, tail_in = genotype.in_channels
    yield Convolution(name="feat", in_channels=channels, out_channels=features, kernel=3)
    for i, (cell, in_channels) in enumerate(zip(genotype.cells, cells_in, strict=True), start=1):
        yield from cell_convolutions(f"cells.{i}", cell, in_channels)
    yield Convolution(name="tail.fuse", in_channels=tail_in, out_channels=features, kernel=3)
    if scale != 2:
        yield Convolution(name="tail.expand", in_channels=features, out_channels=features // 4 * scale**2, kernel=1)
    yield Convolution(name="tail.out", in_channels=features // 4, out_channels=channels, kernel=3, upscaled=True)


def cell_convolutions(name: str, cell: Cell, in_channels: int) -> Iterator[Convolution]:
    """Yield the convolutions of one cell that reads so many channels, under names that begin with ``name``."""
    operator = OPERATORS[cell.operator]
    if operator.bottleneck:
        yield from _bottleneck_convolutions(name, cell, in_channels)
        return
    for repeat in range(cell.repeats):
        yield Convolution(
            name=f"{name}.blocks.{repeat}",
            in_channels=cell.channels if repeat else in_channels,
            out_channels=cell.channels,
            kernel=cell.kernel,
            groups=operator.groups,
        )


def _bottleneck_convolutions(name: str, cell: Cell, in_channels: int) -> Iterator[Convolution]:
    narrow, wide, kernel = cell.channels, EXPANSION * cell.channels, cell.kernel
    yield Convolution(name=f"{name}.supple", in_channels=in_channels, out_channels=narrow, kernel=1)
    for repeat in range(cell.repeats):
        block = f"{name}.blocks.{repeat}"
        yield Convolution(name=f"{block}.expand", in_channels=narrow, out_channels=wide, kernel=kernel)
        yield Convolution(name=f"{block}.depthwise", in_channels=wide, out_channels=wide, kernel=3, groups=wide)
        yield Convolution(name=f"{block}.project", in_channels=wide, out_channels=narrow, kernel=kernel)
