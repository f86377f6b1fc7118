"""The states of a search as a picture and as a table, drawn from the tables that the code obeys.

`python -m nas.diagram` prints the picture, docs/images/search-states.svg; `python -m nas.diagram table` the table of
docs/reference/search-states.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from math import hypot

from .records import ACTIONS, TRANSITIONS, Action, SearchState

Point = tuple[float, float]
Step = tuple[SearchState, SearchState]

_QUEUED, _RUNNING, _PAUSED = SearchState.QUEUED, SearchState.RUNNING, SearchState.PAUSED
_COMPLETED, _CANCELLED, _FAILED = SearchState.COMPLETED, SearchState.CANCELLED, SearchState.FAILED

_PLACES: Mapping[SearchState, Point] = {
    _QUEUED: (110, 270),
    _RUNNING: (470, 270),
    _COMPLETED: (800, 270),
    _FAILED: (470, 120),
    _PAUSED: (290, 410),
    _CANCELLED: (290, 540),
}
_BENDS: Mapping[Step, float] = {
    (_QUEUED, _RUNNING): -24,
    (_RUNNING, _QUEUED): -24,
    (_QUEUED, _PAUSED): -34,
    (_PAUSED, _QUEUED): -34,
    (_COMPLETED, _QUEUED): 460,
    (_QUEUED, _CANCELLED): 120,
    (_RUNNING, _CANCELLED): -120,
}
"""How far a step's curve is drawn away from the straight line, to the right of its direction, in pixels."""

_BY_CONTROLLER: Mapping[Step, str] = {
    (_QUEUED, _RUNNING): "a controller takes it",
    (_RUNNING, _QUEUED): "back to the queue",
    (_RUNNING, _COMPLETED): "its budget is spent",
    (_RUNNING, _FAILED): "it cannot go on",
}
_MEANINGS: Mapping[SearchState, str] = {
    _QUEUED: "waits for a controller",
    _RUNNING: "a controller proposes networks and has them trained",
    _PAUSED: "proposes nothing; what was in flight is finished",
    _COMPLETED: "its budget is spent and its front confirmed",
    _CANCELLED: "ended by somebody, for good",
    _FAILED: "could not go on; its reason says why",
}

_WIDTH, _HEIGHT, _BOX_WIDTH, _BOX_HEIGHT = 920, 600, 130, 48
_INK, _PAPER, _MOVE, _END = "#1f2933", "#fbfaf7", "#3566a8", "#e3e6e8"


def cause(step: Step) -> str:
    """What makes a search take a step: somebody's action, or its controller."""
    was, state = step
    for action, target in (
        (Action.PAUSE, _PAUSED),
        (Action.RESUME, _QUEUED),
        (Action.CANCEL, _CANCELLED),
        (Action.EXTEND, _QUEUED if was.ended else was),
    ):
        if state is target and was in ACTIONS[action]:
            return str(action)
    return _BY_CONTROLLER[step]


def picture() -> str:
    """The states and the steps between them as an SVG document; what people do is blue, and ended states are grey."""
    steps = [(was, state) for was in SearchState for state in SearchState if state in TRANSITIONS[was]]
    told = "; ".join(f"{was} to {state}: {cause((was, state))}" for was, state in steps)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="system-ui, Helvetica, Arial, sans-serif" fill="{_INK}">',
        "<title>States of a search</title>",
        f"<desc>{told}</desc>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="10" fill="{_PAPER}"/>',
        *(line for step in steps for line in _arrow(step)),
        *(line for state in SearchState for line in _box(state)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def table() -> str:
    """States against actions, as a Markdown table."""
    head = ["state", "means", *map(str, Action)]
    rows = [[f"`{state}`", _MEANINGS[state], *(_mark(state, action) for action in Action)] for state in SearchState]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)) + "\n"


def _mark(state: SearchState, action: Action) -> str:
    return "yes" if state in ACTIONS[action] else "–"


def _box(state: SearchState) -> Iterator[str]:
    x, y = _PLACES[state]
    left, top = x - _BOX_WIDTH / 2, y - _BOX_HEIGHT / 2
    fill = _END if state.ended else "#ffffff"
    size = f'width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}"'
    yield f'<rect x="{left:g}" y="{top:g}" {size} rx="8" fill="{fill}" stroke="{_INK}" stroke-width="1.5"/>'
    yield f'<text x="{x:g}" y="{y + 5:g}" font-size="16" font-weight="600" text-anchor="middle">{state}</text>'


def _arrow(step: Step) -> Iterator[str]:
    """A curve from box to box with its head, and what makes a search go along it."""
    (x0, y0), (x1, y1) = (_PLACES[state] for state in step)
    length, bend = hypot(x1 - x0, y1 - y0), _BENDS.get(step, 0.0)
    control = (x0 + x1) / 2 - bend * (y1 - y0) / length, (y0 + y1) / 2 + bend * (x1 - x0) / length
    start, end = _border((x0, y0), control), _border((x1, y1), control)
    colour = _INK if step in _BY_CONTROLLER else _MOVE
    curve = f"M{_at(start)}Q{_at(control)} {_at(end)}"
    yield f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield f'<path d="{_head(end, control)}" fill="{colour}"/>'
    middle = tuple((a + 2 * c + b) / 4 for a, c, b in zip(start, control, end, strict=True))
    yield (
        f'<text x="{middle[0]:.1f}" y="{middle[1] + 4:.1f}" font-size="13" text-anchor="middle" fill="{colour}" '
        f'stroke="{_PAPER}" stroke-width="6" paint-order="stroke">{cause(step)}</text>'
    )


def _border(centre: Point, towards: Point) -> Point:
    """Where the line from a box's centre to a point leaves the box, with some room."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    half_width, half_height = _BOX_WIDTH / 2 + 3, _BOX_HEIGHT / 2 + 3
    share = min(half_width / abs(dx) if dx else 9.0, half_height / abs(dy) if dy else 9.0)
    return centre[0] + share * dx, centre[1] + share * dy


def _head(tip: Point, origin: Point) -> str:
    """A triangle that points away from a point."""
    length = hypot(tip[0] - origin[0], tip[1] - origin[1])
    dx, dy = (tip[0] - origin[0]) / length, (tip[1] - origin[1]) / length
    left = tip[0] - 9 * dx - 4 * dy, tip[1] - 9 * dy + 4 * dx
    right = tip[0] - 9 * dx + 4 * dy, tip[1] - 9 * dy - 4 * dx
    return f"M{_at(tip)}L{_at(left)}L{_at(right)}z"


def _at(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


if __name__ == "__main__":
    sys.stdout.write(table() if "table" in sys.argv else picture())
