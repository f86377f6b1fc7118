from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.guards import MAX_BODY_BYTES
from nas.records import SearchState
from nas.spec import SearchSpec
from nas.store.memory import MemoryStore


def problems(response: httpx.Response) -> dict[str, Any]:
    """The fields that a problem names, with what may stand there."""
    assert response.headers["content-type"] == "application/problem+json"
    return {entry["field"]: entry["allowed"] for entry in response.json()["errors"]}


def test_a_submitted_search_is_queued_and_lies_where_location_says(http: httpx.Client, spec: dict[str, Any]) -> None:
    submitted = http.post("/v1/searches", json=spec)
    assert submitted.status_code == 202
    found = http.get(submitted.headers["location"])
    assert found.status_code == 200
    assert found.json() == submitted.json()
    assert found.json()["state"] == "queued"
    assert found.json()["spec"]["seed"] == 0  # defaults are filled in


def test_every_problem_of_a_spec_is_reported_at_once(http: httpx.Client, spec: dict[str, Any]) -> None:
    document = spec | {
        "population": 1,
        "surplus": True,
        "objectives": ["psnr", "beauty"],
        "constraints": [{"metric": "params", "max": 3}],
        "dataset": {"train": "no-such-folder"},
    }
    refused = http.post("/v1/searches", json=document)
    assert refused.status_code == 422
    assert {"population", "surplus", "constraints.0.max", "dataset.train"} < set(problems(refused))
    assert refused.json()["hint"]
    assert http.get("/v1/searches").json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe{",
        b'{"seed": NaN}',
        b'{"seed": 1e999}',
        b'{"seed": 99999999999999999999}',
        b'{"seed": ' + b"9" * 10_000 + b"}",
        b'{"name": "\\u0000"}',
        b'{"name": ["\\ud800"]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_storable_json_object_is_a_bad_request(http: httpx.Client, body: bytes) -> None:
    refused = http.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400
    assert refused.json()["type"] == "urn:srnas:problem:bad-body"


def test_a_body_must_say_that_it_is_json(http: httpx.Client, spec: dict[str, Any]) -> None:
    body = json.dumps(spec)
    assert http.post("/v1/searches", content=body).status_code == 415
    assert http.post("/v1/searches", content=body, headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_body_has_a_largest_size(http: httpx.Client) -> None:
    body = b'{"name": "' + b"x" * MAX_BODY_BYTES + b'"}'
    refused = http.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 413


def test_searches_are_paged_newest_first(http: httpx.Client, spec: dict[str, Any]) -> None:
    ids = [http.post("/v1/searches", json=spec).json()["id"] for _ in range(3)]
    first = http.get("/v1/searches", params={"limit": 2}).json()
    second = http.get("/v1/searches", params={"limit": 2, "before": first["next"]}).json()
    assert [search["id"] for search in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


def test_searches_are_chosen_by_their_states(http: httpx.Client, spec: dict[str, Any]) -> None:
    kept, cancelled = (http.post("/v1/searches", json=spec).json()["id"] for _ in range(2))
    http.post(f"/v1/searches/{cancelled}/cancel")

    def chosen(*states: str) -> list[str]:
        found = http.get("/v1/searches", params={"state": states}).json()["items"]
        return [search["id"] for search in found]

    assert chosen("queued") == [kept]
    assert chosen("queued", "cancelled") == [cancelled, kept]
    assert chosen("completed") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "asleep"}, "state.0"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"before": "../x"}, "before"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_malformed_query_values_are_named(http: httpx.Client, query: dict[str, Any], field: str) -> None:
    refused = http.get("/v1/searches", params=query)
    assert refused.status_code == 422
    assert list(problems(refused)) == [field]


def test_a_search_is_paused_resumed_and_cancelled(http: httpx.Client, spec: dict[str, Any]) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    steps = [("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")]
    for verb, state in steps:
        moved = http.post(f"{path}/{verb}")
        assert (moved.status_code, moved.json()["state"]) == (200, state)
    assert http.get(path).json()["finished_at"]


def test_delete_cancels_and_keeps_what_there_is(http: httpx.Client, spec: dict[str, Any]) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    assert http.delete(path).json()["state"] == "cancelled"
    assert http.get(path).status_code == 200
    again = http.delete(path)
    assert again.status_code == 409
    assert again.json()["type"] == "urn:srnas:problem:illegal-transition"


def test_a_page_of_another_origin_steers_nothing(http: httpx.Client, spec: dict[str, Any]) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    foreign = http.post(f"{path}/cancel", headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert http.get(path).json()["state"] == "queued"
    assert http.post(f"{path}/cancel", headers={"Origin": "http://localhost"}).status_code == 200


def test_a_running_search_tells_its_progress(http: httpx.Client, recorded: Any) -> None:
    progress = http.get(f"/v1/searches/{recorded.id}").json()["progress"]
    assert progress["fraction"] == pytest.approx(0.4)
    assert progress["budget"] == 10
    assert (progress["evaluated"], progress["failed"], progress["in_flight"]) == (4, 1, 1)
    assert progress["seconds_left"] > 0


def test_events_are_followed_by_ordinal(http: httpx.Client, recorded: Any) -> None:
    path = f"/v1/searches/{recorded.id}/events"
    everything = http.get(path).json()["items"]
    assert [event["ordinal"] for event in everything] == list(range(1, len(everything) + 1))
    assert everything[0]["kind"] == "submitted"
    first = http.get(path, params={"limit": 4}).json()
    rest = http.get(path, params={"after": first["next"]}).json()
    assert first["items"] + rest["items"] == everything
    last = http.get(path, params={"after": rest["next"]}).json()
    assert last == {"items": [], "next": rest["next"]}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_search_is_not_found(http: httpx.Client, method: str) -> None:
    refused = http.request(method, "/v1/searches/ffffffff")
    assert refused.status_code == 404
    assert "ffffffff" in refused.json()["detail"]
    assert refused.json()["hint"]


@pytest.mark.parametrize("part", ["front", "candidates", "events"])
def test_parts_of_an_unknown_search_are_not_found(http: httpx.Client, part: str) -> None:
    assert http.get(f"/v1/searches/ffffffff/{part}").status_code == 404


def test_an_id_with_nul_is_not_found(http: httpx.Client) -> None:
    assert http.get("/v1/searches/%00").status_code == 404


def test_ended_searches_say_so(store: MemoryStore, http: httpx.Client, recorded: Any) -> None:
    http.post(f"/v1/searches/{recorded.id}/cancel")
    ended = http.get(f"/v1/searches/{recorded.id}").json()
    assert SearchState(ended["state"]).ended
    assert ended["progress"]["seconds_left"] is None
    assert store.searches()[0].state is SearchState.CANCELLED


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*SearchSpec.model_fields, "x"])
LIKELY = st.sampled_from(
    [
        "tiny",
        "falsr",
        "paper",
        "psnr",
        {"metric": "params", "max": 10**15},
        [{"metric": "ssim", "min": 2}],
        {"name": "paper", "steps": 10**18},
        {"learning_rate": 10**18, "name": ["paper"], "version": {}},
        {"train": "photos"},
        {"train": "."},
        {"train": "..", "validation": "/etc"},
        {"train": "photos" * 60},
        ["falsr-a", "f8|conv-k3-f8-n1:0|tail:0,1"],
    ]
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(FIELDS | st.text(max_size=5), LIKELY | VALUES, max_size=4))
def test_no_document_is_too_strange_to_be_answered(
    http: httpx.Client, spec: dict[str, Any], changes: dict[str, Any]
) -> None:
    body = json.dumps(spec | changes)
    answer = http.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (202, 400, 422), answer.text
    if answer.status_code == 422:
        assert answer.json()["errors"]
