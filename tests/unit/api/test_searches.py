from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.guards import MAX_BODY_BYTES
from api.settings import ApiSettings
from api.testing import connect
from nas.records import Role, SearchState
from nas.spec import BudgetSpec, SearchSpec
from nas.store.memory import MemoryStore
from nas.testing import START
from nas.tokens import make_token


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


def test_a_search_says_whose_it_is_and_what_can_be_done_with_it(http: httpx.Client, spec: dict[str, Any]) -> None:
    found = http.post("/v1/searches", json=spec | {"priority": 9}).json()
    assert (found["owner"], found["priority"], found["cloned_from"], found["running_s"]) == ("local", 9, None, 0)
    assert found["actions"] == ["pause", "cancel", "extend", "change", "clone"]
    assert http.delete(f"/v1/searches/{found['id']}").json()["actions"] == ["clone"]


def test_more_budget_is_given_and_every_problem_of_less_is_told(http: httpx.Client, spec: dict[str, Any]) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    extended = http.post(f"{path}/extend", json={"evaluations": 11})
    assert (extended.status_code, extended.json()["spec"]["budget"]["evaluations"]) == (200, 11)
    refused = http.post(f"{path}/extend", json={"evaluations": 10, "steps": 7, "colour": 1})
    assert refused.status_code == 422
    assert set(problems(refused)) == {"evaluations", "steps", "colour"}
    assert set(problems(http.post(f"{path}/extend", json={}))) == {"budget"}
    http.delete(path)
    refused = http.post(f"{path}/extend", json={"evaluations": 12})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:srnas:problem:illegal-action")
    assert refused.json()["hint"]


def test_a_clone_is_a_search_of_its_own(http: httpx.Client, spec: dict[str, Any]) -> None:
    model = http.post("/v1/searches", json=spec).json()
    cloned = http.post(f"/v1/searches/{model['id']}/clone", json={"changes": {"seed": 4}})
    assert cloned.status_code == 202
    assert http.get(cloned.headers["location"]).json() == cloned.json()
    assert cloned.json()["cloned_from"] == model["id"]
    assert cloned.json()["spec"] == model["spec"] | {"seed": 4}
    refused = http.post(f"/v1/searches/{model['id']}/clone", json={"changes": {"scale": 7}, "seed": 1})
    assert set(problems(refused)) == {"seed"}
    refused = http.post(f"/v1/searches/{model['id']}/clone", json={"changes": {"scale": 7}})
    assert set(problems(refused)) == {"scale"}
    assert http.post("/v1/searches/ffffffff/clone", json={}).status_code == 404


STEERING: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/pause", None),
    ("POST", "/resume", None),
    ("POST", "/extend", {"evaluations": 99}),
    ("PATCH", "", {"priority": 1}),
    ("POST", "/cancel", None),
    ("DELETE", "", None),
]


def test_a_search_is_steered_by_its_owner_or_an_admin_and_cloned_by_whoever_may_submit(
    settings: ApiSettings, store: MemoryStore, spec: dict[str, Any]
) -> None:
    people = {"ada": Role.SUBMITTER, "bob": Role.SUBMITTER, "vic": Role.VIEWER, "root": Role.ADMIN}
    bearers = {}
    for name, role in people.items():
        token, text = make_token(name, role, at=START, by="tests")
        store.add_token(token)
        bearers[name] = {"Authorization": f"Bearer {text}"}
    with connect(create_app(settings.model_copy(update={"require_token": True}), store)) as http:
        mine = http.post("/v1/searches", json=spec, headers=bearers["ada"] | {"Idempotency-Key": "k"})
        path = mine.headers["location"]
        for verb, part, body in STEERING:
            for name in ("bob", "vic"):
                assert http.request(verb, path + part, json=body, headers=bearers[name]).status_code == 403
            assert http.request(verb, path + part, json=body).status_code == 401
        for name, (verb, part, body) in zip(("ada", "root", "ada", "root", "ada"), STEERING, strict=False):
            assert http.request(verb, path + part, json=body, headers=bearers[name]).status_code == 200
        assert http.post(f"{path}/clone", json={}, headers=bearers["vic"]).status_code == 403
        assert http.post(f"{path}/clone", json={}, headers=bearers["bob"]).json()["owner"] == "bob"
        others = http.post("/v1/searches", json=spec | {"seed": 5}, headers=bearers["bob"] | {"Idempotency-Key": "k"})
        assert (others.status_code, others.json()["owner"]) == (202, "bob")  # a key is its sender's own
        asked = [(entry.who, entry.action) for entry in store.audit() if entry.subject in path]
    assert asked == [
        ("ada", "search.submit"),
        ("ada", "search.pause"),
        ("root", "search.resume"),
        ("ada", "search.extend"),
        ("root", "search.change"),
        ("ada", "search.cancel"),
    ]


