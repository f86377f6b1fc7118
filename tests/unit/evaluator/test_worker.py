"""What runs in a worker process, without the process."""

import logging
import os

import pytest

from evaluator import evaluate, worker
from evaluator.executor import DeviceLost
from evaluator.outcome import Success
from evaluator.progress import TrainingProgress
from evaluator.provenance import code_digest
from evaluator.testing import tiny_data, tiny_job
from evaluator.worker import Worker


def test_a_worker_says_where_it_is_and_which_sources_it_runs() -> None:
    hello = Worker("cpu", threads=1).hello()
    assert (hello.pid, hello.code_digest) == (os.getpid(), code_digest())
    assert hello.node
    assert hello.device.startswith("cpu (1 thread,")
    assert hello.device_memory_bytes == 0


def test_a_worker_evaluates_with_its_own_device_and_threads() -> None:
    data = tiny_data()
    reports: list[TrainingProgress] = []
    outcome = Worker("cpu", threads=1).evaluate(tiny_job(data), data, reports.append)
    assert isinstance(outcome, Success)
    assert outcome.provenance.device.startswith("cpu (1 thread,")
    assert [report.phase for report in reports] == ["training", "validation"]


def test_a_worker_that_lost_its_device_ends(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def lost(*_: object, **__: object) -> None:
        raise DeviceLost("cuda does not answer", retryable=True, hint="start it anew")

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(evaluate, "evaluate", lost)
    monkeypatch.setattr(worker.os, "_exit", leave)
    data = tiny_data()
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        Worker("cuda", threads=1).evaluate(tiny_job(data), data)
    assert ended.value.code == 1
    assert caplog.records[0].exc_info is not None
