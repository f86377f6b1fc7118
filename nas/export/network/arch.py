"""A network as one readable source file of plain PyTorch, which loads its weights with nothing of srnas installed.

The source is written from the genotype: a line of `forward` for each cell. It passes a formatter as it stands, whatever
its length of lines, from 88 characters up.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluator.cost import maps_input
from evaluator.metadata import Metadata
from search_space.cell import Cell
from search_space.ops import OPERATORS

from . import arch_parts as parts
from .subject import Made, Subject

WIDTH = 88


def to_arch(subject: Subject) -> Made:
    """The source of the upscaler of RGB."""
    return Made(document=arch_source(subject.model.metadata).encode("ascii"))


def arch_source(metadata: Metadata) -> str:
    """Write the source of a network: its classes, `load` for a file of weights, and a small command line."""
    kinds = [OPERATORS[cell.operator].bottleneck for cell in metadata.genotype.cells]
    sections = [
        _heading(metadata),
        parts.CONVOLUTION,
        *([parts.CONVOLUTIONS] if not all(kinds) else []),
        *([parts.BOTTLENECKS] if any(kinds) else []),
        *([parts.TENSORFLOW_ORDER] if metadata.depth_to_space == "tensorflow" else []),
        _network(metadata),
        *([parts.BICUBIC] if metadata.channels == 1 or metadata.recipe.image_residual else []),
        _upscaler(metadata),
        parts.LOADING,
        parts.COMMAND,
    ]
    return "\n\n\n".join(section.strip("\n") for section in sections) + "\n"


def _heading(metadata: Metadata) -> str:
    sees = parts.SEES_LUMA if metadata.channels == 1 else parts.SEES_RGB
    genotype = "\n".join(f"    {part}" for part in str(metadata.genotype).replace("|", "\n|").split("\n"))
    return parts.HEADING.format(scale=metadata.scale, sees=sees, genotype=genotype)


def _network(metadata: Metadata) -> str:
    genotype, scale, channels = metadata.genotype, metadata.scale, metadata.channels
    *cells_in, tail_in = genotype.in_channels
    upscaled = genotype.features // 4
    cells = [
        f'                "{i}": {_cell(cell, width)},'
        for i, (cell, width) in enumerate(zip(genotype.cells, cells_in, strict=True), start=1)
    ]
    expand = [f'                "expand": convolution({genotype.features}, {upscaled * scale**2}, 1),']
    tail = [
        f'                "fuse": convolution({tail_in}, {genotype.features}, 3),',
        *(expand if scale != 2 else []),
        f'                "out": convolution({upscaled}, {channels}, 3),',
    ]
    *read_by_cells, read_by_tail = genotype.inputs
    forward = ["        x0 = torch.relu(self.feat(x))"]
    for i, sources in enumerate(read_by_cells, start=1):
        forward += _reading(f"x{i} = ", f'self.cells["{i}"](', ")", sources)
    forward += _reading("x = ", 'torch.relu(self.tail["fuse"](', ")) + x0", read_by_tail)
    forward += ['        x = self.tail["expand"](x)'] if scale != 2 else []
    to_space = "depth_to_space(x)" if metadata.depth_to_space == "tensorflow" else "functional.pixel_shuffle(x, SCALE)"
    return parts.NETWORK.format(
        channels=channels,
        scale=scale,
        features=genotype.features,
        cells="\n".join(cells),
        tail="\n".join(tail),
        forward="\n".join(forward),
        to_space=to_space,
    )


def _cell(cell: Cell, width: int) -> str:
    """The construction of a cell."""
    operator = OPERATORS[cell.operator]
    name = "BottleneckCell" if operator.bottleneck else "ConvCell"
    groups = f", groups={operator.groups}" if operator.groups > 1 else ""
    residual = ", residual=True" if cell.residual else ""
    return f"{name}({width}, {cell.channels}, {cell.kernel}, repeats={cell.repeats}{groups}{residual})"


def _reading(target: str, before: str, after: str, sources: Sequence[int]) -> list[str]:
    """The lines that apply something to some blocks, joined: one, or many where one would be too long."""
    names = [f"x{source}" for source in sources]
    joined = names[0] if len(names) == 1 else f"join({', '.join(names)})"
    line = f"        {target}{before}{joined}{after}"
    if len(line) <= WIDTH:
        return [line]
    listed = [f"            {name}," for name in names]
    return ["        x = join(", *listed, "        )", f"        {target}{before}x{after}"]


def _upscaler(metadata: Metadata) -> str:
    recipe, luma = metadata.recipe, metadata.channels == 1
    image = "luma" if luma else "images"
    mapped = f"{recipe.input_scale!r} * ({image} - {recipe.input_offset!r})" if maps_input(recipe) else image
    residual = f" + self.bicubic({image})" if recipe.image_residual else ""
    bicubic = ["        self.bicubic = Bicubic()"] if luma or recipe.image_residual else []
    template = parts.LUMA_UPSCALER if luma else parts.RGB_UPSCALER
    made = f"self.network({mapped}){residual}"
    return template.format(bicubic="\n".join(["        self.network = Network()", *bicubic]), made=made)
