"""Who trains what now, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.client import Client
from api.settings import ApiSettings
from api.testing import InProcess
from nas.records import Candidate, Worker
from nas.store.base import Lease
from nas.store.memory import MemoryStore
from nas.testing import START, make_report, make_training_progress, make_worker


def put(store: MemoryStore, *workers: Worker, reports: Any = ()) -> list[Worker]:
    """Have workers seen a moment ago."""
    now = datetime.now(UTC)
    seen = [replace(worker, seen_at=now) for worker in workers]
    store.record_workers("controller-1", seen, reports, at=now, lease_s=30.0)
    return seen


def lease_of(store: MemoryStore, search: str) -> Lease:
    """The lease that a search was recorded under."""
    return Lease(search_id=store.search(search).id, owner="tests", token=1, expires_at=START)  # type: ignore[arg-type]


@pytest.fixture
def flying(recorded: Any) -> Candidate:
    candidate: Candidate = recorded.candidates[4]
    return candidate


def test_workers_are_listed_with_links_to_what_they_train(
    http: httpx.Client, store: MemoryStore, flying: Candidate
) -> None:
    busy, _ = put(store, make_worker("a", flying), make_worker("b"))
    first, second = http.get("/v1/workers").json()["items"]
    assert (first["name"], first["state"], first["controller"]) == ("a", "busy", "controller-1")
    assert (first["node"], first["pid"], first["device"]) == (busy.node, busy.pid, busy.device)
    assert first["busy_s"] > 0
    assert first["training"] == {
        "phase": "training",
        "step": 100,
        "steps": 200,
        "loss": 0.1 + 0.2,
        "psnr_db": 27.5,
        "patches_per_s": 52.25,
        "memory_bytes": 3 * 2**31,
    }
    assert http.get(first["links"]["candidate"]).json()["id"] == first["candidate_id"] == flying.id
    assert http.get(first["links"]["search"]).json()["id"] == first["search_id"]
    assert (second["state"], second["training"], second["links"], second["candidate_id"]) == ("idle", None, {}, None)


def test_nobody_is_listed_where_nobody_is_and_a_silent_worker_no_more(http: httpx.Client, store: MemoryStore) -> None:
    assert http.get("/v1/workers").json() == {"items": []}
    long_ago = datetime.now(UTC) - timedelta(seconds=31)
    store.record_workers("controller-1", [make_worker(seen_at=long_ago)], at=long_ago, lease_s=30.0)
    assert http.get("/v1/workers").json() == {"items": []}


def test_a_candidate_in_flight_tells_how_far_its_training_is(
    http: httpx.Client, store: MemoryStore, recorded: Any, flying: Candidate
) -> None:
    path = f"/v1/candidates/{flying.id}"
    assert (http.get(path).json()["worker"], http.get(path).json()["training"]) == (None, None)
    put(store, make_worker("a", flying, progress=make_training_progress(step=150, loss=float("inf"))))
    view = http.get(path).json()
    assert (view["worker"], view["training"]["step"], view["training"]["loss"]) == ("a", 150, None)
    told = http.get(f"/v1/candidates/{recorded.candidates[0].id}").json()
    assert (told["worker"], told["training"]) == (None, None)


def test_a_candidate_that_waits_for_anothers_training_tells_of_it_too(
    http: httpx.Client, store: MemoryStore, flying: Candidate
) -> None:
    elsewhere = replace(flying, id="ffffffff-0", search_id="ffffffff")  # type: ignore[arg-type]
    put(store, make_worker("a", elsewhere))
    assert http.get(f"/v1/candidates/{flying.id}").json()["worker"] == "a"


def test_a_scored_candidate_tells_precision_and_memory(http: httpx.Client, recorded: Any) -> None:
    evaluation = http.get(f"/v1/candidates/{recorded.candidates[0].id}").json()["evaluation"]
    assert (evaluation["precision"], evaluation["peak_memory_bytes"]) == ("bfloat16", 3 * 2**31)


def test_progress_is_among_the_events_unless_it_is_not_wanted(
    client: Client, store: MemoryStore, recorded: Any, flying: Candidate
) -> None:
    before = list(client.events(recorded.id))
    put(store, reports=[make_report(lease_of(store, recorded.id), flying)])
    (progress,) = client.events(recorded.id, after=before[-1].ordinal)
    assert (progress.kind, progress.detail["step"]) == ("training_progress", 100)
    assert list(client.events(recorded.id, progress=False)) == before


def test_a_client_looks_at_the_workers_again_and_again(settings: ApiSettings, store: MemoryStore) -> None:
    slept: list[float] = []
    put(store, make_worker("a"))

    with Client("http://localhost", InProcess(create_app(settings, store)), sleep=slept.append) as client:
        assert [len(found) for found in islice(client.watch_workers(poll_s=2.0), 3)] == [1, 1, 1]
    assert slept == [2.0, 2.0]
