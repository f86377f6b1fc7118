"""A stream of events at its reader's end: taken apart as it comes, and taken up again where its connection was lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .connection import ApiError, Connection
from .schemas import EventView, SearchView

PATIENCE_S = 300.0
"""How long a service that was there before may be away."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
"""Between two attempts to come back: each pause is twice the one before."""

_PASSING = frozenset({None, 429, 502, 503, 504})


Linked = Callable[[bool], None]
"""``on_link(up)``: told once when the connection is lost, and once when it is there again."""


def passes(error: ApiError) -> bool:
    """Whether an error may be gone in a moment: no answer, too many requests, or a service that starts again."""
    return error.status in _PASSING


class Following:
    """Follows searches over one connection.

    Args:
        connection: To the service.
        sleep: Waits so many seconds.
        clock: Seconds that only grow.
    """

    def __init__(self, connection: Connection, *, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._connection, self._sleep, self._clock = connection, sleep, clock

    def batches(
        self, path: str, query: Mapping[str, Any], *, on_link: Linked = lambda _up: None
    ) -> Iterator[list[EventView]]:
        """Events in order, each once, until nothing can follow.

        Args:
            path: Of the events.
            query: Which of them.
            on_link: Told when the service goes away and when it is back.

        Yields:
            What came at once. Nothing, where it was only a sign that the service is there: when a connection was made,
            every now and then while nothing happens, and at the end.

        Raises:
            ApiError: The service refuses, was not there to begin with, or was away for `PATIENCE_S`.
        """
        last_id, pause_s, alive_s, up = None, FIRST_PAUSE_S, -math.inf, True
        while True:
            moved, unpacking = False, Unpacking(last_id)
            try:
                with self._connection.stream(path, query, last_id) as chunks:
                    if not up:
                        up = True
                        on_link(up)
                    if chunks is None:
                        yield []
                        return
                    for batch in map(unpacking.feed, chunks):
                        pause_s, alive_s, moved = FIRST_PAUSE_S, self._clock(), moved or bool(batch)
                        yield batch
            except ApiError as error:
                if not passes(error) or self._clock() - alive_s > PATIENCE_S:
                    raise
                if up:
                    up = False
                    on_link(up)
                moved = False
            last_id = unpacking.last_id
            if not moved:  # a stream that gave something and ended is asked at once whether that was all
                self._sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def to_the_end(
        self, path: str, look: Callable[[], SearchView], *, poll_s: float, on_link: Linked = lambda _up: None
    ) -> SearchView:
        """Look at a search at once, whenever something happened, and at its end; what was seen last.

        Args:
            path: Of its events.
            look: Looks. Where the service does not answer for the moment, it is done again later.
            poll_s: Shortest time from one look to the next.
            on_link: Told when the service goes away and when it is back.
        """
        looked_s = -math.inf
        while True:
            for _ in self.batches(path, {"after": "latest"}, on_link=on_link):
                self._sleep_until(looked_s + poll_s)
                try:
                    seen = look()
                except ApiError as error:
                    if not passes(error):
                        raise
                else:
                    if seen.state.ended:
                        return seen
                looked_s = self._clock()

    def _sleep_until(self, then_s: float) -> None:
        left_s = then_s - self._clock()
        if left_s > 0:
            self._sleep(left_s)


class Unpacking:
    """Takes server-sent events out of the bytes of one connection, as this service writes them.

    Attributes:
        last_id: The last id that came, with or without an event; before that, the one that the connection began with.
    """

    def __init__(self, last_id: str | None = None) -> None:
        self.last_id = last_id
        self._rest = b""

    def feed(self, chunk: bytes) -> list[EventView]:
        """The events that some more bytes complete; what is left over at the end was cut off, and comes again."""
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        return [event for event in map(self._event, blocks) if event is not None]

    def _event(self, block: bytes) -> EventView | None:
        fields = dict(line.partition(": ")[::2] for line in block.decode().split("\n"))
        event = EventView.model_validate_json(fields["data"]) if "data" in fields else None
        self.last_id = fields.get("id", self.last_id)
        return event
