"""From the genes of a cell to its module."""

from __future__ import annotations

from torch import nn

from ..cell import Cell
from ..ops import OPERATORS
from .convolution import ConvolutionCell
from .inverted_bottleneck import InvertedBottleneckCell


def build_cell(cell: Cell, in_channels: int) -> nn.Module:
    """Return the module of a cell: (N, in_channels, H, W) -> (N, channels, H, W)."""
    operator = OPERATORS[cell.operator]
    if operator.bottleneck:
        return InvertedBottleneckCell(
            in_channels, cell.channels, kernel=cell.kernel, repeats=cell.repeats, residual=cell.residual
        )
    return ConvolutionCell(
        in_channels,
        cell.channels,
        kernel=cell.kernel,
        repeats=cell.repeats,
        residual=cell.residual,
        groups=operator.groups,
    )
