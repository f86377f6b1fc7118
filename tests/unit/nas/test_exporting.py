from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nas.exporting import RENEWED_AFTER_S, STALE_AFTER_S, Step, ThreadedExports
from nas.records import Artifact, ArtifactState, Candidate, Search, SearchState, Training
from nas.store.base import StoreUnavailable
from nas.store.memory import MemoryStore
from nas.testing.builders import (
    START,
    advanced,
    make_artifact,
    make_candidate,
    make_evaluation,
    make_progress,
    make_search,
    make_training,
    told,
)
from nas.testing.flaky import FlakyStore
from search_space.errors import InvalidInput, Problem


@dataclass
class Report:
    sha256: str = "0" * 64
    size_bytes: int = 7
    detail: dict[str, Any] = field(default_factory=lambda: {"max_difference": 1e-6})


class Writer:
    """Writes what it was given, once it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()
        self.error: Exception | None = None

    def __call__(
        self,
        search: Search,
        candidate: Candidate,
        training: Training | None,
        weights: Path,
        form: str,
        path: Path,
        step: Step,
    ) -> Report:
        self.begun.set()
        self.go.wait()
        step(form, 2)
        if self.error is not None:
            raise self.error
        path.parent.mkdir(parents=True)
        path.write_bytes(weights.read_bytes())
        return Report()


@dataclass
class Clock:
    """Time that stands still until it is told to pass."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def writer() -> Iterator[Writer]:
    writer = Writer()
    yield writer
    writer.go.set()


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    store = MemoryStore()
    store.add_search(make_search())
    lease = store.claim_search("me", at=START, lease_s=60)
    assert lease is not None
    candidate = make_candidate()
    store.record_ask(lease, candidate)
    evaluation = make_evaluation(candidate, weights="weights/a.safetensors")
    store.record_tell(lease, told(candidate, evaluation), evaluation, make_progress())
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "a.safetensors").write_bytes(b"weights")
    return store


