"""What people do meanwhile: each submits a search and follows it to its end, and one looks at everything."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any, TypeVar

import httpx

from api.client import ApiError, Client
from api.schemas import EventView, FrontView

PASSING = frozenset({None, 429, 502, 503, 504})
"""Statuses of a service that starts again, or whose database does."""

PAUSE_S = 0.3

T = TypeVar("T")


class Person(threading.Thread):
    """Submits one search and follows its events to the end, whatever becomes of the service.

    Args:
        name: Of the search, and of the request that submits it.
        client: A connection in somebody's name.
        spec: What to submit.
        until_s: Time of the monotonic clock at which the service was away for too long.

    Attributes:
        search_id: Of the search; empty before it was submitted.
        events: What came, in the order in which it came.
        front: At the end.
        error: What went wrong.
    """

    def __init__(self, name: str, client: Client, spec: Mapping[str, Any], until_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self._client, self._spec, self._until_s = client, spec, until_s
        self.search_id = ""
        self.events: list[EventView] = []
        self.front: FrontView | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Do it."""
        try:
            self.search_id = self._patiently(lambda: self._client.submit(self._spec, key=self.name)).id
            self._patiently(self._follow)
            self.front = self._patiently(lambda: self._client.front(self.search_id))
        except Exception as error:
            self.error = error
        finally:
            self._client.close()

    def _follow(self) -> None:
        after = self.events[-1].ordinal if self.events else 0
        for event in self._client.follow(self.search_id, after=after, progress=False):
            self.events.append(event)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """What the service answers once it is there."""
        while True:
            try:
                return ask()
            except ApiError as error:
                if error.status not in PASSING or time.monotonic() > self._until_s:
                    raise
            time.sleep(PAUSE_S)


class Onlooker(threading.Thread):
    """Asks for everything that can be looked at, in turn.

    Args:
        url: Of the service.
        token: The bearer's.
        people: Whose searches.

    Attributes:
        answers: How often each page gave each status; "none" where nobody answered.
    """

    def __init__(self, url: str, token: str, people: list[Person]) -> None:
        super().__init__(name="onlooker", daemon=True)
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        self._people = people
        self._stopping = threading.Event()
        self.answers: Counter[tuple[str, str]] = Counter()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self.join()
        self._http.close()

    def run(self) -> None:
        """Look."""
        of_search = ("", "/front", "/history", "/candidates", "/statistics")
        pages = cycle(
            [("/v1/searches", None), ("/v1/workers", None), ("/health/ready", None)]
            + [(page, person) for page in of_search for person in self._people]
        )
        while not self._stopping.wait(PAUSE_S):
            page, person = next(pages)
            if person is None or person.search_id:
                path = page if person is None else f"/v1/searches/{person.search_id}{page}"
                self.answers[page or "search", self._status(path)] += 1

    def _status(self, path: str) -> str:
        try:
            return str(self._http.get(path, timeout=30).status_code)
        except httpx.TransportError:
            return "none"
