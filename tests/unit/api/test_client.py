from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.client import ApiError, Client
from api.repeating import PAUSES_S
from api.schemas import SearchChange, SearchView
from api.settings import ApiSettings
from api.testing import InProcess
from nas.records import ArtifactState, SearchState
from nas.store.memory import MemoryStore


def answering(answer: Callable[[httpx.Request], httpx.Response], **options: Any) -> Client:
    """A client whose requests are answered by a function."""
    return Client("http://localhost", httpx.MockTransport(answer), **options)


def test_a_search_is_submitted_steered_and_found(client: Client, spec: dict[str, Any]) -> None:
    search = client.submit(spec)
    assert client.search(search.id) == search
    assert client.pause(search.id).state is SearchState.PAUSED
    assert client.resume(search.id).state is SearchState.QUEUED
    assert client.cancel(search.id).state is SearchState.CANCELLED
    assert next(event.kind for event in client.events(search.id)) == "submitted"


def test_a_search_is_extended_changed_and_cloned(client: Client, spec: dict[str, Any]) -> None:
    search = client.submit(spec)
    assert client.extend(search.id, {"evaluations": 20, "steps": None}).spec.budget.evaluations == 20
    changed = client.change(search.id, SearchChange(priority=5))
    assert (changed.priority, changed.parallelism) == (5, None)
    clone = client.clone(search.id, {"seed": 9})
    assert (clone.cloned_from, clone.spec.seed, clone.priority) == (search.id, 9, 0)
    assert client.clone(search.id).spec == clone.spec.model_copy(update={"seed": 0})


def test_a_request_whose_answer_was_lost_is_sent_again_and_carried_out_once(
    settings: ApiSettings, store: MemoryStore, spec: dict[str, Any]
) -> None:
    """The answers of every second request are lost, as when the service is killed right after it wrote."""
    paused: list[float] = []
    with (
        InProcess(create_app(settings, store)) as service,
        Client("http://localhost", Forgetful(service), sleep=paused.append) as client,
    ):
        first = client.submit(spec)
        assert client.clone(first.id, {"seed": 3}).cloned_from == first.id
        assert client.submit(spec, key="mine").id == client.submit(spec, key="mine").id
    assert len(store.searches()) == 3
    assert paused == [0.5] * 4


class Forgetful(httpx.BaseTransport):
    """Loses every other answer."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport, self._count = transport, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, or lose the connection after it was carried out."""
        answer = self._transport.handle_request(request)
        self._count += 1
        if self._count % 2:
            answer.close()
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return answer


def test_a_service_that_stays_away_is_given_up_and_one_that_was_never_there_at_once(spec: dict[str, Any]) -> None:
    paused: list[float] = []

    def vanish(request: httpx.Request) -> httpx.Response:
        raise (httpx.ConnectError if paused else httpx.ReadError)("gone")

    with answering(vanish, sleep=paused.append) as client, pytest.raises(ApiError, match="cannot be reached"):
        client.submit(spec)
    assert paused == list(PAUSES_S)
    with answering(vanish, sleep=paused.append) as client, pytest.raises(ApiError, match="cannot be reached"):
        client.submit(spec)
    assert len(paused) == len(PAUSES_S)


def test_every_page_of_searches_is_fetched(client: Client, spec: dict[str, Any]) -> None:
    ids = [client.submit(spec).id for _ in range(5)]
    assert [search.id for search in client.searches(page=2)] == ids[::-1]
    assert list(client.searches(states=[SearchState.RUNNING])) == []


def test_candidates_fronts_and_drawings_are_read(client: Client, recorded: Any) -> None:
    assert [candidate.ordinal for candidate in client.candidates(recorded.id, page=2)] == [0, 1, 2, 3, 4]
    assert [member.ordinal for member in client.front(recorded.id).members] == [1, 0]
    infeasible_too = client.front(recorded.id, objectives=["psnr"], feasible_only=False)
    assert [member.ordinal for member in infeasible_too.members] == [2]
    assert len(client.front_as("csv", recorded.id).splitlines()) == 3
    best = client.candidate(client.front(recorded.id).members[0].id)
    assert best.scores["psnr_db"] == 32.0
    assert client.drawing(best.id).startswith("<svg")


def test_spaces_and_health_are_read(client: Client) -> None:
    names = [space.name for space in client.spaces()]
    assert client.space(names[0]).name == names[0]
    assert client.live()
    assert client.ready()


