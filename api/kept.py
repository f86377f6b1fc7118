"""Answers made of documents that are kept: their bytes as they are or compressed, or the word that nothing changed."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response

from nas.standing import Document

from .freshness import FRESH_HEADERS, is_fresh

WORTH_BYTES = 1400
"""Documents of at least so many bytes are sent compressed where they may be: fewer go in one packet anyway."""

NO_HEADERS: Mapping[str, str] = {}


def kept_answer(
    document: Document,
    media_type: str,
    request: Request,
    *,
    if_none_match: str | None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    """Answer with a document, or with 304 where its sender holds it.

    Both of its forms have a tag of their own, and either may be named.

    Args:
        document: What was asked for.
        media_type: Of the document.
        request: Says whether it may be compressed.
        if_none_match: The tags of what its sender holds, as HTTP has them.
        headers: What else goes with it.
    """
    compressed = len(document.body) >= WORTH_BYTES and accepts_gzip(request.headers.get("accept-encoding", ""))
    zipped_tag = f'{document.etag[:-1]}-gzip"'
    tag = zipped_tag if compressed else document.etag
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    common = {**FRESH_HEADERS, **headers, "ETag": tag, "Vary": vary}
    if is_fresh(document.etag, if_none_match) or is_fresh(zipped_tag, if_none_match):
        return Response(status_code=304, headers=common)
    if not compressed:
        return Response(document.body, media_type=media_type, headers=common)
    return Response(document.zipped, media_type=media_type, headers=common | {"Content-Encoding": "gzip"})


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header names gzip with a weight above 0.

    >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip;q=0"), accepts_gzip("")
    (True, False, False)
    """
    for coding in accept_encoding.lower().split(","):
        name, _, weight = (part.strip() for part in coding.partition(";"))
        if name == "gzip":
            return weight.removeprefix("q=").strip("0.") != "" if weight.startswith("q=") else True
    return False
