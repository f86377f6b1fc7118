"""Where plots find their place in a page: parts of templates, with the ids that the modules look for."""

from __future__ import annotations

from jinja2 import PackageLoader, PrefixLoader

PARTS = PrefixLoader({"plots": PackageLoader("nas.plots", "")})
"""`plots/axes.html`, which wants `axes` (each an `Axis` of `nas.plots.axes`), `plots/front.html` and
`plots/course.html`."""