@pytest.fixture
def flaky(store: MemoryStore) -> FlakyStore:
    return FlakyStore(store, verbs=("candidate", "finish_artifact"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exports(flaky: Any, tmp_path: Path, writer: Writer, clock: Clock) -> Iterator[ThreadedExports]:
    exports = ThreadedExports(flaky, tmp_path, writer, clock=clock)
    yield exports
    writer.go.set()
    exports.close()


def written(exports: ThreadedExports) -> None:
    """Wait for what the one thread does."""
    exports._thread.submit(lambda: None).result()


def finished(exports: ThreadedExports, store: MemoryStore, artifact: Artifact) -> Artifact:
    exports.step()
    written(exports)
    exports.close()
    return store.artifact(artifact.id)


def test_a_requested_artifact_is_written_and_recorded(
    exports: ThreadedExports, store: MemoryStore, tmp_path: Path
) -> None:
    requested = store.add_artifact(make_artifact())
    ready = finished(exports, store, requested)
    assert ready.state is ArtifactState.READY
    assert (ready.sha256, ready.size_bytes) == ("0" * 64, 7)
    assert ready.detail == {"max_difference": 1e-6}
    assert ready.path == f"artifacts/{ready.id}/srnas-00000001-0.onnx"
    assert (tmp_path / ready.path).read_bytes() == b"weights"


def test_an_artifact_of_a_training_that_has_not_ended_fails(exports: ThreadedExports, store: MemoryStore) -> None:
    training = store.add_training(make_training())
    failed = finished(exports, store, store.add_artifact(make_artifact(training_id=training.id)))
    assert "queued: it has no finished weights" in failed.detail["error"]


def test_an_artifact_of_a_finished_model_is_made_of_its_weights_and_bears_its_name(
    exports: ThreadedExports, store: MemoryStore, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/00000000000t.safetensors").write_bytes(b"finished")
    training = store.add_training(make_training())
    lease, claimed = store.claim_training("me", at=START, lease_s=60) or pytest.fail("not claimed")
    store.keep_training(lease, advanced(claimed, claimed.steps), at=START, lease_s=60)
    requested = store.add_artifact(make_artifact(training_id=training.id, format="onnx-fp16"))
    ready = finished(exports, store, requested)
    assert ready.path == f"artifacts/{ready.id}/srnas-00000000000t-fp16.onnx"
    assert (tmp_path / ready.path).read_bytes() == b"finished"


def test_a_file_that_takes_long_is_made_once(
    exports: ThreadedExports, store: MemoryStore, writer: Writer, clock: Clock, tmp_path: Path
) -> None:
    writer.go.clear()
    store.add_artifact(make_artifact())
    rival = ThreadedExports(store, tmp_path, Writer(), clock=clock)
    for _ in range(20):
        exports.step()
        rival.step()
        clock.now += timedelta(seconds=RENEWED_AFTER_S)
    assert rival._current is None
    clock.now += timedelta(seconds=STALE_AFTER_S)
    rival.step()
    assert rival._current is not None
    exports.step()
    rival.close()


def test_a_step_does_not_wait_for_the_file(exports: ThreadedExports, store: MemoryStore, writer: Writer) -> None:
    writer.go.clear()
    requested = store.add_artifact(make_artifact())
    for _ in range(3):
        exports.step()
    assert store.artifact(requested.id).state is ArtifactState.WRITING
    writer.go.set()
    written(exports)
    exports.close()
    assert store.artifact(requested.id).state is ArtifactState.READY


def test_an_export_that_fails_is_recorded_with_its_reason(
    exports: ThreadedExports, store: MemoryStore, writer: Writer
) -> None:
    writer.error = RuntimeError("no such operator")
    failed = finished(exports, store, store.add_artifact(make_artifact()))
    assert failed.state is ArtifactState.FAILED
    assert "no such operator" in failed.detail["error"]


def test_an_export_that_a_person_can_mend_is_recorded_with_a_hint(
    exports: ThreadedExports, store: MemoryStore, writer: Writer
) -> None:
    writer.error = InvalidInput([Problem("benchmark sets", None, "a folder")], "Put one there.")
    failed = finished(exports, store, store.add_artifact(make_artifact()))
    assert failed.detail == {"error": "benchmark sets: missing; give a folder", "hint": "Put one there."}
    again = store.add_artifact(make_artifact("00000000000b"))
    assert again.state is ArtifactState.REQUESTED


def test_weights_that_are_gone_fail_the_artifact(exports: ThreadedExports, store: MemoryStore, tmp_path: Path) -> None:
    (tmp_path / "weights" / "a.safetensors").unlink()
    failed = finished(exports, store, store.add_artifact(make_artifact()))
    assert failed.state is ArtifactState.FAILED
    assert "a.safetensors" in failed.detail["error"]


def test_artifacts_of_ended_searches_are_still_made(exports: ThreadedExports, store: MemoryStore) -> None:
    search = store.searches()[0]
    store.move_search(search.id, SearchState.CANCELLED, at=START)
    assert finished(exports, store, store.add_artifact(make_artifact())).state is ArtifactState.READY


def test_an_artifact_whose_candidate_cannot_be_read_now_is_made_later(
    exports: ThreadedExports, store: MemoryStore, flaky: FlakyStore
) -> None:
    requested = store.add_artifact(make_artifact())
    flaky.go_away()
    exports.step()
    written(exports)
    flaky.come_back()
    exports.step()
    assert store.artifact(requested.id).state is ArtifactState.WRITING
    written(exports)
    assert finished(exports, store, requested).state is ArtifactState.READY


def test_an_artifact_that_cannot_be_recorded_now_is_recorded_later(
    exports: ThreadedExports, store: MemoryStore, flaky: FlakyStore
) -> None:
    requested = store.add_artifact(make_artifact())
    exports.step()
    written(exports)
    flaky.go_away()
    with pytest.raises(StoreUnavailable):
        exports.step()
    flaky.come_back()
    exports.step()
    assert store.artifact(requested.id).state is ArtifactState.READY


@pytest.mark.parametrize("early", [True, False])
def test_a_store_that_is_away_at_the_end_leaves_the_artifact_to_others(
    exports: ThreadedExports, store: MemoryStore, flaky: FlakyStore, early: bool
) -> None:
    requested = store.add_artifact(make_artifact())
    if early:
        flaky.go_away()
    exports.step()
    written(exports)
    flaky.go_away()
    exports.close()
    assert store.artifact(requested.id).state is ArtifactState.WRITING


def test_a_controller_that_ends_gives_a_long_work_up_and_the_next_one_makes_the_file(
    exports: ThreadedExports, store: MemoryStore, writer: Writer, clock: Clock, tmp_path: Path
) -> None:
    requested = store.add_artifact(make_artifact())
    writer.go.clear()
    exports.step()
    writer.begun.wait()
    closing = threading.Thread(target=exports.close)
    closing.start()
    exports._closing.wait()
    writer.go.set()  # the part that was under way is done
    closing.join()
    assert store.artifact(requested.id).state is ArtifactState.WRITING
    assert not (tmp_path / "artifacts").exists()
    clock.now += timedelta(seconds=STALE_AFTER_S + 1)
    assert finished(ThreadedExports(store, tmp_path, Writer(), clock=clock), store, requested).path is not None
