"""Which values describe something that can be built: finds every problem of a genotype or a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from .cell import Cell
from .errors import InvalidInput, Problem
from .ops import IMAGE_CHANNELS, MAX_CELLS, MAX_KERNEL, MAX_REPEATS, MAX_WIDTH, OPERATORS, SCALES


def check_task(scale: int, channels: int) -> None:
    """Accept an upscaling factor and a number of image channels that a network can be built for.

    Raises:
        InvalidInput: `scale` is not 2, 3 or 4, or `channels` is not 1 or 3.
    """
    named = (("scale", scale, SCALES), ("channels", channels, IMAGE_CHANNELS))
    problems = [Problem(name, value, _one_of(known)) for name, value, known in named if value not in known]
    if problems:
        raise InvalidInput(problems)


def genotype_problems(features: Any, cells: Any, inputs: Any) -> list[Problem]:
    """Return everything that keeps these values from being a genotype, in their order; empty if nothing does.

    Widths are compared with the groups only once every single value is sound.
    """
    if not isinstance(cells, (list, tuple)) or not 1 <= len(cells) <= MAX_CELLS:
        return [*features_problems(features), Problem("cells", cells, f"a list of 1 to {MAX_CELLS} cells")]
    numbered = (cell_problems(f"cells[{i}]", cell) for i, cell in enumerate(cells))
    problems = [*features_problems(features), *chain(*numbered), *_inputs_problems(inputs, len(cells))]
    return problems or list(_group_problems(features, cells, inputs))


def features_problems(features: Any) -> Iterator[Problem]:
    """Yield what is wrong with a feature width; the tail's depth-to-space cuts it in four."""
    if not _is_integer(features, 4, MAX_WIDTH) or features % 4:
        yield Problem("features", features, f"a multiple of 4 from 4 to {MAX_WIDTH}")


def cell_problems(field: str, cell: Any) -> Iterator[Problem]:
    """Yield what is wrong with the values of one cell, each taken alone."""
    if not isinstance(cell, Cell):
        yield Problem(field, cell, "a cell with operator, channels, kernel, repeats and residual")
        return
    yield from _gene_problems(field, cell)


def _gene_problems(field: str, cell: Any) -> Iterator[Problem]:
    if not isinstance(cell.operator, str) or cell.operator not in OPERATORS:
        yield Problem(f"{field}.operator", cell.operator, _one_of(OPERATORS))
    if not _is_integer(cell.channels, 1, MAX_WIDTH):
        yield Problem(f"{field}.channels", cell.channels, f"an integer from 1 to {MAX_WIDTH}")
    if not _is_integer(cell.kernel, 1, MAX_KERNEL) or not cell.kernel % 2:
        yield Problem(f"{field}.kernel", cell.kernel, f"an odd integer from 1 to {MAX_KERNEL}")
    if not _is_integer(cell.repeats, 1, MAX_REPEATS):
        yield Problem(f"{field}.repeats", cell.repeats, f"an integer from 1 to {MAX_REPEATS}")
    if not isinstance(cell.residual, bool):
        yield Problem(f"{field}.residual", cell.residual, "true or false")


def _inputs_problems(inputs: Any, n_cells: int) -> Iterator[Problem]:
    if not isinstance(inputs, (list, tuple)) or len(inputs) != n_cells + 1:
        yield Problem("inputs", inputs, f"{n_cells + 1} lists of sources: one for each cell, then the tail's")
        return
    for i, sources in enumerate(inputs):
        sound = isinstance(sources, (list, tuple)) and all(_is_integer(source, 0, i) for source in sources)
        if not sound:
            yield Problem(f"inputs[{i}]", sources, f"a list of block numbers from 0 to {i}")


def _group_problems(features: int, cells: Sequence[Cell], inputs: Sequence[Sequence[int]]) -> Iterator[Problem]:
    widths = [features, *(cell.channels for cell in cells)]
    for i, cell in enumerate(cells):
        groups = OPERATORS[cell.operator].groups
        in_channels = sum(widths[source] for source in {*inputs[i], i})
        if cell.channels % groups:
            yield Problem(f"cells[{i}].channels", cell.channels, f"a multiple of its {groups} groups")
        if in_channels % groups:
            yield Problem(f"inputs[{i}]", inputs[i], f"sources whose {in_channels} channels its {groups} groups divide")


def _is_integer(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _one_of(known: Iterable[object]) -> str:
    return "one of " + ", ".join(map(str, known))
