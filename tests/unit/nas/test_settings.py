"""Settings of an installation: what is refused, and how many workers there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nas.settings import InvalidSettings, read_settings


def test_a_store_that_processes_cannot_share_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="several processes") as refused:
        read_settings(database_url="memory://")
    assert [problem.field for problem in refused.value.problems] == ["SRNAS_DATABASE_URL"]


def test_an_images_root_that_is_no_folder_is_refused_where_it_is_needed(tmp_path: Path) -> None:
    read_settings(images_root=tmp_path).require_images_root()
    with pytest.raises(InvalidSettings, match=f"there is no folder {tmp_path / 'exmples'}") as refused:
        read_settings(images_root=tmp_path / "exmples").require_images_root()
    assert [problem.field for problem in refused.value.problems] == ["SRNAS_IMAGES_ROOT"]


def test_benchmarks_lie_below_the_images_and_models_below_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings(home=tmp_path / "home", images_root=tmp_path / "images")
    assert settings.benchmarks_root == tmp_path / "images" / "benchmarks"
    assert settings.models_root == tmp_path / "home" / "models"
    monkeypatch.setenv("SRNAS_BENCHMARKS_ROOT", str(tmp_path / "sets"))
    assert read_settings(home=tmp_path).benchmarks_root == tmp_path / "sets"


def test_there_are_as_many_workers_as_this_process_has_cpus_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 5}, raising=False)
    assert read_settings().worker_count == 3
    assert read_settings(cpus_per_worker=1.5).worker_count == 2
    assert read_settings(cpus_per_worker=8).worker_count == 1


def test_where_no_affinity_is_known_the_machines_cpus_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert read_settings().worker_count == 1


@pytest.mark.parametrize(
    ("given", "later"),
    [
        ({}, False),
        ({"ray_address": "10.0.0.1:6379"}, True),
        ({"ray_address": "10.0.0.1:6379", "workers": 3}, False),
        ({"ray_address": "10.0.0.1:6379", "executor": "processes"}, False),
        ({"gpus_per_worker": 0.5}, True),
        ({"gpus_per_worker": 0.5, "executor": "processes"}, True),
        ({"gpus_per_worker": 0.5, "workers": 3}, False),
    ],
)
def test_a_cluster_and_gpus_are_counted_by_who_starts_the_workers(
    given: dict[str, object], later: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert read_settings(**given).counted_later is later
