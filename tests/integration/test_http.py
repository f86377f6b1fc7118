"""The service over a real socket and a real database file, spoken to by the client."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn

from api.app import create_app
from api.client import ApiError, Client
from api.settings import ApiSettings
from api.testing import SPEC, record_search
from nas.records import SearchState
from nas.store.opening import open_store


class Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture
def settings(tmp_path: Path, sample_dir: Path) -> ApiSettings:
    return ApiSettings(home=tmp_path, images_root=sample_dir.parent)


@pytest.fixture
def url(settings: ApiSettings) -> Iterator[str]:
    """Where a server of the application listens."""
    server = Server(uvicorn.Config(create_app(settings), log_config=None))
    with closing(socket.create_server((settings.host, 0))) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert server.listening.wait(30)
        yield f"http://{settings.host}:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def test_a_search_is_submitted_watched_and_read_while_another_process_writes(url: str, settings: ApiSettings) -> None:
    with Client(url) as client, closing(open_store(settings.database)) as controllers_store:
        search = client.submit(SPEC)
        record_search(controllers_store)
        seen = client.search(search.id)
        assert (seen.state, seen.progress.evaluated) == (SearchState.RUNNING, 4)
        front = client.front(search.id)
        assert [member.ordinal for member in front.members] == [1, 0]
        assert front.members[0].id in client.front_as("csv", search.id)
        assert len(list(client.candidates(search.id, page=2))) == 5
        kinds = [event.kind for event in client.events(search.id)]
        assert kinds[0] == "submitted"
        assert kinds.count("told") == 4
        assert client.drawing(front.members[0].id).startswith("<svg")
        artifact = client.export(front.members[0].id, "onnx")
        assert client.artifact(artifact.id) == artifact
        assert client.cancel(search.id).state is SearchState.CANCELLED


def test_errors_travel(url: str) -> None:
    with Client(url) as client:
        with pytest.raises(ApiError) as refused:
            client.submit({"population": 0})
        with pytest.raises(ApiError) as unknown:
            client.search("ffffffff")
    assert {problem.field for problem in refused.value.problems} == {"population", "dataset"}
    assert unknown.value.status == 404


def test_a_port_where_nobody_listens_is_explained() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ApiError, match="srnas serve"):
        client.spaces()
