"""Plots of a search for browsers: plain ES modules and styles, for pages of a service and for lone files.

Here are the files; `bundle` makes one script of modules, `documents` what the plots are fed with.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

SCRIPTS = (
    "palette.js",
    "address.js",
    "elements.js",
    "figures.js",
    "cloud.js",
    "selection.js",
    "looks.js",
    "pen.js",
    "strands.js",
    "brushes.js",
    "parallel.js",
    "backdrop.js",
    "strip.js",
    "traces.js",
    "scatter.js",
    "picked.js",
    "comparing.js",
    "front.js",
    "curves.js",
)
"""Modules, each after those that it imports; they take a `Plotly` from the window."""

STYLES = ("colours.css", "plots.css", "drawing.css")


def text(name: str) -> str:
    """One of the files; `KeyError` for any other name."""
    if name not in (*SCRIPTS, *STYLES):
        raise KeyError(name)
    return (files(__package__) / name).read_text(encoding="utf-8")


def plotly() -> bytes:
    """Plotly's own script, 5 MB, out of its wheel; plotly itself is not loaded."""
    spec = find_spec("plotly")
    assert spec is not None, "plotly is a dependency"
    assert spec.submodule_search_locations is not None
    return (Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js").read_bytes()
