import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import serving
from api.serving import Supervisor, environment, serve, serve_web
from api.settings import ApiSettings, read_api_settings
from nas.records import Role
from nas.service import utc_now
from nas.settings import Settings, read_settings
from nas.store.base import StoreInUse
from nas.store.opening import open_store
from nas.tokens import Tokens
from search_space.errors import InvalidInput


class Child:
    """A process that ends when it is told to."""

    def __init__(self, *, obeys: bool = True) -> None:
        self.ended = threading.Event()
        self.obeys = obeys
        self.calls: list[str] = []

    def wait(self, timeout: float | None = None) -> int:
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired("child", timeout or 0)
        return 1

    def terminate(self) -> None:
        self.calls.append("terminate")
        if self.obeys:
            self.ended.set()

    def kill(self) -> None:
        self.calls.append("kill")
        self.ended.set()


def spawner(children: list[Child], started: threading.Semaphore) -> Iterator[Child]:
    for child in children:
        started.release()
        yield child


def test_a_child_is_asked_to_stop_before_it_is_killed() -> None:
    for obeys, calls in ((True, ["terminate"]), (False, ["terminate", "kill"])):
        started = threading.Semaphore(0)
        child = Child(obeys=obeys)
        children = spawner([child], started)
        supervisor = Supervisor(lambda children=children: next(children))
        supervisor.start()
        assert started.acquire(timeout=10)
        supervisor.stop(timeout_s=0.01)
        assert child.calls == calls


def test_a_child_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.serving.SHORTEST_RESTART_S", 0.0)
    started = threading.Semaphore(0)
    dead, alive = Child(), Child()
    dead.ended.set()
    children = spawner([dead, alive], started)
    supervisor = Supervisor(lambda: next(children))
    supervisor.start()
    assert started.acquire(timeout=10)
    assert started.acquire(timeout=10)
    supervisor.stop()
    assert alive.calls == ["terminate"]


def test_a_controller_reads_the_settings_that_its_parent_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_api_settings(home=tmp_path, workers=3, gpus_per_worker=0.5, lease_s=7.5, port=0)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert read_settings() == Settings(**{name: getattr(settings, name) for name in Settings.model_fields})


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ApiSettings(home=tmp_path / "home", port=taken.getsockname()[1])
        with pytest.raises(InvalidInput, match="in use"):
            serve(settings, lambda url: None)
    assert not (tmp_path / "home").exists()


def test_a_service_without_its_images_root_does_not_start(tmp_path: Path) -> None:
    settings = ApiSettings(home=tmp_path / "home", images_root=tmp_path / "exmples", port=0)
    for start in (serve, serve_web):
        with pytest.raises(InvalidInput, match="SRNAS_IMAGES_ROOT"):
            start(settings, lambda url: None)
    assert not (tmp_path / "home").exists()


def test_no_service_starts_that_nobody_could_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr("api.serving.start_controller", lambda settings: started.append("controller"))
    monkeypatch.setattr("api.serving._run_web", lambda *_: started.append("web"))
    settings = ApiSettings(home=tmp_path, images_root=tmp_path, port=0, require_token=True)
    store = open_store(settings.database)
    tokens = Tokens(store, utc_now)
    tokens.create("eve", Role.SUBMITTER, by="local")
    ended, _ = tokens.create("root", Role.ADMIN, by="local")
    tokens.revoke(ended.id, by="local")
    for start in (serve, serve_web):
        with pytest.raises(InvalidInput) as refused:
            start(settings, lambda url: None)
        assert "srnas token create --role admin NAME" in refused.value.hint
    assert not started
    tokens.create("root", Role.ADMIN, by="local")
    store.close()
    serve_web(settings, lambda url: None)
    assert started == ["web"]


def test_a_second_service_on_one_database_is_refused(tmp_path: Path) -> None:
    settings = ApiSettings(home=tmp_path, port=0)
    store = open_store(settings.database, exclusive=True)
    with pytest.raises(StoreInUse, match=str(os.getpid())):
        serve(settings, lambda url: None)
    store.close()


def test_connections_send_what_they_have_at_once(tmp_path: Path) -> None:
    """Otherwise the body of an answer waits for the client to acknowledge its head."""
    settings = ApiSettings(home=tmp_path, port=0)
    with serving._listening(settings) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
