"""Plots of a search for browsers: plain ES modules and styles, for pages of a service and for those that stand alone."""

from __future__ import annotations

from importlib.resources import files

SCRIPTS = ("palette.js", "front.js", "curves.js")
"""Modules, each after those that it imports; they take a `Plotly` from the window."""

STYLES = ("colours.css", "plots.css")


def text(name: str) -> str:
    """One of the files; `KeyError` for any other name."""
    if name not in (*SCRIPTS, *STYLES):
        raise KeyError(name)
    return (files(__package__) / name).read_text(encoding="utf-8")
