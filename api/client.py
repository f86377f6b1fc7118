"""The typed client of the service, for scripts, the command line and tests. Speaks HTTP, knows the wire models only.

Example, with a service that `srnas serve` started:

    with Client("http://127.0.0.1:8000") as client:
        search = client.submit({"dataset": {"train": "photos"}, "budget": {"evaluations": 20}})
        client.wait(search.id, on_progress=lambda seen: print(seen.progress.fraction))
        best = client.front(search.id).members[0]
        artifact = client.wait_for_artifact(client.export(best.id, "onnx").id)
        client.download(artifact.id, artifact.filename)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx

from nas.records import ArtifactState, ExportFormat, SearchState

from .connection import TOKEN_VARIABLE, ApiError, Connection, Model
from .following import Following
from .permits import Permits
from .repeating import send_once
from .schemas import (
    ArtifactList,
    ArtifactView,
    CandidatePage,
    CandidateSummary,
    CandidateView,
    DatasetList,
    DatasetView,
    EventPage,
    EventView,
    FrontView,
    HealthView,
    HistoryView,
    SearchChange,
    SearchPage,
    SearchView,
    SpaceList,
    SpaceSummary,
    SpaceView,
    StatisticsView,
    WorkerList,
    WorkerView,
)
from .uploading import Sent, upload

__all__ = ["DEFAULT_URL", "ApiError", "Client"]

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
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
        self._connection = Connection(base_url, transport, token=token, timeout_s=timeout_s)
        self.permits = Permits(self._connection)
        self._following = Following(self._connection, sleep=sleep, clock=clock)
        self._sleep = sleep
        self._clock = clock

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

    def clone(self, search_id: str, changes: Mapping[str, Any] | None = None, *, key: str | None = None) -> SearchView:
        """Queue another search with the spec of this one and changes, a JSON merge patch; once, like `submit`."""
        return self._once(f"/v1/searches/{_part(search_id)}/clone", {"changes": dict(changes or {})}, key)

    def search(self, search_id: str) -> SearchView:
        """Look at one search."""
        return self._ask(SearchView, "GET", f"/v1/searches/{_part(search_id)}")

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
        return self._ask(SearchView, "POST", f"/v1/searches/{_part(search_id)}/extend", json=dict(budget))

    def change(self, search_id: str, change: SearchChange) -> SearchView:
        """Change what of a search is given: its priority, how many candidates it may have in flight."""
        document = change.model_dump(mode="json", exclude_unset=True)
        return self._ask(SearchView, "PATCH", f"/v1/searches/{_part(search_id)}", json=document)

    def statistics(self, search_id: str) -> StatisticsView:
        """What a search has shown so far about its own parts."""
        return self._ask(StatisticsView, "GET", f"/v1/searches/{_part(search_id)}/statistics")

    def history(self, search_id: str) -> HistoryView:
        """How a search has come to where it is."""
        return self._ask(HistoryView, "GET", f"/v1/searches/{_part(search_id)}/history")

    def wait(
        self, search_id: str, *, on_progress: Callable[[SearchView], None] | None = None, poll_s: float = 0.5
    ) -> SearchView:
        """Follow a search until it has ended.

        ``on_progress`` is shown it at once, whenever something happened, and at its end, with at least ``poll_s``
        seconds from one look to the next. A service that goes away is waited for, for some minutes.
        """

        def look() -> SearchView:
            seen = self.search(search_id)
            if on_progress is not None:
                on_progress(seen)
            return seen

        return self._following.to_the_end(_events(search_id), look, poll_s=poll_s)

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

    # -- candidates ------------------------------------------------------------------------------------------------

    def front(self, search_id: str, *, objectives: Sequence[str] = (), feasible_only: bool = True) -> FrontView:
        """The Pareto front of a search, over its own objectives or any metrics."""
        query = _front_query(objectives, feasible_only)
        return self._ask(FrontView, "GET", f"/v1/searches/{_part(search_id)}/front", params=query)

    def front_as(
        self,
        form: Literal["csv", "markdown", "html"],
        search_id: str,
        *,
        objectives: Sequence[str] = (),
        feasible_only: bool = True,
    ) -> str:
        """The same front as CSV, as a Markdown table, or as a page with a plot of every candidate."""
        query = _front_query(objectives, feasible_only) | {"format": form}
        return self._connection.send("GET", f"/v1/searches/{_part(search_id)}/front", params=query).text

    def candidates(
        self, search_id: str, *, rung: int | None = None, operator: str | None = None, page: int = 100
    ) -> Iterator[CandidateSummary]:
        """Every candidate of a search in the order of the asks, or those of a rung or an operator, page by page."""
        wanted = {"limit": page, "rung": rung, "operator": operator}
        query: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        while True:
            path = f"/v1/searches/{_part(search_id)}/candidates"
            found = self._ask(CandidatePage, "GET", path, params=query)
            yield from found.items
            if found.next is None:
                return
            query["after"] = found.next

    def candidate(self, candidate_id: str) -> CandidateView:
        """Look at one candidate."""
        return self._ask(CandidateView, "GET", f"/v1/candidates/{_part(candidate_id)}")

    def drawing(self, candidate_id: str) -> str:
        """A candidate's network as an SVG document."""
        return self._connection.send("GET", f"/v1/candidates/{_part(candidate_id)}/drawing.svg").text

    # -- artifacts -------------------------------------------------------------------------------------------------

    def export(self, candidate_id: str, file_format: ExportFormat) -> ArtifactView:
        """Ask for a file of a candidate; `wait_for_artifact` tells when it is there."""
        path = f"/v1/candidates/{_part(candidate_id)}/exports"
        return self._ask(ArtifactView, "POST", path, json={"format": file_format})

    def analyse(self, candidate_id: str) -> ArtifactView:
        """Ask for a trained network's hybrid response analysis; `wait_for_artifact` tells when it is there."""
        return self._ask(ArtifactView, "POST", f"/v1/candidates/{_part(candidate_id)}/analyses")

    def exports(self, candidate_id: str) -> list[ArtifactView]:
        """The artifacts of a candidate, oldest first."""
        return self._ask(ArtifactList, "GET", f"/v1/candidates/{_part(candidate_id)}/exports").items

    def artifact(self, artifact_id: str) -> ArtifactView:
        """Look at one artifact."""
        return self._ask(ArtifactView, "GET", f"/v1/artifacts/{_part(artifact_id)}")

    def wait_for_artifact(self, artifact_id: str, timeout_s: float = 300.0, *, poll_s: float = 0.5) -> ArtifactView:
        """Look at an artifact until its file is ready; it is an error if that fails or takes too long."""
        deadline = self._clock() + timeout_s
        while (seen := self.artifact(artifact_id)).state is not ArtifactState.READY:
            if seen.state is ArtifactState.FAILED:
                raise ApiError(None, "The export failed", str(seen.detail), "Mend the cause, then export again.")
            if self._clock() >= deadline:
                detail = f"artifact {artifact_id} is still {seen.state} after {timeout_s:g} s"
                raise ApiError(None, "The export takes long", detail, "Look whether a controller is running.")
            self._sleep(poll_s)
        return seen

    def download(self, artifact_id: str, path: Path | str) -> Path:
        """Fetch an artifact's file, check its SHA-256 and return its path; what does not match is not kept."""
        path = Path(path)
        expected = self.artifact(artifact_id).sha256
        content = self._connection.send("GET", f"/v1/artifacts/{_part(artifact_id)}/file").content
        found = sha256(content).hexdigest()
        if found != expected:
            detail = f"its SHA-256 is {found}, not {expected}"
            raise ApiError(None, "The file arrived damaged", detail, "Fetch it again.")
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(content)
        return unfinished.replace(path)

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
        return self._ask(DatasetView, "GET", f"/v1/datasets/{_part(name)}")

    def add_folder(self, name: str, folder: str) -> DatasetView:
        """Register a folder of the server inside its images root; takes an admin."""
        return self._ask(DatasetView, "POST", "/v1/datasets", json={"name": name, "folder": folder})

    def upload(self, name: str, archive: Path | str, *, on_progress: Sent | None = None) -> DatasetView:
        """Upload a zip file of images; ``on_progress(sent, total)`` is told the bytes."""
        return upload(self._connection, DatasetView, f"/v1/datasets/{_part(name)}", Path(archive), on_progress)

    def remove_dataset(self, name: str) -> DatasetView:
        """Forget a dataset that no unfinished search names; what was uploaded is deleted."""
        return self._ask(DatasetView, "DELETE", f"/v1/datasets/{_part(name)}")

    # -- the service -----------------------------------------------------------------------------------------------

    def spaces(self) -> list[SpaceSummary]:
        """The search spaces that a spec may name."""
        return self._ask(SpaceList, "GET", "/v1/spaces").items

    def space(self, name: str) -> SpaceView:
        """One search space, in full."""
        return self._ask(SpaceView, "GET", f"/v1/spaces/{_part(name)}")

    def live(self) -> bool:
        """Whether a service answers there."""
        try:
            return self._ask(HealthView, "GET", "/health/live").status == "live"
        except ApiError:
            return False

    def ready(self) -> bool:
        """Whether a service answers there, and its store too."""
        try:
            return self._ask(HealthView, "GET", "/health/ready").status == "ready"
        except ApiError:
            return False

    def _once(self, path: str, document: Mapping[str, Any], key: str | None) -> SearchView:
        return send_once(self._connection, SearchView, path, document, key=key, sleep=self._sleep)

    def _steer(self, search_id: str, verb: str) -> SearchView:
        return self._ask(SearchView, "POST", f"/v1/searches/{_part(search_id)}/{verb}")

    def _ask(self, model: type[Model], method: str, path: str, **rest: Any) -> Model:
        return self._connection.ask(model, method, path, **rest)


def _part(name: str) -> str:
    """An id as one part of a path, whatever it holds."""
    return quote(name, safe="")


def _events(search_id: str) -> str:
    return f"/v1/searches/{_part(search_id)}/events"


def _front_query(objectives: Sequence[str], feasible_only: bool) -> dict[str, str]:
    query = {"feasible": str(feasible_only).lower()}
    return query | {"objectives": ",".join(objectives)} if objectives else query
