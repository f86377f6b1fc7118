"""Who gets in, and who may do what, over every route that the application has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.app import ROUTERS, create_app
from api.client import ApiError, Client
from api.guards import HARMLESS, OPEN
from api.openapi import document
from api.settings import ApiSettings
from api.testing import InProcess, connect, finish_training, record_search
from nas.records import Role
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.testing import make_training
from nas.tokens import Tokens

ADMINS_ONLY = {
    ("GET", "/v1/tokens"),
    ("POST", "/v1/tokens"),
    ("DELETE", "/v1/tokens/{token_id}"),
    ("GET", "/v1/audit"),
    ("POST", "/v1/datasets"),
}
ANYBODYS = {
    ("POST", "/v1/searches"),
    ("POST", "/v1/estimates"),
    ("POST", "/v1/searches/{search_id}/clone"),
    ("PUT", "/v1/datasets/{name}"),
    ("POST", "/v1/models/{model_id}/upscale"),
}
"""Changes that are of nobody's search: whoever submits may make them."""


@cache
def openapi() -> dict[str, Any]:
    return document()


@dataclass(frozen=True)
class House:
    """An application that asks for tokens, and a search of alice's in it."""

    app: FastAPI
    http: httpx.Client
    tokens: Tokens
    ids: dict[str, str]

    def ask(self, method: str, path: str, who: str | None, **rest: Any) -> httpx.Response:
        """Send a request with somebody's token; what comes back is a status that the OpenAPI document names."""
        headers = {} if who is None else {"Authorization": f"Bearer {who}"}
        answer = self.http.request(method, path.format(**self.ids), headers=headers, **rest)
        if operation := openapi()["paths"].get(path, {}).get(method.lower()):
            assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code)
        return answer

    def token(self, name: str, role: Role = Role.SUBMITTER) -> str:
        """A new token."""
        return self.tokens.create(name, role, by="root")[1]

    @property
    def routes(self) -> set[tuple[str, str]]:
        """Every method and path."""
        return {(method, route.path) for route in every_route(self.app) for method in route.methods}


def every_route(app: FastAPI) -> list[Any]:
    """Every route, whether it is in the OpenAPI document or not."""
    own = [route for route in app.routes if hasattr(route, "methods")]
    return own + [route for router in ROUTERS for route in router.routes]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def house(settings: ApiSettings, store: MemoryStore, spec: dict[str, Any]) -> Iterator[House]:
    guarded = settings.model_copy(update={"require_token": True, "requests_per_s": 0.0})
    app, tokens = create_app(guarded, store), Tokens(store, utc_now)
    with connect(app) as http:
        house = House(app, http, tokens, {"name": "photos", "artifact_id": "ffffffffffff", "token_id": "ffffffff"})
        submitted = house.ask("POST", "/v1/searches", house.token("alice"), json=spec)
        assert submitted.status_code == 202, submitted.text
        house.ids["search_id"] = submitted.json()["id"]
        house.ids["candidate_id"] = record_search(store)[0].id
        store.add_training(make_training(candidate_id=house.ids["candidate_id"], owner="alice"), by="alice")
        house.ids["model_id"] = house.ids["training_id"] = finish_training(store).id
        yield house


def test_every_route_of_the_application_is_looked_at(house: House) -> None:
    documented = openapi()["paths"]
    api = {(method.upper(), path) for path, methods in documented.items() for method in methods}
    assert {(method, path) for method, path in house.routes if path != "/openapi.json"} == api
    assert set(OPEN) - {"/docs"} <= {path for _, path in house.routes}
    assert house.routes >= ADMINS_ONLY | ANYBODYS


def test_without_a_token_nothing_answers_but_what_is_open(house: House) -> None:
    for method, path in house.routes:
        answer = house.ask(method, path, None)
        if path in OPEN:
            assert answer.status_code < 400, path
            continue
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert method == "HEAD" or "SRNAS_TOKEN" in answer.json()["hint"]


