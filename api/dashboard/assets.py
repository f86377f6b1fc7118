"""Files that pages load: our styles and scripts, and plotly's out of its wheel. A fixed table; no path is ever made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from nas import plots
from nas.standing import Document
from nas.store.base import NotFound

from ..guards import STATIC
from ..kept import kept_answer

router = APIRouter(include_in_schema=False)

SCRIPT, STYLE, PICTURE = "text/javascript", "text/css", "image/svg+xml"

OWN: Mapping[str, str] = {
    "page.css": STYLE,
    "asides.css": STYLE,
    "network.css": STYLE,
    "icon.svg": PICTURE,
    "theme.js": SCRIPT,
    "requests.js": SCRIPT,
    "notices.js": SCRIPT,
    "connection.js": SCRIPT,
    "searches.js": SCRIPT,
    "candidate.js": SCRIPT,
    "divider.js": SCRIPT,
    "files.js": SCRIPT,
    "network.js": SCRIPT,
    "charts.js": SCRIPT,
    "impulse.js": SCRIPT,
    "pictures.js": SCRIPT,
    "upscale.js": SCRIPT,
    "recipes.js": SCRIPT,
    "trainings.js": SCRIPT,
    "finishing.js": SCRIPT,
    "sign-in.js": SCRIPT,
    "search.css": STYLE,
    "search.js": SCRIPT,
    "steering.js": SCRIPT,
    "limits.js": SCRIPT,
    "log.js": SCRIPT,
    "losses.js": SCRIPT,
    "others.js": SCRIPT,
    "stream.js": SCRIPT,
    "new-search.css": STYLE,
    "new-search.js": SCRIPT,
    "new-form.js": SCRIPT,
    "new-fields.js": SCRIPT,
    "new-images.js": SCRIPT,
    "new-numbers.js": SCRIPT,
    "new-rows.js": SCRIPT,
    "new-values.js": SCRIPT,
    "new-problems.js": SCRIPT,
    "new-estimate.js": SCRIPT,
    "new-copies.js": SCRIPT,
    "reference.css": STYLE,
    "reference.js": SCRIPT,
    **dict.fromkeys(plots.SCRIPTS, SCRIPT),
    **dict.fromkeys(plots.STYLES, STYLE),
}
"""Our files and their media types. They share one digest, so that a script finds those that it imports beside it."""

PLOTLY = "plotly.min.js"

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
"""What an address with a digest in it names never changes."""


def url(name: str) -> str:
    """Where a file is served; `KeyError` for one that is not in the table.

    >>> url("page.css").rpartition("/")[2]
    'page.css'
    """
    return f"{STATIC}{_digest(name)}/{name}"


@cache
def content(name: str) -> Document:
    """A file of the table, read once; `KeyError`."""
    if name == PLOTLY:
        return Document.of(plots.plotly())
    if name not in OWN:
        raise KeyError(name)
    if name in (*plots.SCRIPTS, *plots.STYLES):
        return Document.of(plots.text(name).encode())
    return Document.of((files(__package__) / "static" / name).read_bytes())


@router.get(STATIC + "{digest}/{name}")
def get_asset(
    digest: str, name: str, request: Request, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Read a file under the digest that it has now."""
    if name not in OWN and name != PLOTLY:
        raise NotFound("file", name)
    if digest != _digest(name):
        raise NotFound("version of the file", digest)
    return kept_answer(content(name), OWN.get(name, SCRIPT), request, if_none_match=if_none_match, headers=FOR_EVER)


@cache
def _digest(name: str) -> str:
    if name == PLOTLY:
        return content(name).etag.strip('"')
    content(name)
    return blake2b("".join(content(own).etag for own in OWN).encode(), digest_size=12).hexdigest()
