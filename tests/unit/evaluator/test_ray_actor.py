"""What a Ray worker's process is started with."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("ray")

from evaluator.pool import Place
from evaluator.ray_pool.actor import environment_of, nth_visible
from evaluator.ray_pool.seats import Seat


def seat(gpu: int | None) -> Seat:
    place = Place(name="worker-1", node="node-a", device="cpu" if gpu is None else "cuda", threads=3)
    return Seat(place=place, node_id="id-1", gpu=gpu)


def test_a_worker_counts_its_gpu_among_those_that_its_node_was_given() -> None:
    assert nth_visible({}, 2) == "2"
    assert nth_visible({"CUDA_VISIBLE_DEVICES": ""}, 1) == "1"
    assert nth_visible({"CUDA_VISIBLE_DEVICES": "4,GPU-8932f937"}, 1) == "GPU-8932f937"


def test_threads_of_a_worker_are_those_of_its_place() -> None:
    assert environment_of(seat(None))["OMP_NUM_THREADS"] == "3"


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_workers_on_cpus_ask_for_huge_pages_unless_the_installation_tunes_malloc_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert environment_of(seat(None))["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"
    assert "GLIBC_TUNABLES" not in environment_of(seat(0))
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=3")
    assert environment_of(seat(None))["GLIBC_TUNABLES"] == "glibc.malloc.check=3"


def test_ray_leaves_the_choice_of_a_gpu_to_the_worker() -> None:
    assert environment_of(seat(0))["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"] == "1"
