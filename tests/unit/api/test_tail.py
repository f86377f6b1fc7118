"""Everybody who follows a search is told every event once and in order, and one reader does for all of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api import tail as tails
from api.hub import Hub
from api.tail import KEEP_ALIVE, LIFE_S, RING, Frame
from nas.records import Event, SearchId
from nas.store.base import StoreUnavailable

AT = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("told", "training_progress")


class Record:
    """A log in memory that counts how often it is asked, and may be out of reach."""

    def __init__(self, count: int = 0) -> None:
        self.kinds: list[str] = []
        self.ended = False
        self.trouble: Exception | None = None
        self.asked = {"pulse": 0, "search": 0, "events": 0}
        self.add(count)

    def add(self, count: int, kind: str = "told") -> None:
        self.kinds += [kind] * count

    def pulse(self, search_id: str) -> Any:
        self._note("pulse")
        return SimpleNamespace(event_count=len(self.kinds))

    def search(self, search_id: str) -> Any:
        self._note("search")
        return SimpleNamespace(state=SimpleNamespace(ended=self.ended))

    def events(self, search_id: str, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        self._note("events")
        later = [self._event(ordinal) for ordinal in range(after + 1, len(self.kinds) + 1)]
        return [event for event in later if progress or event.kind == "told"][:limit]

    def _event(self, ordinal: int) -> Event:
        return Event(search_id=SearchId("a"), ordinal=ordinal, at=AT, kind=self.kinds[ordinal - 1])

    def _note(self, verb: str) -> None:
        self.asked[verb] += 1
        if self.trouble is not None:
            raise self.trouble


class Turns:
    """The pauses of a reader, ended by the test, and the time."""

    def __init__(self) -> None:
        self._go = asyncio.Semaphore(0)
        self._idle = asyncio.Event()
        self.now_s = 0.0

    async def pause(self, _seconds: float) -> None:
        self._idle.set()
        await self._go.acquire()

    async def first(self) -> None:
        """Wait until the reader has looked for the first time."""
        await self._idle.wait()

    async def turn(self) -> None:
        """Have the reader look once."""
        self._idle.clear()
        self._go.release()
        await self._idle.wait()


Play = Callable[[Hub, Turns], Awaitable[None]]


def play(record: Record, scene: Play, *, most: int = 1000, keep_alive_s: float = math.inf) -> None:
    async def staged() -> None:
        turns = Turns()
        hub = Hub(record, most=most, wait=turns.pause, clock=lambda: turns.now_s, keep_alive_s=keep_alive_s)
        await asyncio.wait_for(scene(hub, turns), 60)

    asyncio.run(staged())


async def read(stream: AsyncGenerator[bytes], count: int) -> list[int]:
    """The ordinals of so many further events, which come in whole chunks."""
    ordinals: list[int] = []
    while len(ordinals) < count:
        ordinals += ids(await anext(stream))
    return ordinals


async def rest(stream: AsyncGenerator[bytes]) -> list[int]:
    """The ordinals of everything to the end of a stream."""
    return [ordinal for chunk in [chunk async for chunk in stream] for ordinal in ids(chunk)]


def ids(chunk: bytes) -> list[int]:
    """The ordinals in a chunk of whole events."""
    assert chunk.endswith(b"\n\n")
    blocks = [block for block in chunk.split(b"\n\n") if b"data: " in block]
    return [int(line.removeprefix(b"id: ")) for block in blocks for line in block.split(b"\n") if line[:4] == b"id: "]


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


def test_an_event_goes_out_as_its_ordinal_its_kind_and_its_json() -> None:
    event = Event(search_id=SearchId("a"), ordinal=7, at=AT, kind="asked", detail={"loss": math.nan, "note": "a\nb"})
    assert Frame.of(event).wire.decode().splitlines() == [
        "id: 7",
        "event: asked",
        'data: {"ordinal":7,"at":"2026-01-01T00:00:00Z","kind":"asked","detail":{"loss":null,"note":"a\\nb"}}',
        "",
    ]


def test_a_stream_begins_with_where_it_begins() -> None:
    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            assert await anext(tail.stream(2, progress=True)) == b"id: 2\nretry: 2000\n\n"

    play(Record(3), scene)


def test_early_and_late_followers_are_told_the_same() -> None:
    record = Record(5)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            early = tail.stream(0, progress=True)
            assert await read(early, 5) == span(1, 5)
            record.add(4)
            await turns.turn()
            assert await read(early, 4) == span(6, 9)
            late = tail.stream(0, progress=True)
            assert await read(late, 9) == span(1, 9)
            between = tail.stream(7, progress=True)
            assert await read(between, 2) == [8, 9]

    play(record, scene)


def test_one_reader_does_for_everybody() -> None:
    record = Record(5)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            everybody = [tail.stream(5, progress=True) for _ in range(100)]
            before = dict(record.asked)
            for turn in range(1, 6):
                record.add(1)
                await turns.turn()
                for stream in everybody:
                    assert await read(stream, 1) == [5 + turn]
            for _ in range(10):
                await turns.turn()
            assert {verb: record.asked[verb] - before[verb] for verb in before} == {
                "pulse": 15,
                "search": 5,
                "events": 5,
            }

    play(record, scene)


def test_who_is_slower_than_the_ring_reads_the_log_itself_and_misses_nothing() -> None:
    record = Record(3)
    count = 3 * RING + 17

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            slow = tail.stream(0, progress=True)
            assert await read(slow, 3) == [1, 2, 3]
            record.add(count - 3)
            await turns.turn()
            assert len(tail._ring) == RING
            record.ended = True
            record.add(1)
            await turns.turn()
            assert await rest(slow) == span(4, count + 1)

    play(record, scene)


def test_who_wants_no_progress_is_told_none() -> None:
    record = Record(2)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(0, progress=False)
            assert await read(stream, 2) == [1, 2]
            record.add(2, "training_progress")
            record.add(1)
            await turns.turn()
            assert await read(stream, 1) == [5]

    play(record, scene)


def test_a_stream_ends_once_everything_was_told() -> None:
    record = Record(2)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream, ahead = tail.stream(0, progress=True), tail.stream(1000, progress=True)
            assert await read(stream, 2) == [1, 2]
            record.ended = True
            record.add(1)
            await turns.turn()
            assert await rest(stream) == [3]
            assert await rest(ahead) == []
        with hub.following("a") as tail:
            assert await rest(tail.stream(0, progress=True)) == [1, 2, 3]

    play(record, scene)


def test_an_end_that_comes_between_two_reads_is_told_before_the_stream_ends() -> None:
    class Racing(Record):
        def search(self, search_id: str) -> Any:
            found = super().search(search_id)
            if self.asked["search"] == 2:  # it ends after its state was read, and before its events are
                self.ended = True
                self.add(1)
            return found

    record = Racing(1)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(0, progress=True)
            record.add(1)
            await turns.turn()
            assert await read(stream, 3) == [1, 2, 3]
            await turns.turn()
            assert await rest(stream) == []

    play(record, scene)


def test_silence_is_broken_by_comments() -> None:
    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(3, progress=True)
            await anext(stream)
            assert [await anext(stream) for _ in range(3)] == [KEEP_ALIVE] * 3

    play(Record(3), scene, keep_alive_s=0.0)


def test_a_stream_has_an_end_so_that_its_client_asks_to_be_let_in_again() -> None:
    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(0, progress=True)
            assert await read(stream, 3) == [1, 2, 3]
            turns.now_s = LIFE_S
            assert await rest(stream) == []

    play(Record(3), scene)


def test_streams_outlive_an_outage_which_is_logged_once() -> None:
    record = Record(RING + 2)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            behind, stream = tail.stream(0, progress=True), tail.stream(RING + 2, progress=True)
            await anext(behind)
            await anext(stream)
            record.trouble = StoreUnavailable("down")
            record.add(2)
            with capture_logs() as logged:
                for _ in range(3):
                    await turns.turn()
                    assert await anext(stream) == KEEP_ALIVE
                    assert await anext(behind) == KEEP_ALIVE
            assert [entry["event"] for entry in logged] == ["events out of reach"]
            record.trouble = None
            await turns.turn()
            assert await read(stream, 2) == [RING + 3, RING + 4]
            assert await read(behind, RING + 4) == span(1, RING + 4)

    play(record, scene, keep_alive_s=0.0)


def test_who_was_refused_a_page_is_woken_when_the_store_is_back() -> None:
    record = Record(2)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(0, progress=True)
            await anext(stream)
            record.trouble = StoreUnavailable("down")
            await turns.turn()
            waiting = asyncio.create_task(read(stream, 2))
            while record.asked["events"] == 1:
                await asyncio.sleep(0)
            record.trouble = None
            await turns.turn()
            assert await waiting == [1, 2]

    play(record, scene)


def test_a_store_that_is_away_at_first_is_waited_for() -> None:
    record = Record(2)
    record.trouble = StoreUnavailable("down")

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(0, progress=True)
            await anext(stream)
            record.trouble = None
            await turns.turn()
            assert await read(stream, 2) == [1, 2]

    play(record, scene)


def test_a_defect_ends_the_streams_instead_of_keeping_them_waiting() -> None:
    record = Record(2)

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            stream = tail.stream(2, progress=True)
            record.trouble = RuntimeError("broken")
            turns._go.release()
            with capture_logs() as logged:
                assert await rest(stream) == []
            assert [entry["event"] for entry in logged] == ["events cannot be read"]

    play(record, scene)


def test_a_reader_ends_with_its_last_follower() -> None:
    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            with hub.following("a") as same:
                assert same is tail
            task = tail._task
            assert task is not None
            assert not task.done()
        with pytest.raises(asyncio.CancelledError):
            await task
        with hub.following("a") as other:
            assert other is not tail

    play(Record(1), scene)


def test_as_many_streams_as_may_be_and_none_once_the_process_stops() -> None:
    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail, hub.following("b"):
            assert hub.full
            stream = tail.stream(1, progress=True)
            await anext(stream)
            hub.close()
            assert await rest(stream) == []
        assert hub.full

    play(Record(1), scene, most=2)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 9)),
        st.tuples(st.just("join"), st.integers(0, 30)),
        st.tuples(st.just("read"), st.integers(0, 9)),
        st.tuples(st.just("turn"), st.just(0)),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_whoever_joins_and_reads_when_is_told_every_event_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    record = Record(1)
    everybody: list[tuple[int, AsyncGenerator[bytes], list[int]]] = []

    async def scene(hub: Hub, turns: Turns) -> None:
        with hub.following("a") as tail:
            await turns.first()
            for verb, number in steps:
                if verb == "add":
                    record.add(number)
                elif verb == "turn":
                    await turns.turn()
                elif verb == "join":
                    everybody.append((number, tail.stream(number, progress=True), []))
                elif everybody:
                    _, stream, got = everybody[number % len(everybody)]
                    got += ids(await anext(stream))
            record.ended = True
            record.add(1)
            await turns.turn()
            for after, stream, got in everybody:
                got += await rest(stream)
                assert got == span(after + 1, len(record.kinds))
            assert len(tail._ring) <= 5

    with pytest.MonkeyPatch.context() as small:
        small.setattr(tails, "RING", 5)
        small.setattr(tails, "PAGE", 3)
        play(record, scene, keep_alive_s=0.0)
