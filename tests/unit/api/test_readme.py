"""What the README shows a newcomer does what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

import api.client
from api.app import create_app
from api.schemas import SearchView
from api.settings import ApiSettings
from api.testing import InProcess, record_search
from nas.records import ArtifactState, SearchId, SearchState
from nas.store.memory import MemoryStore

README = Path(__file__).parents[3] / "README.md"
CONTENT = b"a network"
DIGEST = sha256(CONTENT).hexdigest()


class Controller:
    """What a controller does while a client waits: it ends the search, then it writes the file that was asked for."""

    def __init__(self, store: MemoryStore, home: Path) -> None:
        self._store, self._home = store, home

    def run(self, search_id: str) -> None:
        record_search(self._store)
        self._store.move_search(SearchId(search_id), SearchState.COMPLETED, at=datetime.now(UTC))

    def export(self) -> None:
        now = datetime.now(UTC)
        artifact = self._store.claim_artifact(at=now, stale_after_s=60)
        if artifact is not None:
            (self._home / "file").write_bytes(CONTENT)
            ready = replace(artifact, state=ArtifactState.READY, finished_at=now, path="file", sha256=DIGEST)
            self._store.finish_artifact(ready)


def test_the_python_of_the_readme_fetches_a_network(
    settings: ApiSettings, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = Controller(store, settings.home)

    class Connected(api.client.Client):
        def __init__(self, url: str) -> None:
            assert url == api.client.DEFAULT_URL
            transport = InProcess(create_app(settings, store))
            super().__init__("http://localhost", transport, sleep=lambda _seconds: controller.export())

        def search(self, search_id: str) -> SearchView:
            seen = super().search(search_id)
            if seen.state is SearchState.QUEUED:
                controller.run(search_id)
            return seen

    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setattr(api.client, "Client", Connected)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, str(README), "exec"), {})
    assert (tmp_path / "network.onnx").read_bytes() == CONTENT
