"""The readers of every search that is followed now: begun with the first follower, ended with the last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from .tail import KEEP_ALIVE_S, Log, Tail

READERS = 4
"""Most threads that read logs, so that streams leave the others to requests."""


class Hub:
    """One reader for each search that somebody follows, however many do. Belongs to one event loop.

    Args:
        log: Where the events are.
        most: Streams at once.
        wait: Waits so many seconds between two looks at a log.
        clock: Seconds that only grow.
        keep_alive_s: Longest silence of a stream.
    """

    def __init__(
        self,
        log: Log,
        *,
        most: int,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        self._log, self._most = log, most
        self._wait, self._clock, self._keep_alive_s = wait, clock, keep_alive_s
        self._readers = anyio.CapacityLimiter(READERS)
        self._tails: dict[str, Tail] = {}
        self._closed = False

    @property
    def streams(self) -> int:
        """How many there are."""
        return sum(tail.followers for tail in self._tails.values())

    @property
    def full(self) -> bool:
        """Whether no stream may be added: there are as many as may be, or the process is about to stop."""
        return self._closed or self.streams >= self._most

    @contextmanager
    def following(self, search_id: str) -> Iterator[Tail]:
        """The reader of a search, for one stream."""
        tail = self._tails.get(search_id) or self._begin(search_id)
        tail.followers += 1
        try:
            yield tail
        finally:
            tail.followers -= 1
            if not tail.followers:
                del self._tails[search_id]
                tail.close()

    def close(self) -> None:
        """End every stream, and begin none any more."""
        self._closed = True
        for tail in self._tails.values():
            tail.close()

    def _begin(self, search_id: str) -> Tail:
        tail = Tail(
            self._log,
            search_id,
            self._readers,
            wait=self._wait,
            clock=self._clock,
            keep_alive_s=self._keep_alive_s,
        )
        self._tails[search_id] = tail
        tail.start()
        return tail
