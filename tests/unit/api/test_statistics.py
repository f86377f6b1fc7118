"""What a search has shown about its parts goes out over REST, and comes back typed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.client import ApiError, Client
from api.schemas import SearchChange
from api.testing import record_search
from nas.store.memory import MemoryStore


def test_statistics_count_what_became_of_candidates(http: httpx.Client, recorded: Any) -> None:
    found = http.get(f"/v1/searches/{recorded.id}/statistics").json()
    (operator,) = found["operators"]
    assert operator | {"survived": 0, "survival": None} == {
        "operator": "random",
        "proposed": 5,
        "told": 4,
        "failed": 1,
        "feasible": 2,
        "survived": 0,
        "survival": None,
        "front": 2,
    }
    assert [rung["rung"] for rung in found["rungs"]] == [0]
    spent = {part["part"]: (part["spent"], part["limit"]) for part in found["budget"]["parts"]}
    assert spent["evaluations"] == (5, 10)
    assert spent["steps"] == (800, None)
    assert found["search_id"] == recorded.id
    assert http.get(found["links"]["search"]).status_code == 200


def test_a_history_has_a_point_for_each_outcome(http: httpx.Client, recorded: Any) -> None:
    points = http.get(f"/v1/searches/{recorded.id}/history").json()["points"]
    assert [point["evaluations"] for point in points] == [1, 2, 3, 4]
    assert [point["steps"] for point in points] == [200, 400, 600, 800]
    assert [point["best_psnr_db"] for point in points] == [30.0, 32.0, 32.0, 32.0]
    assert points[-1]["hypervolume"] == 6.0


def test_the_client_reads_both(client: Client, store: MemoryStore, spec: dict[str, Any]) -> None:
    search = client.submit(spec)
    assert client.statistics(search.id).operators == ()
    assert client.history(search.id).points == []
    record_search(store, confirmations={1: 31.8})
    found = client.statistics(search.id)
    assert [member.candidate for member in found.seeds.members] == [f"{search.id}-1"]
    assert found.seeds.noise["psnr_db"] == pytest.approx(0.2 / 2**0.5)
    assert len(client.history(search.id).points) == 5


@pytest.mark.parametrize("part", ["statistics", "history"])
def test_an_unknown_search_has_none(http: httpx.Client, part: str) -> None:
    assert http.get(f"/v1/searches/ffffffff/{part}").status_code == 404


def test_a_search_links_to_both(http: httpx.Client, recorded: Any) -> None:
    links = http.get(f"/v1/searches/{recorded.id}").json()["links"]
    assert all(http.get(links[name]).status_code == 200 for name in ("statistics", "history"))


def test_parallelism_changes_while_a_search_runs(client: Client, store: MemoryStore, spec: dict[str, Any]) -> None:
    search = client.submit(spec | {"parallelism": 2})
    assert search.parallelism == 2
    record_search(store)
    assert client.change(search.id, SearchChange(parallelism=7)).parallelism == 7
    assert client.change(search.id, SearchChange(parallelism=None)).parallelism is None
    assert client.search(search.id).spec.parallelism == 2
    assert [event.detail for event in client.events(search.id) if event.kind == "parallelism"] == [
        {"was": 2, "parallelism": 7},
        {"was": 7, "parallelism": None},
    ]
    client.cancel(search.id)
    with pytest.raises(ApiError) as refused:
        client.change(search.id, SearchChange(parallelism=1))
    assert refused.value.status == 409
    assert "this one can: clone" in refused.value.detail


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "change"),
        ({"parallelism": 0}, "parallelism"),
        ({"parallelism": "4"}, "parallelism"),
        ({"parallelism": True}, "parallelism"),
        ({"parallelism": 4, "seed": 1}, "seed"),
    ],
)
def test_only_a_number_of_workers_may_change(
    http: httpx.Client, recorded: Any, document: dict[str, Any], field: str
) -> None:
    refused = http.patch(f"/v1/searches/{recorded.id}", json=document)
    assert refused.status_code == 422
    assert [entry["field"] for entry in refused.json()["errors"]] == [field]


def test_an_unknown_search_cannot_change(http: httpx.Client) -> None:
    assert http.patch("/v1/searches/ffffffff", json={"parallelism": 1}).status_code == 404


def test_what_to_know_of_a_spec_comes_with_the_answer(http: httpx.Client, spec: dict[str, Any]) -> None:
    document = spec | {"space": "falsr", "objectives": ["psnr", "params", "mult_adds"], "constraints": []}
    submitted = http.post("/v1/searches", json=document).json()
    (warning,) = submitted["warnings"]
    assert warning.startswith("params and mult_adds rank the networks")
    assert http.get(submitted["links"]["self"]).json()["warnings"] == [warning]


def test_progress_tells_the_steps(http: httpx.Client, recorded: Any) -> None:
    progress = http.get(f"/v1/searches/{recorded.id}").json()["progress"]
    assert (progress["steps"], progress["validate_s"]) == (800, 5.0)
