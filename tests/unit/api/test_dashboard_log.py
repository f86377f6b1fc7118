"""The log of a search, page by page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.dashboard.log import EVENTS, entry, told
from nas.records import Event, SearchId
from nas.store.base import Lease
from nas.store.memory import MemoryStore
from nas.testing import START, make_report

BROWSER = {"Accept": "text/html"}


def ordinals(text: str) -> list[int]:
    """The events of a page, in its order."""
    return [int(ordinal) for ordinal in re.findall(r'<li data-ordinal="(\d+)"', text)]


def test_the_log_has_the_last_events_newest_first(http: httpx.Client, recorded: Any) -> None:
    for _ in range(EVENTS):
        http.post(f"/v1/searches/{recorded.id}/pause")
        http.post(f"/v1/searches/{recorded.id}/resume")
    text = http.get(f"/searches/{recorded.id}", headers=BROWSER).text
    shown = ordinals(text)
    assert shown == list(range(shown[0], shown[0] - EVENTS, -1))
    assert f'data-latest="{shown[0]}"' in text


def test_every_event_is_on_one_page_whatever_lies_between(
    http: httpx.Client, store: MemoryStore, recorded: Any
) -> None:
    flying, lease = recorded.candidates[4], Lease(search_id=recorded.id, owner="tests", token=1, expires_at=START)
    store.record_workers("tests", [], 1500 * [make_report(lease, flying)], at=START, lease_s=60.0)
    for _ in range(EVENTS):
        http.post(f"/v1/searches/{recorded.id}/extend", json={"evaluations": 10})
    events = store.events(recorded.id, after=0, limit=10_000, progress=False)
    seen, url = list[int](), f"/searches/{recorded.id}"
    while url:
        text = http.get(url, headers=BROWSER).text
        seen += ordinals(text)
        found = re.search(r'id="older" rel="next" href="([^"#]+)"', text)
        url = found[1] if found else ""
    assert seen == [event.ordinal for event in reversed(events)]


@pytest.mark.parametrize("before", ["0", "-1", "x", ""])
def test_a_page_before_nothing_is_refused(http: httpx.Client, recorded: Any, before: str) -> None:
    assert http.get(f"/searches/{recorded.id}/events?before={before}", headers=BROWSER).status_code == 422


def test_what_failed_is_marked(http: httpx.Client, recorded: Any) -> None:
    text = http.get(f"/searches/{recorded.id}/events?before=1000", headers=BROWSER).text
    (line,) = re.findall(r"<li[^>]* data-failed>.*?</li>", text)
    assert "candidate 3: failed, diverged" in line
    assert 'class="sign failed"' in line


@pytest.mark.parametrize(
    ("kind", "detail", "sort", "failed"),
    [
        ("told", {"ordinal": 1, "psnr_db": 30.0}, "outcome", False),
        ("told", {"ordinal": 1, "failure_kind": "diverged"}, "outcome", True),
        ("asked", {"ordinal": 1, "operator": "random", "rung": 0}, "asked", False),
        ("training_failed", {}, "training", True),
        ("failed", {"reason": "no images"}, "course", True),
        ("paused", {}, "course", False),
    ],
)
def test_events_are_sorted_by_what_they_are_about(kind: str, detail: dict[str, Any], sort: str, failed: bool) -> None:
    found = entry(Event(search_id=SearchId("00000001"), ordinal=1, at=datetime.now(UTC), kind=kind, detail=detail))
    assert (found.sort, found.failed) == (sort, failed)


@pytest.mark.parametrize(
    ("kind", "detail", "text"),
    [
        ("told", {"ordinal": 1, "failure_kind": "diverged"}, "candidate 1: failed, diverged"),
        ("told", {"ordinal": 1, "psnr_db": 30.0, "cached": True}, "candidate 1: 30.00 dB, known already"),
        ("parallelism", {"was": None, "parallelism": 4}, "from every worker to 4"),
        (
            "extended",
            {"before": {"evaluations": 10, "steps": 5}, "budget": {"evaluations": 20, "steps": None}},
            "evaluations from 10 to 20, steps from 5 to no limit",
        ),
        ("abandoned", {"candidates": ["a-1", "a-2"]}, "2 in flight"),
        ("claimed", {"owner": "host"}, "by host"),
        ("training_failed", {"candidate": "a-1", "reason": "diverged"}, "a-1 diverged"),
        ("started", {}, ""),
    ],
)
def test_events_are_told_in_words(kind: str, detail: dict[str, Any], text: str) -> None:
    assert told(kind, detail) == text
