"""The event log over HTTP as server-sent events: where it begins, when it ends, and who may have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.client import Client
from api.settings import ApiSettings
from api.streaming import asks_for_stream
from api.testing import InProcess, connect
from nas.store.memory import MemoryStore

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def path(recorded: Any) -> str:
    return f"/v1/searches/{recorded.id}/events"


@pytest.fixture
def ended(http: httpx.Client, recorded: Any, path: str) -> str:
    """The events of a search that has ended."""
    assert http.post(f"/v1/searches/{recorded.id}/cancel").status_code == 200
    return path


def sent(text: str) -> list[dict[str, str]]:
    """The fields of each event in a stream."""
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if block]
    return [block for block in blocks if "data" in block]


def test_a_stream_has_what_pages_have(http: httpx.Client, ended: str) -> None:
    items = http.get(ended).json()["items"]
    stream = http.get(ended, headers=STREAM)
    assert stream.status_code == 200
    found = sent(stream.text)
    assert [int(event["id"]) for event in found] == [item["ordinal"] for item in items]
    assert [event["event"] for event in found] == [item["kind"] for item in items]
    assert [httpx.Response(200, text=event["data"]).json() for event in found] == items


def test_a_stream_is_kept_nowhere_and_held_up_by_no_proxy(http: httpx.Client, ended: str) -> None:
    headers = http.get(ended, headers=STREAM).headers
    assert headers["content-type"].partition(";")[0] == "text/event-stream"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["vary"] == http.get(ended).headers["vary"] == "Accept"


def test_a_stream_goes_on_after_the_last_event_that_its_reader_had(http: httpx.Client, ended: str) -> None:
    last = http.get(ended, params={"limit": 1000}).json()["next"]
    query, header = {"after": last - 2}, {"Last-Event-ID": str(last - 1)}
    assert [event["id"] for event in sent(http.get(ended, params=query, headers=STREAM).text)] == [
        str(last - 1),
        str(last),
    ]
    assert [event["id"] for event in sent(http.get(ended, params=query, headers=STREAM | header).text)] == [str(last)]


def test_who_comes_back_after_the_end_is_told_to_stay_away(http: httpx.Client, ended: str) -> None:
    last = http.get(ended, params={"limit": 1000}).json()["next"]
    for query in ({"after": last}, {"after": "latest"}, {"after": last + 1000}):
        answer = http.get(ended, params=query, headers=STREAM)
        assert (answer.status_code, answer.content) == (204, b"")
    assert http.get(ended, headers=STREAM | {"Last-Event-ID": str(last)}).status_code == 204


def test_a_page_after_the_latest_event_says_where_to_go_on(http: httpx.Client, path: str) -> None:
    last = http.get(path, params={"limit": 1000}).json()["next"]
    assert http.get(path, params={"after": "latest"}).json() == {"items": [], "next": last}


def test_a_stream_tells_what_happens_meanwhile(http: httpx.Client, recorded: Any, path: str) -> None:
    last = http.get(path, params={"limit": 1000}).json()["next"]
    with http.stream("GET", path, params={"after": "latest"}, headers=STREAM) as stream:
        chunks = stream.iter_text()
        assert next(chunks).startswith(f"id: {last}\nretry: ")
        http.post(f"/v1/searches/{recorded.id}/pause")
        (event,) = sent(next(chunks))
        assert (event["id"], event["event"]) == (str(last + 1), "paused")
        http.post(f"/v1/searches/{recorded.id}/cancel")
        assert [event["event"] for chunk in chunks for event in sent(chunk)][-1] == "cancelled"


def test_beyond_the_limit_a_stream_is_refused_until_another_ends(
    settings: ApiSettings, store: MemoryStore, spec: dict[str, Any]
) -> None:
    app = create_app(settings.model_copy(update={"max_streams": 1}), store)
    with connect(app) as http:
        path = http.post("/v1/searches", json=spec).json()["links"]["self"] + "/events"
        with http.stream("GET", path, headers=STREAM) as stream:
            next(stream.iter_bytes())
            refused = http.get(path, headers=STREAM)
            assert refused.status_code == refused.json()["status"] == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) > 0
            assert refused.json()["hint"]
            assert http.get(path).status_code == 200
        with Client("http://localhost", InProcess(app)) as another:
            assert next(another.follow(path.split("/")[3])).kind == "submitted"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/event-stream", True),
        ("application/json, Text/Event-Stream;q=0.5", True),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_only_who_names_streams_gets_one(accept: str, wanted: bool) -> None:
    assert asks_for_stream(accept) is wanted


def test_what_a_stream_cannot_begin_at_is_a_problem(http: httpx.Client, path: str) -> None:
    for query, headers, field in (
        ({"after": -1}, STREAM, "after"),
        ({"after": "first"}, STREAM, "after"),
        ({}, STREAM | {"Last-Event-ID": "x"}, "last-event-id"),
    ):
        refused = http.get(path, params=query, headers=headers)
        assert refused.status_code == 422
        assert all(field in problem["field"] for problem in refused.json()["errors"])
    for query in ({}, {"after": "latest"}):
        assert http.get("/v1/searches/ffffffff/events", params=query, headers=STREAM).status_code == 404


def test_the_limit_of_streams_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNAS_MAX_STREAMS", "7")
    assert ApiSettings(home=tmp_path).max_streams == 7
