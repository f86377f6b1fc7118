"""A front as one HTML page that needs no network: plots with their scripts and figures in it, and tables below them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from search_space.drawing import draw

from .. import plots
from ..backdrop import landmarks
from ..figures import heading
from ..fronts import Front
from ..plots.axes import axis
from ..plots.bundle import bundle
from ..plots.documents import HistoryDocument, cloud_document
from ..plots.markup import PARTS
from ..records import CandidateState
from ..scores import candidate_scores
from ..statistics.cloud import STATES, Cloud
from ..statistics.documents import Point, Statistics
from ..statistics.tables import grids
from .front import cells, columns_of, front_rows, latency_of, summary

DRAWN = 20
"""Members whose networks are drawn, the first ones: a drawing takes 10 kB."""

POLICY = "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data: blob:"
"""What the page may load: nothing but itself; it runs the two scripts that were put into it, and no other."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of the front as a row of the page's table.

    Attributes:
        id: Of the candidate.
        cells: Its figures in words.
        seeds: From how many it was scored.
        operator: What bred it.
        genotype: As text.
        drawing: Of its network, as SVG; empty where it is not drawn.
    """

    id: str
    cells: tuple[str, ...]
    seeds: int
    operator: str
    genotype: str
    drawing: Markup


def render(front: Front, cloud: Cloud, statistics: Statistics | None = None, course: Sequence[Point] = ()) -> str:
    """Return the page; see `nas.export.front.to_html`."""
    search, columns = front.search, columns_of(front)
    scripts = plotly(), script()
    return _template().render(
        policy=POLICY.format(" ".join(map(digest, scripts))),
        style=Markup("\n".join([*map(plots.text, plots.STYLES), _own("page.css")])),
        scripts=map(Markup, scripts),
        title=search.spec.name or f"Search {search.id}",
        search=search,
        summary=summary(front),
        tiles=tiles(front, cloud),
        latency=latency_of(front),
        note=front.note,
        axes=[axis(column) for column in columns],
        headings=[heading(column) for column in columns],
        members=members(front, columns),
        course=course,
        documents={
            "cloud-document": embedded(cloud_document(search, cloud, landmarks(search.spec)).model_dump_json()),
            "members-document": embedded(json.dumps({"members": spreads(front)})),
            "history-document": embedded(HistoryDocument(search_id=search.id, points=list(course)).model_dump_json()),
        },
        grids=[] if statistics is None else grids(statistics),
    )


def tiles(front: Front, cloud: Cloud) -> list[tuple[str, str]]:
    """The figures that tell a search at a glance."""
    progress, baseline = front.search.progress, front.search.baseline.get("psnr_db")
    best = [score for member in front.members if (score := candidate_scores(member).get("psnr_db")) is not None]
    failed = max(progress.failed, int((cloud.state == STATES.index(CandidateState.FAILED)).sum()))
    found = {
        "on the front": f"{len(front.members)}",
        "scored": f"{front.scored}",
        "failed": f"{failed}",
        "best PSNR": f"{max(best):.2f} dB" if best else None,
        "bicubic PSNR": None if baseline is None else f"{baseline:.2f} dB",
        "hypervolume": None if front.hypervolume is None else f"{front.hypervolume:.4g}",
    }
    return [(name, text) for name, text in found.items() if text is not None]


def members(front: Front, columns: Sequence[str]) -> list[Member]:
    """The members as rows, the first of them with drawings."""
    return [
        Member(
            id=row["candidate"],
            cells=tuple(cells(row, columns)),
            seeds=row["seeds"],
            operator=row["operator"],
            genotype=row["genotype"],
            drawing=Markup(draw(member.genotype, title=member.id) if place < DRAWN else ""),
        )
        for place, (row, member) in enumerate(zip(front_rows(front), front.members, strict=True))
    ]


def spreads(front: Front) -> list[dict[str, Any]]:
    """The members that several seeds confirm, and how far these differ."""
    several = ((member, front.seeds_of(member)) for member in front.members)
    return [{"id": member.id, "spread": dict(seeds.spread)} for member, seeds in several if seeds.count > 1]


# -- what is put into the page unescaped -------------------------------------------------------------------------------


def embedded(document: str) -> Markup:
    """A JSON document as the content of a script element, which nothing in it can end."""
    return Markup(document.replace("<", "\\u003c"))


@cache
def plotly() -> str:
    """Plotly's own script."""
    return _within_an_element(plots.plotly().decode())


@cache
def script() -> str:
    """The script of the page, made of the modules that the service's pages take."""
    names = {name: plots.text(name) for name in plots.SCRIPTS}
    return _within_an_element(bundle(names | {"page.js": _own("page.js")}))


@cache
def digest(text: str) -> str:
    """A script as a policy names it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _within_an_element(text: str) -> str:
    r"""A script that does not end its element: in its strings, a backslash before a slash says nothing."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _own(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("nas.export", ""), PARTS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