def test_an_export_is_waited_for_and_downloaded(
    client: Client, store: MemoryStore, settings: ApiSettings, recorded: Any, tmp_path: Path
) -> None:
    artifact = client.export(recorded.candidates[0].id, "safetensors")
    assert client.exports(recorded.candidates[0].id) == [artifact]
    content = b"weights"
    (settings.home / "file").write_bytes(content)

    def write(_seconds: float) -> None:
        now = datetime.now(UTC)
        claimed = store.claim_artifact(at=now, stale_after_s=60)
        assert claimed is not None
        digest = sha256(content).hexdigest()
        ready = replace(claimed, state=ArtifactState.READY, finished_at=now, path="file", sha256=digest)
        store.finish_artifact(ready)

    client._sleep = write
    ready = client.wait_for_artifact(artifact.id)
    path = client.download(ready.id, tmp_path / ready.filename)
    assert path.read_bytes() == content
    assert client.download(ready.id, str(path)) == path
    (settings.home / "file").write_bytes(b"altered")
    with pytest.raises(ApiError, match="damaged"):
        client.download(ready.id, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_waiting_for_an_artifact_ends(client: Client, store: MemoryStore, recorded: Any) -> None:
    artifact = client.export(recorded.candidates[0].id, "onnx")
    times = iter([0.0, 5.0, 11.0])
    client._clock, client._sleep = lambda: next(times), lambda _seconds: None
    with pytest.raises(ApiError, match="still requested after 10 s"):
        client.wait_for_artifact(artifact.id, timeout_s=10)
    claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
    assert claimed is not None
    failed = replace(
        claimed,
        state=ArtifactState.FAILED,
        finished_at=datetime.now(UTC),
        detail={"error": "OSError: no room", "hint": "make some"},
    )
    store.finish_artifact(failed)
    client._clock = lambda: 0.0
    with pytest.raises(ApiError) as caught:
        client.wait_for_artifact(artifact.id)
    assert (caught.value.detail, caught.value.hint) == ("OSError: no room", "make some")


def test_a_search_is_watched_until_it_ends(client: Client, spec: dict[str, Any]) -> None:
    search = client.submit(spec)
    seen: list[SearchState] = []

    def cancel_at_once(look: SearchView) -> None:
        seen.append(look.state)
        if not look.state.ended:
            client.cancel(search.id)

    ended = client.wait(search.id, on_progress=cancel_at_once, poll_s=0.0)
    assert ended.state is SearchState.CANCELLED
    assert seen == [SearchState.QUEUED, SearchState.CANCELLED]
    assert client.wait(search.id) == ended


def test_a_search_is_followed_as_it_goes(client: Client, recorded: Any) -> None:
    before = list(client.events(recorded.id))
    followed = []
    for event in client.follow(recorded.id):
        followed.append(event)
        if event == before[-1]:
            client.cancel(recorded.id)
    assert followed == list(client.events(recorded.id))
    assert followed[-1].kind == "cancelled"
    assert list(client.follow(recorded.id, after=followed[-1].ordinal)) == []
    assert list(client.follow(recorded.id, after="latest")) == []


def test_problems_become_an_error_that_names_every_field(client: Client, spec: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        client.submit(spec | {"population": 0, "space": "vast"})
    error = caught.value
    assert error.status == 422
    assert {problem.field for problem in error.problems} == {"population", "space"}
    assert error.hint in str(error)
    assert "population" in str(error)


@pytest.mark.parametrize("name", ["ffffffff", "../spaces", "a/b", "a?b", "ü"])
def test_an_unknown_id_is_an_error_whatever_it_holds(client: Client, name: str) -> None:
    with pytest.raises(ApiError) as caught:
        client.search(name)
    assert caught.value.status == 404


def test_a_service_that_is_not_there_is_explained() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    with answering(refuse) as client:
        assert not client.live()
        assert not client.ready()
        with pytest.raises(ApiError, match="srnas serve") as caught:
            client.spaces()
    assert caught.value.status is None


def test_a_late_answer_is_explained() -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    with answering(late) as client, pytest.raises(ApiError, match="No answer in time"):
        client.spaces()


def test_an_address_that_is_none_is_explained() -> None:
    with Client("localhost:8000") as client, pytest.raises(ApiError, match="cannot be reached"):
        client.spaces()


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"items": [], "later": 1}),
        httpx.Response(502, text="Bad Gateway"),
    ],
)
def test_another_service_is_recognised(response: httpx.Response) -> None:
    with answering(lambda request: response) as client, pytest.raises(ApiError, match="same version"):
        client.spaces()