def test_paths_that_do_not_exist_are_closed_too(house: House) -> None:
    for path in ("/", "/v2", "/docs/", "/health/live/", "//docs", "/docs/oauth2-redirect", "/metrics/x"):
        assert house.ask("GET", path, None).status_code == 401, path


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Basic cm9vdA==", "Bearer srnas_00000000_" + "x" * 43])
def test_a_token_that_is_none_does_not_get_in(house: House, sent: str) -> None:
    assert house.http.get("/v1/me", headers={"Authorization": sent}).status_code == 401


def test_a_wrong_token_is_refused_even_where_none_is_needed(http: httpx.Client) -> None:
    assert http.get("/v1/me").json() == {"name": "local", "role": "admin"}
    assert http.get("/v1/me", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert http.get("/health/live", headers={"Authorization": "Bearer wrong"}).status_code == 200


def test_a_viewer_looks_at_everything_and_changes_nothing(house: House) -> None:
    eve = house.token("eve", Role.VIEWER)
    for method, path in house.routes:
        status = house.ask(method, path, eve, json={} if method not in HARMLESS else None).status_code
        closed = method not in HARMLESS or (method, path) in ADMINS_ONLY
        assert (status == 403) is closed, (method, path, status)


def test_a_submitter_changes_no_search_of_others_and_administers_nothing(house: House) -> None:
    bob = house.token("bob")
    for method, path in house.routes - ANYBODYS:
        if method in HARMLESS and (method, path) not in ADMINS_ONLY:
            continue
        answer = house.ask(method, path, bob, json={})
        assert answer.status_code == 403, (method, path, answer.text)
        assert answer.json()["hint"]
    assert house.http.get("/v1/me", headers={"Authorization": f"Bearer {bob}"}).json()["role"] == "submitter"


def test_an_admin_is_kept_out_of_nothing(house: House) -> None:
    root = house.token("root", Role.ADMIN)
    for method, path in sorted(house.routes):
        assert house.ask(method, path, root, json={} if method not in HARMLESS else None).status_code not in (401, 403)


@pytest.mark.parametrize(("who", "role"), [("alice", Role.SUBMITTER), ("root", Role.ADMIN)])
def test_owners_and_admins_change_a_search(house: House, store: MemoryStore, who: str, role: Role) -> None:
    token = house.token(who, role)
    assert house.ask("PATCH", "/v1/searches/{search_id}", token, json={"parallelism": 2}).status_code == 200
    assert house.ask("POST", "/v1/searches/{search_id}/pause", token).status_code == 200
    assert house.ask("POST", "/v1/candidates/{candidate_id}/exports", token, json={"format": "onnx"}).status_code == 202
    assert house.ask("POST", "/v1/searches/{search_id}/cancel", token).status_code == 200
    search = store.search(store.searches()[0].id)
    assert search.owner == "alice"
    changes = [(entry.who, entry.action) for entry in store.audit() if not entry.action.startswith("token")]
    assert [who for who, _ in changes[:2]] == ["alice", "alice"]  # who submitted it, and had a candidate finished
    assert {name for name, _ in changes[2:]} == {who}
    assert len(changes) == 6


def test_tokens_are_made_listed_and_revoked_by_an_admin(house: House) -> None:
    root = house.token("root", Role.ADMIN)
    made = house.ask("POST", "/v1/tokens", root, json={"name": "carol", "role": "viewer"})
    assert made.status_code == 201
    token = made.json().pop("token")
    assert house.ask("GET", "/v1/me", token).json() == {"name": "carol", "role": "viewer"}
    listed = house.ask("GET", "/v1/tokens", root)
    assert token.rpartition("_")[2] not in listed.text
    assert [entry["name"] for entry in listed.json()["items"]] == ["alice", "root", "carol"]
    revoked = house.ask("DELETE", made.json()["links"]["self"], root)
    assert not revoked.json()["live"]
    assert house.ask("GET", "/v1/me", token).status_code == 401
    audit = house.ask("GET", "/v1/audit?after=3", root).json()
    assert [(entry["who"], entry["action"]) for entry in audit["items"][-2:]] == [
        ("root", "token.create"),
        ("root", "token.revoke"),
    ]
    assert house.ask("GET", f"/v1/audit?after={audit['next']}", root).json() == {"items": [], "next": audit["next"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "a b", "role": "viewer"},
        {"name": "a", "role": "king"},
        {"name": "a", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "a", "role": "viewer", "expires_at": "2999-01-01T00:00:00"},
        {"name": "a", "role": "viewer", "secret": "x"},
    ],
)
def test_a_token_that_may_not_be_is_not_made(house: House, wrong: dict[str, Any]) -> None:
    answer = house.ask("POST", "/v1/tokens", house.token("root", Role.ADMIN), json=wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_the_client_sends_the_token_of_the_environment(
    settings: ApiSettings, store: MemoryStore, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = settings.model_copy(update={"require_token": True})
    tokens = Tokens(store, utc_now)
    monkeypatch.setenv("SRNAS_TOKEN", tokens.create("root", Role.ADMIN, by="local")[1] + "\n")
    with Client("http://localhost", InProcess(create_app(guarded, store))) as client:
        assert client.permits.me().name == "root"
        made = client.permits.create_token("alice", Role.SUBMITTER, expires_at=utc_now() + timedelta(days=1))
        assert [token.name for token in client.permits.tokens()] == ["root", "alice"]
        assert not client.permits.revoke_token(made.id).live
        assert [entry.subject for entry in client.permits.audit()][1:] == [made.id, made.id]
    monkeypatch.delenv("SRNAS_TOKEN")
    transport = InProcess(create_app(guarded, store))
    with Client("http://localhost", transport) as client, pytest.raises(ApiError, match="SRNAS_TOKEN") as refused:
        client.submit(spec)
    assert refused.value.status == 401


def test_what_is_no_token_is_not_sent_and_not_shown() -> None:
    with pytest.raises(ApiError, match="Not a token") as refused:
        Client("http://localhost", token="se cret")
    assert "cret" not in str(refused.value)


def test_nothing_that_is_logged_holds_a_secret(house: House) -> None:
    with capture_logs() as log:
        made = house.ask("POST", "/v1/tokens", house.token("root", Role.ADMIN), json={"name": "eve", "role": "viewer"})
        token = made.json()["token"]
        house.ask("GET", f"/v1/me?token={token}", token)
        house.ask("GET", "/v1/me", token[:-1])
        house.ask("DELETE", "/v1/searches/{search_id}", token)
    assert [entry["status"] for entry in log] == [201, 200, 401, 403]
    assert [entry["who"] for entry in log] == ["root", "eve", "", ""]
    assert not re.search("srnas_[0-9a-f]{8}_", repr(log))


def test_the_gate_asks_the_store_once_in_a_while_only(house: House) -> None:
    eve, looked_up = house.token("eve", Role.VIEWER), []
    gate = house.app.state.gate
    bearer = gate._bearer
    gate._bearer = lambda text: looked_up.append(text) or bearer(text)
    for _ in range(5):
        assert house.ask("GET", "/v1/me", eve).status_code == 200
    assert len(looked_up) == 1


def test_the_routes_say_which_token_they_take(house: House) -> None:
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            assert operation["security"] == ([] if path in OPEN else [{"token": []}])
            assert ("401" in operation["responses"]) is (path not in OPEN)
            changes = method.upper() not in HARMLESS
            assert ("403" in operation["responses"]) is (changes or (method.upper(), path) in ADMINS_ONLY)


def test_routes_that_change_something_name_their_role(house: House) -> None:
    """The guard holds them shut for viewers; each says for itself who else may."""
    changing = [route for route in every_route(house.app) if not set(route.methods) <= HARMLESS]
    assert len(changing) > 10
    for route in changing:
        assert _dependencies(route.dependant) & {"submitter", "admin"}, route.path


def _dependencies(dependant: Any) -> set[str]:
    own = {dependant.call.__name__} if hasattr(dependant.call, "__name__") else set()
    return own.union(*map(_dependencies, dependant.dependencies))


def test_settings_tell_where_tokens_are_needed(tmp_path: Path, store: MemoryStore) -> None:
    beyond = ApiSettings(home=tmp_path, host="192.168.1.2")
    with connect(create_app(beyond, store)) as http:
        assert http.get("/v1/searches").status_code == 401
        assert http.get("/v1/searches", headers={"Host": "192.168.1.2:8000"}).status_code == 401
