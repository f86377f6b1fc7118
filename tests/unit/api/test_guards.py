"""What every request passes: host, origin, size and rate; and the headers of every answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from api.access import LOCAL, principal_of
from api.app import create_app
from api.deps import MAX_DEPTH, MAX_VALUES
from api.errors import MOST_PROBLEMS
from api.gate import Gate
from api.guards import MAX_BODY_BYTES, Guard, Rules, host_name
from api.settings import ApiSettings
from api.testing import connect
from nas.records import Role
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

Answer = tuple[int, dict[str, str], bytes]


class Guarded:
    """A guard around an application that reads the body and says who asked; time stands still unless it is moved."""

    def __init__(self, *, required: bool = False, **rules: Any) -> None:
        self.now_s = 100.0
        self.tokens = Tokens(MemoryStore(), utc_now)
        gate = Gate(self.tokens.bearer, required=required, clock=lambda: self.now_s)
        self._app = SimpleNamespace(state=SimpleNamespace(gate=gate))
        chosen = {"hosts": frozenset({"localhost"}), "origins": frozenset(), "rate_per_s": None, "burst": 3} | rules
        self._guard = Guard(self._inner, Rules(**chosen), lambda: self.now_s)
        self.read = 0

    def ask(self, method: str = "GET", path: str = "/x", *, body: tuple[bytes, ...] = (b"",), **headers: str) -> Answer:
        """The answer to one request, from 192.0.2.1 unless ``client`` is another address."""
        client = headers.pop("client", "192.0.2.1")
        named = {"host": "localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": (client, 1),
            "app": self._app,
        }
        chunks, sent = iter(body), list[Message]()

        async def receive() -> Message:
            chunk = next(chunks, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self._guard(scope, receive, send))
        start, *rest = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], told, b"".join(message.get("body", b"") for message in rest)

    async def _inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["more_body"]:
            self.read += len(message["body"])
        asking = principal_of(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": asking.name.encode() if asking else b""})


def kind(answer: Answer) -> str:
    return str(json.loads(answer[2])["type"]).rpartition(":")[2]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "localhost:"])
def test_own_hosts_pass(host: str) -> None:
    assert Guarded().ask(host=host)[0] == 200


@pytest.mark.parametrize("host", ["", "localhost.example", "example", "[localhost]", "[", "[::1]:80", "a@localhost"])
def test_foreign_hosts_are_refused(host: str) -> None:
    answer = Guarded().ask(host=host)
    assert (answer[0], kind(answer)) == (400, "foreign-host")


def test_an_address_in_brackets_is_one_name() -> None:
    assert [host_name(host) for host in ("[::1]:80", "[::1]", "a:1", "a", "[")] == ["[::1]", "[::1]", "a", "a", ""]


@pytest.mark.parametrize(
    ("method", "origin", "status"),
    [
        ("POST", "http://localhost", 200),
        ("POST", "https://lab.example", 200),
        ("POST", "https://LAB.example", 200),
        ("POST", "https://lab.example:8443", 403),
        ("DELETE", "http://evil.example", 403),
        ("PATCH", "null", 403),
        ("PUT", "http://[", 403),
        ("GET", "http://evil.example", 200),
    ],
)
def test_changes_are_refused_to_pages_of_unknown_origins(method: str, origin: str, status: int) -> None:
    assert Guarded(origins=frozenset({"https://lab.example"})).ask(method, origin=origin)[0] == status


def test_nobody_is_local_where_a_token_is_required() -> None:
    assert Guarded().ask()[2] == LOCAL.name.encode()
    assert Guarded(required=True).ask()[0] == 401
    guarded = Guarded(required=True)
    text = guarded.tokens.create("eve", Role.VIEWER, by="root")[1]
    assert guarded.ask(authorization=f"Bearer {text}")[2] == b"eve"
    assert kind(guarded.ask("POST", authorization=f"Bearer {text}")) == "forbidden"
    assert guarded.ask("GET", "/health/live", authorization="Bearer wrong")[0] == 200
    assert guarded.ask("POST", "/health/live")[0] == 401


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    guarded = Guarded(rate_per_s=0.5)
    assert [guarded.ask()[0] for _ in range(4)] == [200, 200, 200, 429]
    status, headers, _ = guarded.ask("GET", "/health/live")
    assert (status, headers["retry-after"]) == (429, "2")
    assert guarded.ask(client="192.0.2.2")[0] == 200
    guarded.now_s += 2.0
    assert [guarded.ask()[0] for _ in range(2)] == [200, 429]


def test_a_name_counts_apart_from_its_address() -> None:
    guarded = Guarded(required=True, rate_per_s=1.0)
    alice, bob = (f"Bearer {guarded.tokens.create(name, Role.VIEWER, by='')[1]}" for name in ("alice", "bob"))
    assert [guarded.ask(authorization=alice)[0] for _ in range(4)] == [200, 200, 200, 429]
    assert guarded.ask(authorization=alice, client="192.0.2.9")[0] == 429
    assert guarded.ask(authorization=bob)[0] == 200
    assert [guarded.ask()[0] for _ in range(4)] == [401, 401, 401, 429]


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    guarded = Guarded()
    for claimed in (str(MAX_BODY_BYTES + 1), str(10 * 2**30), "9" * 400):
        assert kind(guarded.ask("POST", body=(b"x",), content_length=claimed)) == "body-too-large"
    assert guarded.read == 0
    assert guarded.ask("POST", body=(b"x" * MAX_BODY_BYTES,), content_length=str(MAX_BODY_BYTES))[0] == 200


def test_a_body_that_says_nothing_is_read_no_further_than_it_may(http: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1000 + 2):
            yield b"x" * 1000

    answer = http.post("/v1/searches", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert http.get("/health/ready").status_code == 200


def test_archives_may_be_larger_where_they_are_put() -> None:
    guarded, claimed = Guarded(), str(2**30)
    zipped = {"content_type": "application/zip; x=y", "content_length": claimed}
    assert guarded.ask("PUT", "/v1/datasets/photos", **zipped)[0] == 200
    assert guarded.ask("POST", "/v1/datasets/photos", **zipped)[0] == 413
    assert guarded.ask("PUT", "/v1/searches/x", **zipped)[0] == 413
    assert guarded.ask("PUT", "/v1/datasets/photos", content_length=claimed)[0] == 413


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_refused(http: httpx.Client, depth: int, opening: str, closing: str) -> None:
    body = '{"name": ' + opening * depth + "0" + closing * depth + "}"
    answer = http.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "deep" in answer.json()["detail"]


@pytest.mark.parametrize("part", ["[]", "{}", '{"metric":"psnr"}', "0"])
def test_a_flood_of_values_is_refused(http: httpx.Client, part: str) -> None:
    body = '{"constraints": [' + ",".join([part] * (MAX_BODY_BYTES // (len(part) + 1) - 10)) + "]}"
    answer = http.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert str(MAX_VALUES) in answer.json()["detail"]


def test_an_answer_lists_so_many_problems_only(http: httpx.Client) -> None:
    answer = http.post("/v1/searches", json={f"field{number}": 0 for number in range(MOST_PROBLEMS + 1)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MOST_PROBLEMS
    assert f"{MOST_PROBLEMS + 2} problems" in answer.json()["detail"]


def test_json_that_is_not_deep_is_looked_at(http: httpx.Client) -> None:
    depth = MAX_DEPTH - 3
    answer = http.post("/v1/searches", json={"name": json.loads("[" * depth + "]" * depth)})
    assert answer.status_code == 422


def test_a_path_with_nul_is_of_nothing(http: httpx.Client) -> None:
    assert http.get("/v1/searches/%00").status_code == 404


# -- headers of answers ------------------------------------------------------------------------------------------------


@contextmanager
def policies(answer: httpx.Response) -> Iterator[str]:
    for name, value in {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }.items():
        assert answer.headers.get_list(name) == [value], (answer.url, name)
    (policy,) = answer.headers.get_list("content-security-policy")
    yield policy


@pytest.mark.parametrize("path", ["/v1/searches", "/v1/searches/nope", "/v2", "/health/live", "/openapi.json"])
def test_every_answer_is_kept_from_other_pages(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    with policies(answer) as policy:
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
    assert "no-store" in answer.headers["cache-control"] or "etag" in answer.headers


def test_defects_and_refusals_are_kept_too(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.service.Service.audit", None)
    with capture_logs():
        answers = http.get("/v1/audit"), http.get("/v1/me", headers={"Host": "x"}), http.put("/v1/me")
    for answer in answers:
        assert answer.status_code in (400, 405, 500)
        with policies(answer) as policy:
            assert "default-src 'none'" in policy


def test_the_page_of_a_front_runs_its_script_in_an_origin_of_its_own(http: httpx.Client, recorded: Any) -> None:
    page = http.get(f"/v1/searches/{recorded.id}/front?format=html")
    with policies(page) as policy:
        assert "sandbox allow-scripts" in policy
        assert "allow-same-origin" not in policy
        assert "script-src 'unsafe-inline';" in policy


def test_a_route_s_own_headers_stand(http: httpx.Client, recorded: Any) -> None:
    drawing = http.get(f"/v1/candidates/{recorded.candidates[0].id}/drawing.svg")
    assert drawing.headers.get_list("cache-control") == ["private, max-age=86400"]
    assert len(drawing.headers.get_list("content-security-policy")) == 1


def test_only_configured_origins_may_read_answers(tmp_path: Path) -> None:
    settings = ApiSettings(home=tmp_path, require_token=True, cors_origins="https://lab.example")
    store = MemoryStore()
    token = Tokens(store, utc_now).create("alice", Role.VIEWER, by="root")[1]
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    with connect(create_app(settings, store)) as http:
        allowed = http.options("/v1/me", headers={"Origin": "https://lab.example"} | asks)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://lab.example")
        assert "access-control-allow-credentials" not in allowed.headers
        assert http.options("/v1/me", headers={"Origin": "https://evil.example"} | asks).status_code == 400
        headers = {"Origin": "https://lab.example", "Authorization": f"Bearer {token}"}
        assert http.get("/v1/me", headers=headers).headers["access-control-allow-origin"] == "https://lab.example"
        refused = http.get("/v1/me", headers={"Origin": "https://lab.example"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://lab.example")


def test_no_origin_may_read_answers_by_default(http: httpx.Client) -> None:
    answer = http.get("/v1/me", headers={"Origin": "https://lab.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
