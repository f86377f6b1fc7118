"""A torch device around one evaluation."""

import pytest
import torch

from evaluator import devices
from evaluator.devices import device_name, memory_bytes, peak_memory_bytes, prepared, probe


def test_a_processor_is_named_by_its_threads_and_has_no_memory_of_its_own() -> None:
    assert device_name("cpu", 1).startswith("cpu (1 thread,")
    assert (memory_bytes("cpu"), peak_memory_bytes("cpu")) == (0, 0)


def test_torch_is_left_as_it_was() -> None:
    threads = torch.get_num_threads()
    with prepared("cpu", threads + 1):
        assert torch.get_num_threads() == threads + 1
    assert torch.get_num_threads() == threads


def test_memory_of_a_gpu_is_counted_from_the_start_and_given_back_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: calls.append(f"reset {device}"))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("empty"))
    monkeypatch.setattr(devices.gc, "collect", lambda: calls.append("collect"))
    with prepared("cuda:1"):
        calls.append("evaluate")
    assert calls == ["reset cuda:1", "evaluate", "collect", "empty"]


def test_only_a_gpu_is_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", asked.append)
    probe("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    probe("cuda:1")
    assert asked == ["cuda:1"]
