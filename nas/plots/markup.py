"""Where plots find their place in a page: parts of templates, under the names that `makeFront` looks for."""

from __future__ import annotations

from jinja2 import PackageLoader, PrefixLoader

PARTS = PrefixLoader({"plots": PackageLoader("nas.plots", "")})
"""Templates `plots/axes.html` and `plots/front.html`; the first wants `axes`, see `nas.plots.axes.Axis`."""
