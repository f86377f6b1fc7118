"""Entity tags: whether what a client holds of a search is still what it would be sent. Knows no route."""

from __future__ import annotations

import re

from nas.records import Pulse

from .responses import Entries

FRESH_HEADERS = {"Cache-Control": "private, no-cache"}
"""What may be kept, and must be asked for anew: the answer to that is cheap."""

NOT_MODIFIED: Entries = {304: {"description": "What bears the `ETag` that `If-None-Match` names is up to date."}}

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def tag_of(search_id: str, pulse: Pulse) -> str:
    """The weak entity tag of whatever is told of a search: another one after every change of it.

    It is weak since estimates move with the clock while the tag stays.
    """
    return f'W/"{search_id}-{pulse.event_count}-{pulse.told}"'


def is_fresh(tag: str, if_none_match: str | None) -> bool:
    """Whether an If-None-Match header names a tag, by the weak comparison of RFC 9110; ``*`` names any."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(if_none_match)
