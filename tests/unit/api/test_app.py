"""What holds for every route: errors, hosts, health, spaces, the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

import nas.pareto
from api.app import create_app
from api.errors import KINDS, kind_of
from api.settings import ApiSettings
from api.testing import connect
from nas.checks import InvalidSpec
from nas.store.base import NotFound, StoreUnavailable, WrongSchema
from nas.store.memory import MemoryStore
from nas.store.opening import open_store
from nas.testing import make_worker
from search_space.errors import UnknownSpace
from search_space.spaces import FALSR, SPACES


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v2", 404), ("PUT", "/v1/searches", 405)])
def test_routes_that_do_not_exist_are_problems_too(http: httpx.Client, method: str, path: str, status: int) -> None:
    refused = http.request(method, path)
    assert refused.status_code == refused.json()["status"] == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]


def test_a_method_that_does_not_exist_is_told_one_that_does(http: httpx.Client) -> None:
    assert "POST" in http.put("/v1/searches").headers["allow"]


def test_a_defect_tells_nothing_outside_and_everything_in_the_log(
    http: httpx.Client, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("nas.standing.make_front", broken)
    with capture_logs() as log:
        answer = http.get(f"/v1/searches/{recorded.id}/front")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["type"] == "urn:srnas:problem:defect"
    assert any("secret" in repr(entry.get("exc_info")) for entry in log)
    assert nas.pareto.front is not broken


class Broken:
    """A store that is out of reach."""

    def __getattr__(self, verb: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise StoreUnavailable("password@host")

        return fail


def test_a_store_out_of_reach_is_not_the_callers_fault(settings: ApiSettings) -> None:
    with connect(create_app(settings, Broken())) as http:  # type: ignore[arg-type]  # it answers to any verb
        assert http.get("/health/live").json()["status"] == "live"
        for path in ("/health/ready", "/v1/searches"):
            with capture_logs() as log:
                answer = http.get(path)
            (logged,) = [entry["exc_info"] for entry in log if "exc_info" in entry]
            assert "password" in repr((logged, logged.__cause__))
            assert answer.status_code == 503
            assert "password" not in answer.text
            assert answer.json()["hint"]


def test_health_is_ready_while_the_store_answers_and_somebody_advances_searches(
    http: httpx.Client, store: MemoryStore
) -> None:
    now = datetime.now(UTC)
    worker = replace(make_worker("a"), seen_at=now)
    store.record_workers("controller-1", [worker], at=now, lease_s=30.0)
    found = http.get("/health/ready").json()
    assert (found["status"], found["hint"]) == ("ready", "")
    assert found["checks"] == {"store": "ok", "database_schema": "ok", "controllers": 1, "workers": 1}


def test_without_a_controller_health_says_so_and_all_can_be_read_still(http: httpx.Client) -> None:
    answer = http.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "controller" in answer.json()["hint"]
    assert http.get("/v1/searches").status_code == 200


def test_tables_of_another_version_are_not_ready(settings: ApiSettings) -> None:
    class Newer(MemoryStore):  # type: ignore[misc]  # final for users, not for this test
        def check_schema(self) -> None:
            raise WrongSchema("made by a newer srnas")

    with connect(create_app(settings, Newer())) as http:
        assert http.get("/health/ready").status_code == 503
        assert http.get("/health/live").status_code == 200


@pytest.mark.parametrize(("sent", "kept"), [("req-1.a_B", True), ("x" * 65, False), ("a b", False), ("", False)])
def test_a_request_goes_by_the_id_that_its_caller_gave_if_it_is_sane(http: httpx.Client, sent: str, kept: bool) -> None:
    given = http.get("/health/live", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert (given == sent) is kept
    assert given


def test_every_line_of_a_request_bears_its_id_and_who_asks(settings: ApiSettings) -> None:
    """Those of its failures too, and nothing of it is left for the next."""
    app = create_app(settings, Broken())  # type: ignore[arg-type]  # it answers to any verb
    with connect(app) as http, capture_logs(processors=[merge_contextvars]) as log:
        ids = [http.get(path).headers["X-Request-Id"] for path in ("/v1/searches", "/health/live", "/nowhere")]
    assert [entry["request"] for entry in log] == [ids[0], *ids]
    assert [entry.get("who", "") for entry in log] == ["local", "local", "", "local"]
    assert len(set(ids)) == 3


def test_foreign_host_names_are_refused(http: httpx.Client) -> None:
    assert http.get("/health/live", headers={"Host": "rebound.example"}).status_code == 400
    for name in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        assert http.get("/health/live", headers={"Host": name}).status_code == 200


def test_requests_are_logged(http: httpx.Client) -> None:
    with capture_logs() as log:
        http.get("/v1/searches/ffffffff")
    (entry,) = [entry for entry in log if entry["event"] == "request"]
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/v1/searches/ffffffff", 404)
    assert entry["ms"] >= 0


def test_a_subclass_goes_out_like_its_nearest_base() -> None:
    assert kind_of(InvalidSpec([])).status == 422
    assert kind_of(UnknownSpace("x", ["y"])).status == 404
    assert kind_of(NotFound("search", "x")).status == 404
    assert kind_of(StoreUnavailable("x")).status == 503


def test_every_kind_of_problem_comes_with_a_hint() -> None:
    for error, kind in KINDS.items():
        assert kind.hint or hasattr(error, "hint") or error.__name__ in ("NotFound", "NotReady"), error


def test_spaces_are_listed(http: httpx.Client) -> None:
    spaces = http.get("/v1/spaces").json()["items"]
    assert [space["name"] for space in spaces] == list(SPACES)


def test_a_space_tells_its_genes_size_and_schema(http: httpx.Client) -> None:
    view = http.get("/v1/spaces/falsr").json()
    assert view["size"] == str(FALSR.size)
    assert view["n_genes"] == len(view["genes"]) == 63
    assert view["genotype_schema"] == FALSR.json_schema()


def test_an_unknown_space_is_not_found(http: httpx.Client) -> None:
    refused = http.get("/v1/spaces/vast")
    assert refused.status_code == 404
    assert "tiny" in refused.json()["hint"]


def test_a_given_store_stays_open(settings: ApiSettings) -> None:
    closed = []

    class Watched(MemoryStore):  # type: ignore[misc]  # final for users, not for this test
        def close(self) -> None:
            closed.append(True)

    with connect(create_app(settings, Watched())) as http:
        assert http.get("/health/ready").status_code == 200
    assert not closed


def test_the_store_that_settings_name_is_opened(tmp_path: Path) -> None:
    settings = ApiSettings(home=tmp_path)
    with connect(create_app(settings)) as http:
        assert http.get("/v1/searches").json() == {"items": [], "next": None}
    store = open_store(settings.database)
    assert store.searches() == []
    store.close()
