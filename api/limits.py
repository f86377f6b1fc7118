"""How often somebody may do something: a bucket each, that empties with use and fills up again with time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

MOST_BUCKETS = 10_000
"""Buckets remembered; whoever was not seen for longest is forgotten first, and begins with a full one."""


class Buckets:
    """Buckets by name. Belongs to one event loop.

    Args:
        per_s: What each gets back in a second; above 0.
        burst: What each holds when it is full.
        clock: Seconds that only grow.
        most: How many are remembered.
    """

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float], *, most: int = MOST_BUCKETS) -> None:
        self._per_s, self._burst, self._clock, self._most = per_s, burst, clock, most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one out of a bucket; else the seconds until it holds one again, 0 when it held one."""
        level, now = self._level(name)
        wait_s = self._wait(level)
        if not wait_s:
            self._buckets[name] = (level - 1, now)
            self._buckets.move_to_end(name)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return wait_s

    def wait_s(self, name: str) -> float:
        """Seconds until a bucket holds one; 0 when it does."""
        return self._wait(self._level(name)[0])

    def _level(self, name: str) -> tuple[float, float]:
        now = self._clock()
        level, since = self._buckets.get(name, (self._burst, now))
        return min(self._burst, level + (now - since) * self._per_s), now

    def _wait(self, level: float) -> float:
        return 0.0 if level >= 1 else (1 - level) / self._per_s


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """Whom an address stands for: itself, or for IPv6 all that share its first 64 bits, as one subscriber does."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
