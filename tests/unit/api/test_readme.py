"""What the README shows a newcomer does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

import api.client
from api.app import create_app
from api.settings import ApiSettings
from api.testing import InProcess, record_search
from nas.records import ArtifactState, SearchId, SearchState
from nas.store.memory import MemoryStore

README = Path(__file__).parents[3] / "README.md"
CONTENT = b"a network"


def acts_of_a_controller(store: MemoryStore, home: Path) -> Iterator[None]:
    """What a controller does between the looks of a client: first it ends the search, then it writes the file."""
    now = datetime.now(UTC)
    candidates = record_search(store)
    store.move_search(SearchId(candidates[0].search_id), SearchState.COMPLETED, at=now)
    yield
    artifact = store.claim_artifact(at=now, stale_after_s=60)
    assert artifact is not None
    (home / "file").write_bytes(CONTENT)
    digest = sha256(CONTENT).hexdigest()
    store.finish_artifact(replace(artifact, state=ArtifactState.READY, finished_at=now, path="file", sha256=digest))
    yield


def test_the_python_of_the_readme_fetches_a_network(
    settings: ApiSettings, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = acts_of_a_controller(store, settings.home)

    class Connected(api.client.Client):
        def __init__(self, url: str) -> None:
            assert url == api.client.DEFAULT_URL
            transport = InProcess(create_app(settings, store))
            super().__init__("http://localhost", transport, sleep=lambda _seconds: next(acts))

    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setattr(api.client, "Client", Connected)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, str(README), "exec"), {})
    assert (tmp_path / "network.onnx").read_bytes() == CONTENT
