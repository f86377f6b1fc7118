"""The part of the client that asks what a search has found: its front, statistics, candidates, and files of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from nas.records import ArtifactState, ExportFormat

from .arriving import Received, keep
from .connection import ApiError, Connection, Model
from .schemas import (
    ArtifactList,
    ArtifactView,
    CandidatePage,
    CandidateSummary,
    CandidateView,
    CloudView,
    FrontView,
    HistoryView,
    StatisticsView,
)


class Findings:
    """What `api.client.Client` asks of searches that are under way or have ended; every method raises `ApiError`.

    Args:
        connection: To the service.
        sleep: Waits so many seconds.
        clock: Seconds that only grow.
    """

    def __init__(self, connection: Connection, *, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._connection, self._sleep, self._clock = connection, sleep, clock

    def statistics(self, search_id: str) -> StatisticsView:
        """What a search has shown so far about its own parts."""
        return self._ask(StatisticsView, "GET", f"/v1/searches/{part(search_id)}/statistics")

    def history(self, search_id: str) -> HistoryView:
        """How a search has come to where it is."""
        return self._ask(HistoryView, "GET", f"/v1/searches/{part(search_id)}/history")

    # -- candidates ------------------------------------------------------------------------------------------------

    def front(self, search_id: str, *, objectives: Sequence[str] = (), feasible_only: bool = True) -> FrontView:
        """The Pareto front of a search, over its own objectives or any metrics."""
        query = _front_query(objectives, feasible_only)
        return self._ask(FrontView, "GET", f"/v1/searches/{part(search_id)}/front", params=query)

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
        return self._connection.send("GET", f"/v1/searches/{part(search_id)}/front", params=query).text

    def cloud(self, search_id: str, *, most: int | None = None) -> CloudView:
        """At most so many candidates of a search as columns, its front and what is in flight always among them."""
        query = {} if most is None else {"most": most}
        return self._ask(CloudView, "GET", f"/v1/searches/{part(search_id)}/cloud", params=query)

    def candidates(
        self, search_id: str, *, rung: int | None = None, operator: str | None = None, page: int = 100
    ) -> Iterator[CandidateSummary]:
        """Every candidate of a search in the order of the asks, or those of a rung or an operator, page by page."""
        wanted = {"limit": page, "rung": rung, "operator": operator}
        query: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        while True:
            path = f"/v1/searches/{part(search_id)}/candidates"
            found = self._ask(CandidatePage, "GET", path, params=query)
            yield from found.items
            if found.next is None:
                return
            query["after"] = found.next

    def candidate(self, candidate_id: str) -> CandidateView:
        """Look at one candidate."""
        return self._ask(CandidateView, "GET", f"/v1/candidates/{part(candidate_id)}")

    def drawing(self, candidate_id: str) -> str:
        """A candidate's network as an SVG document."""
        return self._connection.send("GET", f"/v1/candidates/{part(candidate_id)}/drawing.svg").text

    # -- the whole search ------------------------------------------------------------------------------------------

    def bundle(self, search_id: str, path: Path | str, *, on_progress: Received | None = None) -> Path:
        """Fetch all that was recorded of a search in one file, and return its path; what breaks off is not kept.

        ``on_progress(received)`` is told the bytes that have come. `nas.bundles.open_bundle` reads the file.
        """
        with self._connection.download(f"/v1/searches/{part(search_id)}/bundle") as chunks:
            return keep(chunks, Path(path), on_progress)

    # -- artifacts -------------------------------------------------------------------------------------------------

    def export(self, candidate_id: str, file_format: ExportFormat) -> ArtifactView:
        """Ask for a file of a candidate; `wait_for_artifact` tells when it is there."""
        path = f"/v1/candidates/{part(candidate_id)}/exports"
        return self._ask(ArtifactView, "POST", path, json={"format": file_format})

    def analyse(self, candidate_id: str) -> ArtifactView:
        """Ask for a trained network's hybrid response analysis; `wait_for_artifact` tells when it is there."""
        return self._ask(ArtifactView, "POST", f"/v1/candidates/{part(candidate_id)}/analyses")

    def pictures(self, candidate_id: str) -> ArtifactView:
        """Ask for what a trained network does to validation photographs; `artifact_part` fetches one picture."""
        return self._ask(ArtifactView, "POST", f"/v1/candidates/{part(candidate_id)}/pictures")

    def exports(self, candidate_id: str) -> list[ArtifactView]:
        """The artifacts of a candidate, oldest first."""
        return self._ask(ArtifactList, "GET", f"/v1/candidates/{part(candidate_id)}/exports").items

    def artifact(self, artifact_id: str) -> ArtifactView:
        """Look at one artifact."""
        return self._ask(ArtifactView, "GET", f"/v1/artifacts/{part(artifact_id)}")

    def wait_for_artifact(self, artifact_id: str, timeout_s: float = 300.0, *, poll_s: float = 0.5) -> ArtifactView:
        """Look at an artifact until its file is ready; it is an error if that fails or takes too long."""
        deadline = self._clock() + timeout_s
        while (seen := self.artifact(artifact_id)).state is not ArtifactState.READY:
            if seen.state is ArtifactState.FAILED:
                why = str(seen.detail.get("error", seen.detail))
                hint = str(seen.detail.get("hint", "Mend the cause, then export again."))
                raise ApiError(None, "The export failed", why, hint)
            if self._clock() >= deadline:
                detail = f"artifact {artifact_id} is still {seen.state} after {timeout_s:g} s"
                raise ApiError(None, "The export takes long", detail, "Look whether a controller is running.")
            self._sleep(poll_s)
        return seen

    def download(self, artifact_id: str, path: Path | str) -> Path:
        """Fetch an artifact's file, check its SHA-256 and return its path; what does not match is not kept."""
        path = Path(path)
        expected = self.artifact(artifact_id).sha256
        content = self._connection.send("GET", f"/v1/artifacts/{part(artifact_id)}/file").content
        found = sha256(content).hexdigest()
        if found != expected:
            detail = f"its SHA-256 is {found}, not {expected}"
            raise ApiError(None, "The file arrived damaged", detail, "Fetch it again.")
        return keep([content], path)

    def artifact_part(self, artifact_id: str, name: str) -> bytes:
        """One file of an archive of pictures or of an analysis, such as `index.json`."""
        return self._connection.send("GET", f"/v1/artifacts/{part(artifact_id)}/parts/{part(name)}").content

    def _ask(self, model: type[Model], method: str, path: str, **rest: Any) -> Model:
        return self._connection.ask(model, method, path, **rest)


def part(name: str) -> str:
    """An id as one part of a path, whatever it holds."""
    return quote(name, safe="")


def _front_query(objectives: Sequence[str], feasible_only: bool) -> dict[str, str]:
    query = {"feasible": str(feasible_only).lower()}
    return query | {"objectives": ",".join(objectives)} if objectives else query
