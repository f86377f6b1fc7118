"""Turns: a lock that is given in the order in which it was asked for. Knows no database."""

from __future__ import annotations

import threading
from collections import deque
from typing import final


@final
class Turns:
    """A lock for many threads, first come, first served.

    The lock of the standard library may be taken again by the thread that has just given it back, as often as that one
    likes; of 64 threads that write at once some would wait for very long.

    Example:
        >>> turns = Turns()
        >>> with turns:
        ...     pass
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        """Wait for one's turn."""
        mine = threading.Lock()
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine.acquire()
            self._waiting.append(mine)
        try:
            mine.acquire()
        except BaseException:  # Ctrl+C while waiting: a turn that nobody takes would be everybody's last
            self._leave(mine)
            raise

    def __exit__(self, *_: object) -> None:
        """Give the turn to whoever waits longest."""
        with self._guard:
            self._pass_on()

    def _pass_on(self) -> None:
        self._taken = bool(self._waiting)
        if self._waiting:
            self._waiting.popleft().release()

    def _leave(self, mine: threading.Lock) -> None:
        """Wait no more; pass the turn on if it came meanwhile."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:
                self._pass_on()
