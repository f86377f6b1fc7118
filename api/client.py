"""The typed client of the service, for scripts, the command line and tests. Speaks HTTP, knows the wire models only.

Example, with a service that `srnas serve` started:

    with Client("http://127.0.0.1:8000") as client:
        search = client.submit({"dataset": {"train": "photos"}, "budget": {"evaluations": 20}})
        client.wait(search.id, on_progress=lambda seen: print(seen.progress.fraction))
        best = client.front(search.id).members[0]
        [model] = client.wait_for_trainings([client.finish(best.id, "quick").id])
        artifact = client.wait_for_artifact(client.export_model(model.id, "onnx").id)
        client.download(artifact.id, artifact.filename)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from nas.records import SearchState

from .connection import TOKEN_VARIABLE, ApiError, Connection
from .findings import part
from .finished import Finished
from .following import Following, Linked
from .permits import Permits
from .repeating import send_once
from .schemas import (
    DatasetList,
    DatasetView,
    EstimateView,
    EventPage,
    EventView,
    HealthView,
    PresetList,
    PresetView,
    ReadinessView,
    SearchChange,
    SearchPage,
    SearchView,
    SpaceList,
    SpaceSummary,
    SpaceView,
    WorkerList,
    WorkerView,
)
from .uploading import Sent, upload

__all__ = ["DEFAULT_URL", "ApiError", "Client"]

DEFAULT_URL = "http://127.0.0.1:8000"


class Client(Finished):
    """A connection to one service; use it as a context manager, or close it.

    Args:
        base_url: Where the service is.
        transport: How requests travel; by default over the network, without proxies.
        token: The token to send; by default what SRNAS_TOKEN holds, if anything.
        timeout_s: Longest wait for one answer.
        sleep: Waits so many seconds between two looks.
        clock: Seconds that only grow.

    Attributes:
        permits: The verbs around tokens and the audit.

    Every method raises `ApiError`.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        transport: httpx.BaseTransport | None = None,
        *,
        token: str | None = None,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        token = os.environ.get(TOKEN_VARIABLE) if token is None else token
        super().__init__(Connection(base_url, transport, token=token, timeout_s=timeout_s), sleep=sleep, clock=clock)
        self.permits = Permits(self._connection)
        self._following = Following(self._connection, sleep=sleep, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    # -- searches --------------------------------------------------------------------------------------------------

    def submit(self, document: Mapping[str, Any], *, key: str | None = None) -> SearchView:
        """Queue a search; the error names every field of its spec that is wrong.

        It is queued once, even where the connection is lost on the way and the request is sent again: it bears a key,
        by default one that no other request has.
        """
        return self._once("/v1/searches", document, key)

    def estimate(self, document: Mapping[str, Any]) -> EstimateView:
        """What a search would take, were it submitted; the error names every field of its spec that is wrong."""
        return self._ask(EstimateView, "POST", "/v1/estimates", json=dict(document))

    def presets(self) -> list[PresetView]:
        """Specs to begin with, each without its images."""
        return self._ask(PresetList, "GET", "/v1/presets").items

    def clone(self, search_id: str, changes: Mapping[str, Any] | None = None, *, key: str | None = None) -> SearchView:
        """Queue another search with the spec of this one and changes, a JSON merge patch; once, like `submit`."""
        return self._once(f"/v1/searches/{part(search_id)}/clone", {"changes": dict(changes or {})}, key)

    def search(self, search_id: str) -> SearchView:
        """Look at one search."""
        return self._ask(SearchView, "GET", f"/v1/searches/{part(search_id)}")

    def searches(self, *, states: Sequence[SearchState] = (), page: int = 50) -> Iterator[SearchView]:
        """Every search, newest first, fetched page by page."""
        query: dict[str, Any] = {"state": [state.value for state in states], "limit": page}
        while True:
            found = self._ask(SearchPage, "GET", "/v1/searches", params=query)
            yield from found.items
            if found.next is None:
                return
            query["before"] = found.next

    def cancel(self, search_id: str) -> SearchView:
        """End a search; what it recorded stays."""
        return self._steer(search_id, "cancel")

    def pause(self, search_id: str) -> SearchView:
        """Let a search propose nothing more."""
        return self._steer(search_id, "pause")

    def resume(self, search_id: str) -> SearchView:
        """Queue a search again that was paused, or that failed and whose cause was mended."""
        return self._steer(search_id, "resume")

    def extend(self, search_id: str, budget: Mapping[str, Any]) -> SearchView:
        """Give a search more budget: limits by name, None to lift one; a completed search goes on."""
        return self._ask(SearchView, "POST", f"/v1/searches/{part(search_id)}/extend", json=dict(budget))

    def change(self, search_id: str, change: SearchChange) -> SearchView:
        """Change what of a search is given: its priority, how many candidates it may have in flight."""
        document = change.model_dump(mode="json", exclude_unset=True)
        return self._ask(SearchView, "PATCH", f"/v1/searches/{part(search_id)}", json=document)

    def wait(
        self,
        search_id: str,
        *,
        on_progress: Callable[[SearchView], None] | None = None,
        on_link: Linked = lambda _up: None,
        poll_s: float = 0.5,
    ) -> SearchView:
        """Follow a search until it has ended.

        ``on_progress`` is shown it at once, whenever something happened, and at its end, with at least ``poll_s``
        seconds from one look to the next. A service that goes away is waited for, for some minutes;
        ``on_link(up)`` is told when it went and when it is back.
        """

        def look() -> SearchView:
            seen = self.search(search_id)
            if on_progress is not None:
                on_progress(seen)
            return seen

        return self._following.to_the_end(_events(search_id), look, poll_s=poll_s, on_link=on_link)

    def events(self, search_id: str, *, after: int = 0, progress: bool = True) -> Iterator[EventView]:
        """What has happened in a search so far, in order, with or without what trainings in flight tell."""
        query = {"progress": str(progress).lower(), "limit": 1000}
        while (page := self._ask(EventPage, "GET", _events(search_id), params=query | {"after": after})).items:
            yield from page.items
            after = page.next

    def follow(
        self, search_id: str, *, after: int | Literal["latest"] = 0, progress: bool = True
    ) -> Iterator[EventView]:
        """The same and what happens from then on, as it happens, until the search has ended.

        A connection that was lost is made again, and nothing comes twice or is missed.
        """
        query = {"after": after, "progress": str(progress).lower()}
        for batch in self._following.batches(_events(search_id), query):
            yield from batch

    # -- workers ---------------------------------------------------------------------------------------------------

    def workers(self) -> list[WorkerView]:
        """Every worker of every controller and what it does now, by node and name."""
        return self._ask(WorkerList, "GET", "/v1/workers").items

    def watch_workers(self, *, poll_s: float = 1.0) -> Iterator[list[WorkerView]]:
        """The same again and again, for ever."""
        while True:
            yield self.workers()
            self._sleep(poll_s)

    # -- datasets --------------------------------------------------------------------------------------------------

    def datasets(self) -> list[DatasetView]:
        """What a spec may name, by name."""
        return self._ask(DatasetList, "GET", "/v1/datasets").items

    def dataset(self, name: str) -> DatasetView:
        """Look at one dataset."""
        return self._ask(DatasetView, "GET", f"/v1/datasets/{part(name)}")

    def add_folder(self, name: str, folder: str) -> DatasetView:
        """Register a folder of the server inside its images root; takes an admin."""
        return self._ask(DatasetView, "POST", "/v1/datasets", json={"name": name, "folder": folder})

    def upload(self, name: str, archive: Path | str, *, on_progress: Sent | None = None) -> DatasetView:
        """Upload a zip file of images; ``on_progress(sent, total)`` is told the bytes."""
        return upload(self._connection, DatasetView, f"/v1/datasets/{part(name)}", Path(archive), on_progress)

    def remove_dataset(self, name: str) -> DatasetView:
        """Forget a dataset that no unfinished search names; what was uploaded is deleted."""
        return self._ask(DatasetView, "DELETE", f"/v1/datasets/{part(name)}")

    # -- the service -----------------------------------------------------------------------------------------------

    def spaces(self) -> list[SpaceSummary]:
        """The search spaces that a spec may name."""
        return self._ask(SpaceList, "GET", "/v1/spaces").items

    def space(self, name: str) -> SpaceView:
        """One search space, in full."""
        return self._ask(SpaceView, "GET", f"/v1/spaces/{part(name)}")

    def live(self) -> bool:
        """Whether a service answers there."""
        try:
            return self._ask(HealthView, "GET", "/health/live").status == "live"
        except ApiError:
            return False

    def ready(self) -> bool:
        """Whether a service answers there, and its store too."""
        try:
            self._ask(ReadinessView, "GET", "/health/ready")
        except ApiError:
            return False
        return True

    def metrics(self) -> str:
        """The figures of the installation, in the text format of Prometheus."""
        return self._connection.send("GET", "/metrics").text

    def _once(self, path: str, document: Mapping[str, Any], key: str | None) -> SearchView:
        return send_once(self._connection, SearchView, path, document, key=key, sleep=self._sleep)

    def _steer(self, search_id: str, verb: str) -> SearchView:
        return self._ask(SearchView, "POST", f"/v1/searches/{part(search_id)}/{verb}")


def _events(search_id: str) -> str:
    return f"/v1/searches/{part(search_id)}/events"
