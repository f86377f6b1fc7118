"""A genotype as a picture: blocks in a row, skips as arcs above them. Plain SVG; no torch, nothing fetched.

Colours are attributes, so that a file stands alone; classes say what each of them colours, so that a page in the dark
can have others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from .cell import Cell
from .genotype import Genotype
from .ops import OPERATORS

_INK, _FAINT, _PAPER, _PLAIN = "#1f2933", "#5b6770", "#fbfaf7", "#e3e6e8"
_OPERATORS = {
    "conv": ("conv", "#a9c9ea"),
    "group2": ("group 2", "#bfe0b4"),
    "group4": ("group 4", "#f6d58f"),
    "inverted_bottleneck": ("bottleneck", "#e8b6cf"),
}
# An arc has the colour of the block it starts from, so that it can be followed to where it ends.
_STROKES = ("#3566a8", "#b4530f", "#2f7d4f", "#8a3f8f", "#a8323c", "#0f7585", "#6b5a12", "#4a4fb0")

_MARGIN, _HEAD, _FOOT = 28, 48, 52
_STEP, _BOX = 128, 102
_LOWEST, _TALLEST = 92, 160
_EDGE = 20
_PORT = 6
_LIFT, _LIFT_PER_BLOCK = 12, 17
_LEGEND = f'font-size="12" fill="{_FAINT}" class="faint"'
_NOTE, _NOTE_WIDTH = "box height: channels · arc: skip", 200


def draw(genotype: Genotype, *, title: str | None = None, width: int = 1120) -> str:
    """Draw a genotype as an SVG document on its own pale background.

    A box is a block: its colour tells the operator, its height the channels it gives out, its words the genes. Lines
    between neighbours are the edges that are always there; an arc is a skip, in the colour of the block it starts
    from. Hovering over a box or an arc names it.

    A page finds a box as `.block[data-block]`, 0 the features, and an arc as `.arc[data-from][data-to]`. What to colour
    is `.paper`, `.box` with the operator, `.edge`, `.line` and `.head` with `.from-0` to `.from-7`, and `.faint`.

    Args:
        genotype: What to draw.
        title: Words above the picture, less any control characters; the start of the digest by default.
        width: Width of the picture in pixels; its height follows.

    Returns:
        The SVG document, as text.
    """
    words = title if title is not None else f"Genotype {genotype.digest[:8]}"
    heading = "".join(filter(str.isprintable, words))  # XML has no way to write control characters
    longest = max((block - source for source, block in genotype.skips), default=0)
    rail = _HEAD + (_LIFT + _LIFT_PER_BLOCK * longest if longest else 0)
    full_width = 2 * _MARGIN + max(_STEP * len(genotype.inputs) + _BOX, _legend_width(genotype))
    size = full_width, rail + _TALLEST + _FOOT
    body = [
        *_opening(heading, genotype, width, size),
        f'<rect width="{size[0]}" height="{size[1]}" rx="10" fill="{_PAPER}" class="paper"/>',
        _text(_MARGIN, 34, heading, 'font-size="18" font-weight="600"'),
        *(_edge(block, rail) for block in range(1, len(genotype.inputs) + 1)),
        *_skips(genotype, rail),
        *_boxes(genotype, rail),
        *_legend(genotype, size[1] - 20),
        "</svg>",
    ]
    return "\n".join(body) + "\n"


def _opening(heading: str, genotype: Genotype, width: int, size: tuple[int, int]) -> Iterator[str]:
    height = round(width * size[1] / size[0])
    name = f"drawing-{genotype.digest[:12]}"  # several drawings may stand in one page
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{name}-title {name}-text" '
        f'width="{width}" height="{height}" viewBox="0 0 {size[0]} {size[1]}" '
        f'font-family="system-ui, Helvetica, Arial, sans-serif" fill="{_INK}">'
    )
    cells = "; ".join(_cell_in_words(i, cell) for i, cell in enumerate(genotype.cells, start=1))
    skips = ", ".join(_skip_in_words(genotype, *skip) for skip in genotype.skips) or "none"
    yield f'<title id="{name}-title">{escape(heading)}</title>'
    yield f'<desc id="{name}-text">{escape(f"A chain of cells: {cells}. Skips: {skips}.")}</desc>'


def _cell_in_words(i: int, cell: Cell) -> str:
    times = "once" if cell.repeats == 1 else f"{cell.repeats} times"
    residual = ", with a residual" if cell.residual else ""
    operator = OPERATORS[cell.operator].title
    return f"cell {i}: {operator}, {cell.kernel}x{cell.kernel}, {cell.channels} channels, {times}{residual}"


def _skip_in_words(genotype: Genotype, source: int, block: int) -> str:
    start = f"cell {source}" if source else "features"
    end = f"cell {block}" if block <= len(genotype.cells) else "tail"
    return f"skip from {start} to {end}"


def _boxes(genotype: Genotype, rail: int) -> Iterator[str]:
    features = f"{genotype.features} channels"
    widest = max(genotype.widths)
    heights = [round(_LOWEST + (_TALLEST - _LOWEST) * width / widest) for width in genotype.widths]
    yield _box(0, rail, heights[0], "end", ("features", "conv 3×3", features), f"features: {features}")
    for i, cell in enumerate(genotype.cells, start=1):
        name = _OPERATORS[cell.operator][0]
        kernel = f"{cell.kernel}×{cell.kernel}"
        repeats = f"{cell.repeats} times" if cell.repeats > 1 else "once"
        words = [f"cell {i}", f"{name} {kernel}", f"{cell.channels} channels", repeats]
        words += ["+ residual"] if cell.residual else []
        yield _box(i, rail, heights[i], cell.operator, words, _cell_in_words(i, cell))
    tail = f"tail: fuses {genotype.in_channels[-1]} channels into {genotype.features}, adds features, upscales"
    words = ["tail", "fuse 3×3", "+ features", "upscale"]
    yield _box(len(genotype.inputs), rail, heights[0], "end", words, tail)


def _box(block: int, rail: int, height: int, kind: str, words: Sequence[str], hover: str) -> str:
    left = _left(block)
    middle = left + _BOX // 2
    shape = f'<rect x="{left}" y="{rail}" width="{_BOX}" height="{height}" rx="7" {_colours(kind)}/>'
    first, *others = words
    lines = [_text(middle, rail + 20, first, 'font-size="13" font-weight="600" text-anchor="middle"')]
    for i, line in enumerate(others):
        lines.append(_text(middle, rail + 38 + 16 * i, line, 'font-size="12" text-anchor="middle"'))
    return f'<g class="block" data-block="{block}"><title>{escape(hover)}</title>{shape}{"".join(lines)}</g>'


def _colours(kind: str) -> str:
    """Attributes of a box of an operator, or of a plain one."""
    fill = _OPERATORS[kind][1] if kind in _OPERATORS else _PLAIN
    return f'fill="{fill}" stroke="{_INK}" class="box {kind}"'


def _edge(block: int, rail: int) -> str:
    start, end, y = _left(block - 1) + _BOX, _left(block), rail + _EDGE
    return (
        f'<path d="M{start} {y}H{end - 5}" stroke="{_INK}" stroke-width="2" class="edge"/>'
        f'<path d="M{end} {y}l-8 -4v8z" fill="{_INK}" class="edge"/>'
    )


def _skips(genotype: Genotype, rail: int) -> Iterator[str]:
    """Yield the arcs, long ones first, each from the right half of its source to the left half of its reader.

    Of the arcs at one end of a box the longest is nearest to the middle: so arcs that share an end never cross.
    """
    skips = genotype.skips
    for source, block in sorted(skips, key=lambda skip: skip[0] - skip[1]):
        shorter_leaving = sum(start == source and end < block for start, end in skips)
        shorter_arriving = sum(end == block and start > source for start, end in skips)
        start = _left(source) + _BOX - 8 - _PORT * shorter_leaving
        end = _left(block) + 8 + _PORT * shorter_arriving
        apex = rail - _LIFT - _LIFT_PER_BLOCK * (block - source - 1)
        arc = _arc(start, end, rail, apex, source % len(_STROKES))
        hover = escape(_skip_in_words(genotype, source, block))
        yield f'<g class="arc" data-from="{source}" data-to="{block}"><title>{hover}</title>{arc}</g>'


def _arc(start: int, end: int, rail: int, apex: int, number: int) -> str:
    colour = _STROKES[number]
    control = rail - (rail - apex) * 4 // 3  # a cubic reaches three quarters of the way to its control points
    curve = f"M{start} {rail}C{start} {control} {end} {control} {end} {rail - 6}"
    return (
        f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.8" class="line from-{number}"/>'
        f'<path d="M{end} {rail}l-3.5 -8h7z" fill="{colour}" class="head from-{number}"/>'
    )


def _legend(genotype: Genotype, y: int) -> Iterator[str]:
    x = _MARGIN
    for operator in _operators_of(genotype):
        words = OPERATORS[operator].title
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" rx="2" {_colours(operator)}/>'
        yield _text(x + 18, y, words, _LEGEND)
        x += _entry_width(words)
    yield _text(x, y, _NOTE, _LEGEND)


def _legend_width(genotype: Genotype) -> int:
    return _NOTE_WIDTH + sum(_entry_width(OPERATORS[operator].title) for operator in _operators_of(genotype))


def _operators_of(genotype: Genotype) -> list[str]:
    return sorted({cell.operator for cell in genotype.cells})


def _entry_width(words: str) -> int:
    return 40 + 6 * len(words)


def _left(block: int) -> int:
    return _MARGIN + _STEP * block


def _text(x: int, y: int, words: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'
