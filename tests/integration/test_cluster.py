"""A pool over a Ray cluster of several nodes, here all on one machine: nodes that join, and nodes that are lost."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

import ray
from ray.cluster_utils import Cluster

from evaluator.contract import drain, endless_job
from evaluator.executor import Completion, WorkerInfo, WorkerMismatch
from evaluator.outcome import Success
from evaluator.ray_pool import RayExecutor
from evaluator.recipe import Recipe
from evaluator.testing import tiny_data, tiny_job
from nas.records import CandidateState, SearchState
from nas.service import Service
from nas.settings import read_settings
from nas.store.opening import open_store
from nas.worker import make_controller

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SHORT = Recipe(steps=100, batch=1, patch=8, warmup_steps=0)
WAIT_S = 120.0
EVALUATIONS = 12
SPEC = {
    "space": "tiny",
    "dataset": {"train": "photos", "validation_crop": 32},
    "objectives": ["psnr", "params"],
    "recipe": {"steps": 100, "batch": 4, "patch": 16},
    "population": 4,
    "budget": {"evaluations": EVALUATIONS},
    "front_seeds": 1,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head and two more nodes, of one processor each; whoever reads RAY_ADDRESS joins them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        for _ in range(2):
            made.add_node(num_cpus=1)
        environment.setenv("RAY_ADDRESS", made.address)
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def join(cluster: Cluster) -> Iterator[Callable[[], None]]:
    """Starts one more node, as a person does on another machine."""
    started: list[subprocess.Popen[bytes]] = []
    options = [f"--address={cluster.address}", "--num-cpus=1", "--object-store-memory=150000000", "--block"]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options]

    def start() -> None:
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=WAIT_S)


@pytest.fixture(scope="module")
def pool(cluster: Cluster, join: Callable[[], None]) -> Iterator[RayExecutor]:
    executor = RayExecutor(workers=None)
    executor.load(tiny_data())
    yield executor
    executor.close()
    ray.shutdown()


def wait_until(pool: RayExecutor, met: Callable[[], bool]) -> list[Completion]:
    """Let the pool work until a condition is met; what completed meanwhile."""
    completions: list[Completion] = []
    until_s = time.monotonic() + WAIT_S
    while not met():
        assert time.monotonic() < until_s, [str(worker) for worker in pool.workers()]
        completions += pool.completed(0.1)
    return completions


def busy(pool: RayExecutor) -> list[WorkerInfo]:
    return [worker for worker in pool.workers() if worker.busy_ticket is not None]


def node_of(cluster: Cluster, worker: WorkerInfo) -> Any:
    """The node whose Ray started a worker; None for the head, where the tests themselves belong."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    parent = int(status.split("PPid:")[1].split()[0])
    for node in cluster.worker_nodes:
        if node.all_processes["raylet"][0].process.pid == parent:
            return node
    return None


def remove_one_of(cluster: Cluster, workers: list[WorkerInfo], *, gently: bool) -> WorkerInfo:
    """Take the node of one of these workers away."""
    worker, node = next((worker, node) for worker in workers if (node := node_of(cluster, worker)) is not None)
    cluster.remove_node(node, allow_graceful=gently)
    return worker


def test_every_processor_of_every_node_has_a_worker(pool: RayExecutor) -> None:
    assert pool.capacity == len(pool.workers()) == 3


def test_a_node_that_joins_takes_the_job_that_waits_while_all_others_are_busy(
    join: Callable[[], None], pool: RayExecutor
) -> None:
    endless = [pool.submit(endless_job(seed)) for seed in range(3)]
    waiting = pool.submit(endless_job(3))
    wait_until(pool, lambda: len(busy(pool)) == 3)
    join()
    done = wait_until(pool, lambda: pool.capacity == 4)
    began_s = time.monotonic()
    done += wait_until(pool, lambda: any(w.busy_ticket == waiting and w.progress for w in pool.workers()))
    print(f"seconds from a node that joined to a report of its training: {time.monotonic() - began_s:.1f}")
    assert done == []
    assert {worker.busy_ticket for worker in busy(pool)} == {*endless, waiting}
    for ticket in (*endless, waiting):
        pool.cancel(ticket)


def test_what_a_lost_node_ran_is_done_elsewhere(cluster: Cluster, pool: RayExecutor) -> None:
    before = pool.capacity
    tickets = [pool.submit(tiny_job(tiny_data(), recipe=SHORT, seed=seed)) for seed in range(8)]
    early = wait_until(pool, lambda: any(node_of(cluster, worker) for worker in busy(pool)))
    lost = remove_one_of(cluster, busy(pool), gently=True)
    completions = {completion.ticket: completion for completion in [*early, *drain(pool, WAIT_S)]}
    assert sorted(completions) == tickets
    assert all(isinstance(completion.outcome, Success) for completion in completions.values())
    assert lost.busy_ticket is not None
    again = completions[lost.busy_ticket]
    assert (again.attempts, again.worker != lost.name) == (2, True)
    assert pool.capacity == before - 1


def test_a_worker_that_runs_other_sources_is_refused(
    cluster: Cluster, pool: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluator.pool.roster.code_digest", lambda: "0" * 32)
    with pytest.raises(WorkerMismatch, match="0000"):
        RayExecutor(workers=1, cpus_per_worker=0)


def test_a_search_that_loses_a_node_loses_nothing_else(
    cluster: Cluster, pool: RayExecutor, tmp_path: Path, sample_dir: Path
) -> None:
    settings = read_settings(home=tmp_path, images_root=sample_dir.parent)
    store = open_store(settings.database)
    service = Service(store, settings)
    search = service.submit(SPEC)
    controller = make_controller(store, pool, settings)
    lost: WorkerInfo | None = None
    until_s = time.monotonic() + WAIT_S
    while not search.state.ended:
        assert time.monotonic() < until_s, search.progress
        controller.step()
        search = service.search(search.id)
        if lost is None and search.progress.evaluated >= 3 and any(node_of(cluster, worker) for worker in busy(pool)):
            lost = remove_one_of(cluster, busy(pool), gently=False)
    controller.close()
    candidates = store.candidates(search.id, limit=None)
    store.close()
    assert lost is not None
    assert search.state is SearchState.COMPLETED
    assert search.progress.evaluated == EVALUATIONS
    assert {candidate.state for candidate in candidates} == {CandidateState.SCORED}
    assert max(candidate.evaluation.attempts for candidate in candidates if candidate.evaluation) == 2
