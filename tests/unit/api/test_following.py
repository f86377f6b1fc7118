"""A client that follows a search comes back after a lost connection, and is told nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client import ApiError, Client
from api.following import PATIENCE_S, Unpacking


def wire(*ordinals: int) -> bytes:
    events = ({"ordinal": n, "at": "2026-01-01T00:00:00Z", "kind": "told", "detail": {}} for n in ordinals)
    return b"".join(f"id: {one['ordinal']}\nevent: told\ndata: {json.dumps(one)}\n\n".encode() for one in events)


class Torn(httpx.SyncByteStream):
    """A stream whose connection is lost."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        raise httpx.RemoteProtocolError("peer closed connection")


def streamed(stream: httpx.SyncByteStream | bytes) -> httpx.Response:
    headers = {"Content-Type": "text/event-stream; charset=utf-8"}
    if isinstance(stream, bytes):
        return httpx.Response(200, headers=headers, content=stream)
    return httpx.Response(200, headers=headers, stream=stream)


class Service:
    """Answers each request with the next of some answers, and notes what was asked for and how long was waited."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = iter(answers)
        self.asked: list[str | None] = []
        self.pauses: list[float] = []
        self.now_s = 0.0

    def client(self) -> Client:
        return Client("http://localhost", httpx.MockTransport(self._answer), sleep=self._sleep, clock=self._clock)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept"] == "text/event-stream"
        self.asked.append(request.headers.get("Last-Event-ID"))
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds

    def _clock(self) -> float:
        return self.now_s


GONE = httpx.ConnectError("Connection refused")
BUSY = {
    "type": "urn:srnas:problem:x",
    "title": "Busy",
    "status": 503,
    "detail": "busy",
    "hint": "wait",
    "errors": [],
}
OVER = httpx.Response(204)


def ordinals(client: Client, **query: Any) -> list[int]:
    return [event.ordinal for event in client.follow("a", **query)]


def test_a_lost_connection_is_taken_up_after_the_last_event() -> None:
    service = Service(
        streamed(Torn(b"id: 0\nretry: 2000\n\n", wire(1, 2), wire(3)[:20])),
        GONE,
        GONE,
        httpx.Response(503, json=BUSY),
        httpx.Response(502, text="Bad Gateway"),
        streamed(wire(3)),
        OVER,
    )
    assert ordinals(service.client()) == [1, 2, 3]
    assert service.asked == [None, "2", "2", "2", "2", "2", "3"]
    assert service.pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_where_nothing_came_yet_it_is_taken_up_where_it_began() -> None:
    service = Service(streamed(Torn(b"id: 7\nretry: 2000\n\n")), streamed(wire(8)), OVER)
    assert ordinals(service.client(), after="latest") == [8]
    assert service.asked == [None, "7", "8"]


def test_a_stream_that_ends_without_a_word_is_not_asked_again_at_once() -> None:
    service = Service(streamed(b": nothing new\n\n"), streamed(b"id: 1\n\n"), OVER)
    assert ordinals(service.client()) == []
    assert service.pauses == [0.5, 0.5]


def test_a_service_that_was_never_there_is_told_at_once() -> None:
    service = Service(GONE)
    with pytest.raises(ApiError, match="srnas serve"):
        ordinals(service.client())
    assert service.pauses == []


def test_a_service_that_stays_away_is_given_up() -> None:
    service = Service(streamed(Torn(wire(1))), *[GONE] * 1000)
    with pytest.raises(ApiError, match="cannot be reached"):
        ordinals(service.client())
    assert PATIENCE_S < service.now_s < 2 * PATIENCE_S


@pytest.mark.parametrize("answer", [httpx.Response(404, json=BUSY | {"status": 404}), httpx.Response(500, text="x")])
def test_a_refusal_is_told_at_once(answer: httpx.Response) -> None:
    service = Service(streamed(Torn(wire(1))), answer)
    with pytest.raises(ApiError) as refused:
        ordinals(service.client())
    assert refused.value.status == answer.status_code


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, json={"items": [], "next": 0}), streamed(b'data: {"ordinal": 1}\n\n')]
)
def test_another_service_is_recognised(answer: httpx.Response) -> None:
    with pytest.raises(ApiError, match="same version"):
        ordinals(Service(answer).client())


@given(cuts=st.lists(st.integers(1, 400)))
def test_however_the_bytes_come_the_events_are_the_same(cuts: list[int]) -> None:
    whole = b"id: 0\nretry: 2000\n\n" + wire(1, 2) + b": nothing new\n\n" + wire(3)
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    chunks = [whole[a:b] for a, b in pairwise(edges)]
    unpacking = Unpacking()
    found = [event.ordinal for chunk in chunks for event in unpacking.feed(chunk)]
    assert (found, unpacking.last_id) == ([1, 2, 3], "3")


class TestWaiting:
    """Who waits looks at the search whenever its stream gives a sign."""

    @staticmethod
    def waited(answers: list[str | ApiError], *streams: httpx.Response) -> tuple[list[str], Service]:
        """The states that were shown, where looks give these, and what was waited for."""
        service = Service(*streams)
        client, left, shown = service.client(), iter(answers), []

        def look(_search_id: str) -> Any:
            answer = next(left)
            if isinstance(answer, ApiError):
                raise answer
            return type("View", (), {"state": type("State", (), {"ended": answer == "ended"}), "name": answer})

        client.search = look  # type: ignore[method-assign]  # only streams are looked at here
        client.wait("a", on_progress=lambda view: shown.append(view.name), poll_s=2.0)
        return shown, service

    def test_there_is_a_shortest_time_between_two_looks(self) -> None:
        class Chunks(httpx.SyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                yield from (b"id: 0\n\n", wire(1), wire(2), wire(3))

        shown, service = self.waited(["new", "running", "running", "ended"], streamed(Chunks()))
        assert shown == ["new", "running", "running", "ended"]
        assert service.pauses == [2.0, 2.0, 2.0]

    def test_a_lost_connection_is_told_once_and_so_is_its_return(self) -> None:
        service, told = Service(streamed(Torn(b"id: 0\n\n")), GONE, GONE, streamed(wire(1))), []
        client, states = service.client(), iter([False, True])

        def look(_search_id: str) -> Any:
            return type("View", (), {"state": type("State", (), {"ended": next(states)})})

        client.search = look  # type: ignore[method-assign]  # only streams are looked at here
        client.wait("a", on_link=told.append)
        assert told == [False, True]

    def test_a_search_that_has_ended_is_looked_at_once(self) -> None:
        assert self.waited(["ended"], OVER)[0] == ["ended"]

    def test_a_search_that_is_taken_up_again_meanwhile_is_waited_for(self) -> None:
        assert self.waited(["queued", "ended"], OVER, OVER)[0] == ["queued", "ended"]

    def test_a_look_that_fails_for_the_moment_is_done_again(self) -> None:
        away = ApiError(503, "Not available now", "no store")
        assert self.waited([away, "ended"], streamed(b"id: 0\n\n"), OVER)[0] == ["ended"]
        with pytest.raises(ApiError, match="unknown"):
            self.waited([ApiError(404, "Not found", "unknown")], streamed(b"id: 0\n\n"))
