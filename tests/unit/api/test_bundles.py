from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from typer.testing import CliRunner

from api import bundling, verbs
from api.app import create_app
from api.arriving import keep
from api.client import ApiError, Client
from api.settings import ApiSettings
from api.testing import InProcess, record_search
from nas.bundles import open_bundle
from nas.store.memory import MemoryStore
from nas.store.opening import open_store
from nas.testing import make_search


def test_a_bundle_is_sent_as_a_file_with_a_name(http: httpx.Client, recorded: Any) -> None:
    answer = http.get(f"/v1/searches/{recorded.id}/bundle")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="search-{recorded.id}.zip"'
    assert "content-length" not in answer.headers


def test_the_client_keeps_it_and_tells_how_much_has_come(
    client: Client, store: MemoryStore, spec: dict[str, Any], tmp_path: Path
) -> None:
    search = client.submit(spec)
    candidates = record_search(store)
    seen: list[int] = []
    path = client.bundle(search.id, tmp_path / "kept.zip", on_progress=seen.append)
    assert seen[-1] == path.stat().st_size
    with open_bundle(path) as found:
        assert list(found.candidates()) == candidates
        assert found.search.spec == store.search(found.search.id).spec


def test_an_unknown_search_has_none_and_leaves_no_file(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ApiError) as refused:
        client.bundle("nobody", tmp_path / "kept.zip")
    assert refused.value.status == 404
    assert list(tmp_path.glob("*.zip*")) == []


def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"new"
        raise ConnectionError

    path = tmp_path / "kept.zip"
    keep([b"o", b"ld"], path)
    with pytest.raises(ConnectionError):
        keep(breaking(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_answer_that_breaks_off_is_one_error(tmp_path: Path) -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"PK"
            raise httpx.RemoteProtocolError("peer closed connection")

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))
    with Client("http://localhost", transport) as client, pytest.raises(ApiError, match="peer closed"):
        client.bundle("x", tmp_path / "kept.zip")
    assert list(tmp_path.iterdir()) == []


# -- the verb ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, settings: ApiSettings, store: MemoryStore) -> Iterator[Callable[..., Any]]:
    """Runs the verb; the service that it talks to is silent, in this process."""

    class Connected(Client):
        def __init__(self, url: str) -> None:
            super().__init__("http://localhost", InProcess(create_app(settings, store)))

    monkeypatch.setattr(bundling, "Client", Connected)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield lambda *arguments: CliRunner().invoke(verbs.app, ["bundle", *map(str, arguments)])
    structlog.reset_defaults()


def test_the_verb_fetches_from_a_service(verb: Callable[..., Any], recorded: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    result = verb(recorded.id, "--output", tmp_path / "kept")
    assert result.exit_code == 0, result.output
    path = tmp_path / "kept" / f"search-{recorded.id}.zip"
    assert f"{path} (" in result.output
    assert "5 candidates, 4 of them told, 12 events" in result.output
    told = json.loads(verb(recorded.id, "-o", tmp_path / "again.zip", "--json").stdout)
    assert told["path"] == str(tmp_path / "again.zip")
    assert (told["search_id"], told["candidates"], told["told"]) == (recorded.id, 5, 4)


def test_the_verb_leaves_a_file_that_is_there(verb: Callable[..., Any], recorded: Any, tmp_path: Path) -> None:
    (tmp_path / "kept.zip").write_bytes(b"mine")
    refused = verb(recorded.id, "-o", tmp_path / "kept.zip")
    assert refused.exit_code == 2
    assert "not there yet" in refused.stderr
    assert (tmp_path / "kept.zip").read_bytes() == b"mine"


def test_the_verb_reads_a_database_beside_a_server(verb: Callable[..., Any], tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'srnas.sqlite'}", exclusive=True)
    try:
        store.add_search(make_search("00000001"))
        record_search(store)
        result = verb("00000001", "--home", tmp_path, "-o", tmp_path / "kept.zip")
        assert result.exit_code == 0, result.output
        assert verb("none", "--home", tmp_path, "-o", tmp_path / "none.zip").exit_code == 1
    finally:
        store.close()
    with open_bundle(tmp_path / "kept.zip") as found:
        assert found.manifest.candidates == 5
    assert not list(tmp_path.glob("none*"))


def test_the_verb_says_where_there_is_no_database(verb: Callable[..., Any], tmp_path: Path) -> None:
    refused = verb("00000001", "--home", tmp_path / "nowhere")
    assert refused.exit_code == 2
    assert "a folder with a database" in refused.stderr
    assert "Example: srnas bundle" in verb("--help").output
