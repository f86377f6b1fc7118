"""Searches that are asked for again and again: where each stands is kept, for those that were asked for last."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .records import SearchId
from .standing import Reads, Standing

SEARCHES = 32
ROWS = 250_000
"""At most so many searches with so many told candidates together are followed; a row takes some 0.8 kB."""


class Following:
    """The searches that were asked for last. For any number of threads.

    Args:
        reads: Where they are recorded.
    """

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._lock = threading.Lock()
        self._standings: OrderedDict[SearchId, Standing] = OrderedDict()

    def of(self, search_id: SearchId) -> Standing:
        """Where a search stands; `NotFound`."""
        with self._lock:
            known = self._standings.get(search_id)
            if known is not None:
                self._standings.move_to_end(search_id)
                self._forget()  # a search grows while it is followed
                return known
        made = Standing(self._reads, search_id)  # reads, so that nobody waits for the lock meanwhile
        with self._lock:
            standing = self._standings.setdefault(search_id, made)
            self._forget()
            return standing

    def _forget(self) -> None:
        """Let go of those that were not asked for lately; the latest stays, however large it is."""
        rows = sum(standing.rows for standing in self._standings.values())
        while len(self._standings) > 1 and (len(self._standings) > SEARCHES or rows > ROWS):
            _, oldest = self._standings.popitem(last=False)
            rows -= oldest.rows