def test_a_request_with_a_key_is_carried_out_once(http: httpx.Client, spec: dict[str, Any]) -> None:
    first, again = (http.post("/v1/searches", json=spec, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = http.post("/v1/searches", json=spec | {"seed": 1}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:srnas:problem:key-reused")
    assert other.json()["hint"]
    path = f"{first.headers['location']}/clone"
    clones = [http.post(path, json={}, headers={"Idempotency-Key": "c"}) for _ in range(2)]
    assert clones[0].json() == clones[1].json()
    assert clones[1].headers["idempotency-replayed"] == "true"
    assert len(http.get("/v1/searches").json()["items"]) == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "\u00e9"])
def test_a_key_is_visible_and_short(http: httpx.Client, spec: dict[str, Any], key: str) -> None:
    refused = http.post("/v1/searches", json=spec, headers={"Idempotency-Key": key.encode("latin-1")})
    assert refused.status_code == 422
    assert list(problems(refused)) == ["Idempotency-Key"]


def test_a_search_that_did_not_change_is_not_sent_again(http: httpx.Client, store: MemoryStore, recorded: Any) -> None:
    path = f"/v1/searches/{recorded.id}"
    tag = http.get(path).headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        fresh = http.get(path, headers={"If-None-Match": known})
        assert (fresh.status_code, fresh.content, fresh.headers["etag"]) == (304, b"", tag)
    http.patch(path, json={"priority": 3})
    moved = http.get(path, headers={"If-None-Match": tag})
    assert moved.status_code == 200
    assert moved.headers["etag"] != tag
    assert moved.headers["cache-control"] == "private, no-cache"
    assert http.get("/v1/searches/ffffffff", headers={"If-None-Match": "*"}).status_code == 404


def test_delete_cancels_and_keeps_what_there_is(http: httpx.Client, spec: dict[str, Any]) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    assert http.delete(path).json()["state"] == "cancelled"
    assert http.get(path).status_code == 200
    again = http.delete(path)
    assert again.status_code == 409
    assert again.json()["type"] == "urn:srnas:problem:illegal-action"


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


CHANGES = st.dictionaries(FIELDS | st.text(max_size=5), LIKELY | VALUES, max_size=3)
BUDGETS = st.dictionaries(st.sampled_from([*BudgetSpec.model_fields, "x"]), SCALARS | st.integers(1, 10**7), max_size=4)
GIVEN = st.dictionaries(st.sampled_from(["parallelism", "priority", "x"]), SCALARS, max_size=3)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES | VALUES, budget=BUDGETS, given=GIVEN)
def test_no_wish_is_too_strange_to_be_answered(
    http: httpx.Client, recorded: Any, changes: Any, budget: dict[str, Any], given: dict[str, Any]
) -> None:
    path = f"/v1/searches/{recorded.id}"
    wishes = [("POST", "/clone", {"changes": changes}), ("POST", "/extend", budget), ("PATCH", "", given)]
    for method, part, body in wishes:
        headers = {"Content-Type": "application/json"}
        answer = http.request(method, path + part, content=json.dumps(body), headers=headers)
        assert answer.status_code in (200, 202, 400, 422), answer.text
        if answer.status_code == 422:
            assert answer.json()["errors"]


@pytest.mark.parametrize("depth", [50, 500, 5_000, 100_000])
def test_changes_that_are_nested_deeply_are_refused(http: httpx.Client, recorded: Any, depth: int) -> None:
    body = '{"changes": ' + '{"a": ' * depth + "1" + "}" * (depth + 1)
    headers = {"Content-Type": "application/json"}
    refused = http.post(f"/v1/searches/{recorded.id}/clone", content=body, headers=headers)
    assert refused.status_code in (400, 422)
