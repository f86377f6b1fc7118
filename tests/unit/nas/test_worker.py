"""The composition root: which workers settings ask for, and where trained weights go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas import worker
from nas.records import BENCHMARK, ArtifactState
from nas.settings import read_settings
from nas.store.memory import MemoryStore
from nas.testing import START, make_artifact, make_candidate, make_search
from nas.testing.builders import make_training
from nas.testing.search_promises import claim


class Recorded:
    """Stands for an executor; knows with what it was made, and whether it was closed."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(worker, "RayExecutor", type("Ray", (Recorded,), {}))
    monkeypatch.setattr(worker, "ProcessExecutor", type("Processes", (Recorded,), {}))


def opened(**given: object) -> tuple[str, dict[str, Any]]:
    with worker.open_executor(read_settings(**given)) as executor:
        assert isinstance(executor, Recorded)
    assert executor.closed
    return type(executor).__name__, executor.options


def test_workers_are_rays_as_many_as_were_asked_for() -> None:
    kind, options = opened(workers=3, cpus_per_worker=2, max_attempts=5)
    assert kind == "Ray"
    assert options == {
        "workers": 3,
        "cpus_per_worker": 2.0,
        "gpus_per_worker": 0.0,
        "cpu_nodes": False,
        "address": None,
        "max_attempts": 5,
    }


def test_on_a_cluster_there_are_as_many_as_it_has_room_for() -> None:
    _, options = opened(ray_address="10.0.0.1:6379", gpus_per_worker=0.25, cpu_nodes=True)
    assert (options["workers"], options["address"], options["cpu_nodes"]) == (None, "10.0.0.1:6379", True)


def test_workers_may_be_plain_processes_on_cpus() -> None:
    kind, options = opened(executor="processes", workers=3, cpus_per_worker=1.5)
    assert kind == "Processes"
    assert (options["workers"], options["device"], options["threads"]) == (3, "cpu", 1)


def test_workers_may_be_plain_processes_that_share_gpus() -> None:
    _, options = opened(executor="processes", gpus_per_worker=0.3)
    assert (options["workers"], options["device"], options["workers_per_gpu"]) == (None, "cuda", 3)


def test_the_weights_of_two_trainings_of_one_network_lie_beside_each_other(tmp_path: Path) -> None:
    first, second = (worker.keep_weights(tmp_path, "abcd", weights) for weights in (b"first", b"second"))
    assert worker.keep_weights(tmp_path, "abcd", b"first") == first != second
    assert [(tmp_path / path).read_bytes() for path in (first, second)] == [b"first", b"second"]
    assert {Path(path).parent.as_posix() for path in (first, second)} == {"weights/ab"}


def test_the_benchmark_of_a_model_is_the_last_that_is_ready_and_no_other_models(tmp_path: Path) -> None:
    store, (first, second) = MemoryStore(), (make_training("a" * 12), make_training("b" * 12, digest="b" * 32))
    store.add_search(make_search())
    store.record_ask(claim(store), make_candidate())
    first, second = (store.add_training(training) for training in (first, second))
    assert worker.measured_benchmark(store, tmp_path, first) is None
    artifact = store.add_artifact(make_artifact("1", format=BENCHMARK, training_id=first.id))
    assert worker.measured_benchmark(store, tmp_path, first) is None
    store.claim_artifact(at=START, stale_after_s=1.0)
    store.finish_artifact(replace(artifact, state=ArtifactState.READY, path="a/b.json", finished_at=START))
    assert worker.measured_benchmark(store, tmp_path, first) == tmp_path / "a/b.json"
    assert worker.measured_benchmark(store, tmp_path, second) is None
