"""The end of one search's event log, read once for everybody who follows it.

Knows the log through three reads, which run in worker threads, and knows no HTTP. Nothing is queued for anybody: a
follower knows the last event that it took, takes later ones from the ring of the latest that the reader keeps, and
reads the log itself, page by page, where the ring does not go back that far. So a slow follower costs no memory, and
misses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread
import structlog

from nas.records import Event, Pulse, Search
from nas.store.base import StoreError

from .schemas import EventView

POLL_S = 0.5
"""Pause between two looks at a log."""

KEEP_ALIVE_S = 15.0
"""Longest silence of a stream: proxies give up connections on which nothing moves for a minute."""

LIFE_S = 600.0
"""Longest stream: its client comes back, and is let in again only if it still may."""

RING = 256
"""Latest events that are at hand for everybody."""

PAGE = 256
"""Most events read at once."""

RETRY_MS = 2000
"""How long a client shall wait before it comes back, should its stream break."""

KEEP_ALIVE = b": nothing new\n\n"

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class Log(Protocol):
    """What is needed of the service."""

    def pulse(self, search_id: str) -> Pulse:
        """How far the record of a search is."""
        ...

    def search(self, search_id: str) -> Search:
        """One search."""
        ...

    def events(self, search_id: str, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """What happened, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it goes out.

    Attributes:
        ordinal: Its number.
        passing: Whether it tells of a training in flight.
        wire: Its bytes.
    """

    ordinal: int
    passing: bool
    wire: bytes

    @classmethod
    def of(cls, event: Event) -> Frame:
        """An event as a server-sent event: its ordinal, its kind, and all of it as JSON."""
        text = f"id: {event.ordinal}\nevent: {event.kind}\ndata: {EventView.of(event).model_dump_json()}\n\n"
        return cls(event.ordinal, event.kind == "training_progress", text.encode())


class Tail:
    """The latest events of one search, read once for everybody who follows it. Belongs to one event loop.

    Args:
        log: Where the events are.
        search_id: Whose.
        readers: Limits the threads that read.
        wait: Waits so many seconds between two looks.
        clock: Seconds that only grow.
        keep_alive_s: Longest silence of a stream.
    """

    def __init__(
        self,
        log: Log,
        search_id: str,
        readers: anyio.CapacityLimiter,
        *,
        wait: Callable[[float], Awaitable[None]],
        clock: Callable[[], float],
        keep_alive_s: float,
    ) -> None:
        self._log, self._search_id, self._readers = log, search_id, readers
        self._wait, self._clock, self._keep_alive_s = wait, clock, keep_alive_s
        self._ring: deque[Frame] = deque(maxlen=RING)
        self._floor = self._reached = -1  # the ring holds all events in (floor, reached]
        self._counted = -1  # events there were before the state was read
        self._ended = self._closed = self._failing = False
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.followers = 0

    # -- the reader ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read, where the log ends now."""
        self._task = asyncio.create_task(self._run(), name=f"events of {self._search_id}")

    def close(self) -> None:
        """Read no more, and end every stream."""
        self._closed = True
        self._tell()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while not self._closed:
                await self._look()
                await self._wait(POLL_S)
        except Exception as error:  # whoever follows comes back to a new reader
            _log.error("events cannot be read", search_id=self._search_id, exc_info=error)
        finally:
            self._closed = True
            self._tell()

    async def _look(self) -> None:
        """Read what is new; a store that is out of reach is asked again later."""
        try:
            if self._reached < 0:
                self._floor = self._reached = (await self._threaded(self._log.pulse)).event_count
            count = (await self._threaded(self._log.pulse)).event_count
            if count != self._counted:
                await self._read(count)
            elif self._failing:
                self._tell()
            self._failing = False
        except StoreError as error:
            if not self._failing:
                _log.warning("events out of reach", search_id=self._search_id, error=str(error))
            self._failing = True

    async def _read(self, count: int) -> None:
        """Take every event there is, which are ``count`` or more.

        The state is read before the events, and again once there are more: where it says that the search has ended,
        its last event has been taken.
        """
        ended = (await self._threaded(self._log.search)).state.ended
        while len(page := await self._page(self._reached)) == PAGE:
            self._take(page)
        self._take(page)
        self._reached, self._counted, self._ended = max(self._reached, count), count, ended
        self._tell()

    def _take(self, page: Sequence[Frame]) -> None:
        for frame in page:
            if len(self._ring) == RING:
                self._floor = self._ring[0].ordinal
            self._ring.append(frame)
            self._reached = frame.ordinal

    def _tell(self) -> None:
        """Wake every stream that waits."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # -- streams ---------------------------------------------------------------------------------------------------

    async def stream(self, after: int, *, progress: bool) -> AsyncGenerator[bytes]:
        """Every event after one, as it comes, until the search or `LIFE_S` has ended; comments while there is none.

        Args:
            after: Only events with a larger ordinal.
            progress: Whether trainings in flight are told of.

        Yields:
            Whole server-sent events, one or several.
        """
        yield f"id: {after}\nretry: {RETRY_MS}\n\n".encode()  # no event, but where to go on from before the first
        until_s = self._clock() + LIFE_S
        while not self._closed and self._clock() < until_s:
            changed = self._changed
            frames, after = await self._later(after, progress)
            if frames:
                yield b"".join(frame.wire for frame in frames)
            elif self._ended and after >= self._reached:
                return
            elif not await _happens(changed, self._keep_alive_s):
                yield KEEP_ALIVE

    async def _later(self, after: int, progress: bool) -> tuple[list[Frame], int]:
        """Events after one, at most a ring or a page of them, and after which one to ask next."""
        known = self._reached
        if after >= self._floor:
            later = list(takewhile(lambda frame: frame.ordinal > after, reversed(self._ring)))
            return [frame for frame in reversed(later) if progress or not frame.passing], max(after, known)
        try:
            page = await self._page(after, progress)
        except StoreError:
            return [], after
        return page, max(page[-1].ordinal if page else after, after if len(page) == PAGE else known)

    async def _page(self, after: int, progress: bool = True) -> list[Frame]:
        """Some events from the log itself."""
        return await self._threaded(partial(_frames, self._log, after=after, progress=progress))

    async def _threaded(self, read: Callable[[str], Result]) -> Result:
        return await anyio.to_thread.run_sync(read, self._search_id, limiter=self._readers)


def _frames(log: Log, search_id: str, *, after: int, progress: bool) -> list[Frame]:
    return [Frame.of(event) for event in log.events(search_id, after=after, limit=PAGE, progress=progress)]


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    """Whether an event happens in so many seconds."""
    with anyio.move_on_after(within_s):
        await event.wait()
    return event.is_set()
