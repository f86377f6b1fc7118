"""The log of a search: its last events in words, and those before them, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from nas.figures import shown
from nas.records import Event
from nas.service import Service

from ..access import Viewer
from ..deps import ServiceDep
from .rendering import page
from .wording import why

router = APIRouter(include_in_schema=False)

EVENTS = 50
"""On a page."""

WIDTH, LOOKS = 100, 8
"""How far back is looked for them, and how often twice as far as before: trainings in flight leave gaps in the log."""

Sort = Literal["outcome", "asked", "training", "course"]

SORTS: Mapping[Sort, str] = {
    "outcome": "outcomes",
    "asked": "candidates sent to training",
    "training": "full trainings",
    "course": "the search itself",
}
"""Events by what they are about."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An event as a line of the log.

    Attributes:
        ordinal: Its number.
        at: When it happened, as ISO 8601 has it.
        kind: What happened.
        sort: What that is about.
        failed: Whether something failed.
        text: The rest in words.
        href: Where the candidate is that it is about; empty for none.
    """

    ordinal: int
    at: str
    kind: str
    sort: Sort
    failed: bool
    text: str
    href: str


@dataclass(frozen=True)
class Log:
    """Some events, newest first, and where those before them are; empty where there are none."""

    entries: tuple[Entry, ...]
    older: str


@router.get("/searches/{search_id}/events")
def show_events(
    search_id: str, request: Request, service: ServiceDep, _: Viewer, before: Annotated[int, Query(ge=1, le=2**31)]
) -> Response:
    """Show the events of a search before one of them."""
    search = service.search(search_id)
    log = log_before(service, search_id, before)
    return page(request, "search_events.html", search=search, log=log)


def log_before(service: Service, search_id: str, before: int) -> Log:
    """The last events before one, without what trainings in flight tell of themselves."""
    found, end, width = list[Event](), before, WIDTH
    for _ in range(LOOKS):
        begin = max(1, end - width)
        read = service.events(search_id, after=begin - 1, limit=width, progress=False)
        found = [event for event in read if event.ordinal < end] + found
        end, width = begin, 2 * width
        if end == 1 or len(found) > EVENTS:
            break
    kept = found[-EVENTS:]
    rest = kept[0].ordinal if len(found) > EVENTS else end
    older = f"/searches/{search_id}/events?before={rest}" if rest > 1 else ""
    return Log(tuple(entry(event) for event in reversed(kept)), older)


def entry(event: Event) -> Entry:
    """An event in words."""
    candidate = event.detail.get("candidate")
    return Entry(
        ordinal=event.ordinal,
        at=event.at.isoformat(),
        kind=event.kind.replace("_", " "),
        sort=sort_of(event.kind),
        failed=event.kind.endswith("failed") or event.detail.get("failure_kind") is not None,
        text=told(event.kind, event.detail),
        href=f"/candidates/{candidate}" if isinstance(candidate, str) else "",
    )


def sort_of(kind: str) -> Sort:
    """What an event is about.

    >>> sort_of("told"), sort_of("training_failed"), sort_of("paused")
    ('outcome', 'training', 'course')
    """
    if kind.startswith("training_"):
        return "training"
    known: Mapping[str, Sort] = {"told": "outcome", "asked": "asked"}
    return known.get(kind, "course")


def told(kind: str, detail: Mapping[str, Any]) -> str:
    """What an event says beside its kind; empty where that is all.

    >>> told("told", {"ordinal": 3, "psnr_db": 30.0, "operator": "mutation"})
    'candidate 3: 30.00 dB'
    >>> told("paused", {"was": "running", "reason": "by request"})
    'by request'
    """
    if kind == "told":
        failure = detail.get("failure_kind")
        outcome = f"failed, {failure}" if failure else f"{shown('psnr_db', detail.get('psnr_db'))} dB"
        return f"candidate {detail['ordinal']}: {outcome}" + (", known already" if detail.get("cached") else "")
    if kind == "asked":
        return f"candidate {detail['ordinal']}, bred by {detail['operator']}, for rung {detail['rung']}"
    if kind in ("parallelism", "priority"):
        return f"from {_of_all(detail['was'])} to {_of_all(detail[kind])}"
    if kind == "extended":
        changed = [(name, was, detail["budget"][name]) for name, was in detail["before"].items()]
        return ", ".join(f"{name} from {was} to {_or_none(now)}" for name, was, now in changed if was != now)
    if kind in ("abandoned", "revived"):
        return f"{len(detail['candidates'])} in flight"
    if kind == "claimed":
        return f"by {detail['owner']}"
    if kind.startswith("training_"):
        return " ".join(str(detail[name]) for name in ("candidate", "reason") if detail.get(name))
    return why(kind, str(detail.get("reason") or ""))


def _of_all(count: int | None) -> str:
    return "every worker" if count is None else str(count)


def _or_none(limit: float | None) -> str:
    return "no limit" if limit is None else str(limit)
