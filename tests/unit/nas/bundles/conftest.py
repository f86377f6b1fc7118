"""A search of a few candidates, recorded as a controller would have left it, and its bundle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nas.bundles import Log, pack
from nas.records import Candidate, SearchId
from nas.store.base import Store
from nas.store.memory import MemoryStore
from nas.testing import START, make_candidate, make_evaluation, make_progress, make_search, make_training, told


class Recorder:
    """Leads one search of a store."""

    id = SearchId("00000001")
    environments = ({"numpy": "2.1.0"}, {"numpy": "2.1.0"}, None, {"numpy": "2.2.0"})

    def __init__(self, store: Store) -> None:
        self.store = store
        store.add_search(make_search(self.id))
        lease = store.claim_search("controller", at=START, lease_s=60)
        assert lease is not None
        self.lease = lease
        what: dict[str, Any] = {"data_digest": "data", "data_notes": (), "baseline": {"psnr_db": 28.0}}
        for environment in self.environments:
            point = {"psnr": 28.0}
            store.begin_search(lease, at=START, reference_point=point, environment=environment, **what)
        self.asked: list[Candidate] = []
        self.told = 0

    def ask(self) -> None:
        candidate = make_candidate(self.id, len(self.asked))
        self.store.record_ask(self.lease, candidate)
        self.asked.append(candidate)

    def tell(self, ordinal: int) -> None:
        """An outcome; every third one is a failure that may not happen again."""
        candidate = self.asked[ordinal]
        failed = {"failure_kind": "worker_lost", "key": f"{candidate.evaluation_key}#{candidate.id}"}
        evaluation = make_evaluation(candidate, **(failed if self.told % 3 == 2 else {}))
        recorded = told(candidate, evaluation, self.told, evaluation_key=evaluation.key)
        self.told += 1
        self.store.record_tell(self.lease, recorded, evaluation, make_progress(self.told))

    def play(self) -> Recorder:
        """Seven candidates, told out of order, two of them in flight, and one to be trained in full."""
        for _ in range(7):
            self.ask()
        for ordinal in (1, 0, 3, 5, 2):
            self.tell(ordinal)
        self.store.record_survival(self.lease, {self.asked[1].id: True})
        self.store.add_training(make_training(candidate_id=self.asked[1].id))
        return self


@pytest.fixture
def recorder_of() -> Callable[[Store], Recorder]:
    return Recorder


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(MemoryStore()).play()


@pytest.fixture
def pack_to(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle to a file."""

    def write(log: Log, at: datetime = START) -> Path:
        path = tmp_path / "bundle.zip"
        path.write_bytes(b"".join(pack(log, Recorder.id, at=at)))
        return path

    return write


@pytest.fixture
def bundle(recorder: Recorder, pack_to: Callable[..., Path]) -> Path:
    return pack_to(recorder.store)
