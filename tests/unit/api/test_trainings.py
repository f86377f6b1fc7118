"""Full trainings over REST: asked for, looked at, cancelled, and who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, connect, finish_training
from nas.records import Role, TrainingId
from nas.store.memory import MemoryStore
from nas.testing import make_training_progress, make_worker
from nas.tokens import make_token

SHORT = {"recipe": SHORT_RECIPE}


@pytest.fixture
def asked(http: httpx.Client, recorded: Any) -> dict[str, Any]:
    answer = http.post(f"/v1/candidates/{recorded.candidates[1].id}/trainings", json=SHORT)
    assert answer.status_code == 202, answer.text
    view: dict[str, Any] = answer.json()
    assert answer.headers["location"] == view["links"]["self"]
    return view


def test_a_training_is_asked_for_once_and_found_everywhere(
    http: httpx.Client, recorded: Any, asked: dict[str, Any]
) -> None:
    assert http.post(f"/v1/candidates/{asked['candidate_id']}/trainings", json=SHORT).json() == asked
    assert http.get(asked["links"]["self"]).json() == asked
    summary = {name: value for name, value in asked.items() if name in http.get("/v1/trainings").json()["items"][0]}
    for path in ("/v1/trainings", f"/v1/candidates/{asked['candidate_id']}/trainings"):
        assert http.get(path).json()["items"] == [summary]
    of_search = http.get(f"/v1/searches/{recorded.id}/trainings").json()
    assert of_search["items"] == [summary]
    assert "0 finished alike" in of_search["agreement"]["warning"]
    assert (asked["status"], asked["owner"], asked["recipe"]["steps"]) == ("queued", "local", 100)
    assert "model" not in asked["links"]


def test_a_shown_training_can_be_asked_for_again_by_its_own_words(http: httpx.Client, asked: dict[str, Any]) -> None:
    same = {name: asked[name] for name in ("recipe", "dataset", "seed")}
    assert http.post(f"/v1/candidates/{asked['candidate_id']}/trainings", json=same).json()["id"] == asked["id"]


def test_progress_is_what_is_safe_and_what_its_worker_last_told(
    http: httpx.Client, store: MemoryStore, asked: dict[str, Any]
) -> None:
    assert asked["progress"]["seconds_left"] == asked["progress"]["expected_s"]
    finish_training(store, 20)
    seen = http.get(asked["links"]["self"]).json()
    reached = seen["progress"]
    assert (reached["step"], reached["safe_step"], reached["fraction"]) == (20, 20, 0.2)
    assert reached["seconds_left"] == pytest.approx(reached["train_s"] * 4)
    assert [point["step"] for point in seen["points"]] == [20]
    assert seen["worker"] is None
    candidate = store.candidate(store.training(TrainingId(asked["id"])).candidate_id)
    told = make_training_progress(step=60, steps=100)
    now = datetime.now(UTC)
    busy = make_worker(candidate=candidate, training_id=TrainingId(asked["id"]), progress=told, seen_at=now)
    store.record_workers("controller-1", [busy], at=now, lease_s=60.0)
    seen = http.get(asked["links"]["self"]).json()
    assert (seen["worker"], seen["training"]["step"]) == (busy.name, 60)
    assert (seen["progress"]["step"], seen["progress"]["safe_step"]) == (60, 20)
    (worker,) = http.get("/v1/workers").json()["items"]
    assert (worker["training_id"], worker["links"]["training"]) == (asked["id"], asked["links"]["self"])


def test_a_training_is_cancelled_and_one_that_has_ended_is_not(
    http: httpx.Client, store: MemoryStore, recorded: Any, asked: dict[str, Any]
) -> None:
    assert http.delete(asked["links"]["self"]).json()["status"] == "cancelled"
    assert http.delete(asked["links"]["self"]).status_code == 200
    again = http.post(f"/v1/candidates/{asked['candidate_id']}/trainings", json=SHORT).json()
    assert again["id"] != asked["id"]
    finish_training(store)
    refused = http.delete(again["links"]["self"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:srnas:problem:training-ended")
    assert refused.json()["hint"]
    assert http.get(again["links"]["self"]).json()["links"]["model"] == f"/v1/models/{again['id']}"


def test_every_problem_is_named_and_a_candidate_without_scores_is_a_conflict(http: httpx.Client, recorded: Any) -> None:
    wrong = {"recipe": {"name": "quick", "steps": 0, "patch": 4}, "dataset": {"train": "nothing"}}
    refused = http.post(f"/v1/candidates/{recorded.candidates[1].id}/trainings", json=wrong)
    assert refused.status_code == 422
    assert {problem["field"] for problem in refused.json()["errors"]} == {
        "recipe.steps",
        "recipe.patch",
        "dataset.train",
    }
    for candidate in recorded.candidates[3:]:
        conflict = http.post(f"/v1/candidates/{candidate.id}/trainings", json=SHORT)
        assert (conflict.status_code, conflict.json()["type"]) == (409, "urn:srnas:problem:not-finishable")
        assert conflict.json()["hint"]


def test_a_dry_run_checks_foretells_and_begins_nothing(http: httpx.Client, recorded: Any) -> None:
    path = f"/v1/candidates/{recorded.candidates[1].id}/trainings"
    answer = http.post(f"{path}?dry_run=true", json=SHORT)
    foretold = answer.json()
    assert (answer.status_code, foretold["steps"], foretold["candidate_id"]) == (200, 100, recorded.candidates[1].id)
    assert foretold["expected_s"] > 0
    assert http.get(path).json()["items"] == []
    asked = http.post(path, json={name: foretold[name] for name in ("recipe", "dataset", "seed")}).json()
    assert asked["progress"]["expected_s"] == foretold["expected_s"]
    assert http.post(f"{path}?dry_run=true", json={"seed": -1}).status_code == 422


@pytest.mark.parametrize(
    "path", ["trainings/x", "candidates/x/trainings", "searches/x/trainings", "recipes?candidate=x"]
)
def test_what_is_not_there_is_not_found(http: httpx.Client, path: str) -> None:
    assert http.get(f"/v1/{path}").status_code == 404


def test_trainings_are_listed_page_by_page_and_by_status(http: httpx.Client, store: MemoryStore, recorded: Any) -> None:
    path = f"/v1/candidates/{recorded.candidates[1].id}/trainings"
    ids = {http.post(path, json={**SHORT, "seed": seed}).json()["id"] for seed in range(3)}
    first = http.get("/v1/trainings?limit=2").json()
    rest = http.get(f"/v1/trainings?limit=2&before={first['next']}").json()
    assert {one["id"] for one in (*first["items"], *rest["items"])} == ids
    assert rest["next"] is None
    ended = finish_training(store)
    assert [one["id"] for one in http.get("/v1/trainings?status=completed").json()["items"]] == [ended.id]
    assert http.get("/v1/trainings?status=gone").status_code == 422


def test_recipes_say_what_they_are_for_and_how_long_they_take(http: httpx.Client, recorded: Any) -> None:
    plain = http.get("/v1/recipes").json()["items"]
    assert [recipe["name"] for recipe in plain] == ["quick", "standard", "paper"]
    assert all(recipe["purpose"] and recipe["expected_s"] is None for recipe in plain)
    query = f"/v1/recipes?candidate={recorded.candidates[1].id}&steps=1000"
    own = [recipe["expected_s"] for recipe in http.get(query).json()["items"]]
    taught = [recipe["expected_s"] for recipe in http.get(f"{query}&distilled=true").json()["items"]]
    assert all(longer > shorter > 0 for longer, shorter in zip(taught, own, strict=True))


def test_the_order_of_the_search_is_compared_with_the_final_one(
    http: httpx.Client, store: MemoryStore, recorded: Any
) -> None:
    for candidate in recorded.candidates[:3]:
        http.post(f"/v1/candidates/{candidate.id}/trainings", json=SHORT)
        done = finish_training(store)
        assert done.candidate_id == candidate.id
    found = http.get(f"/v1/searches/{recorded.id}/trainings").json()["agreement"]
    assert (len(found["training_ids"]), found["recipe"]) == (3, "quick")
    assert found["tau"] is None  # all three scored the same in the end
    assert "it takes 4" in found["warning"]


def test_a_submitter_finishes_own_candidates_only(
    settings: ApiSettings, store: MemoryStore, recorded: Any, asked: dict[str, Any]
) -> None:
    def bearer(name: str, role: Role) -> dict[str, str]:
        token, text = make_token(name, role, at=datetime.now(UTC), by="tests")
        store.add_token(token)
        return {"Authorization": f"Bearer {text}"}

    path = f"/v1/candidates/{recorded.candidates[0].id}/trainings"
    with connect(create_app(settings, store)) as http:
        stranger, viewer = bearer("eve", Role.SUBMITTER), bearer("vera", Role.VIEWER)
        for whose in (stranger, viewer):
            assert http.get(asked["links"]["self"], headers=whose).status_code == 200
            assert http.post(path, json=SHORT, headers=whose).status_code == 403
            assert http.delete(asked["links"]["self"], headers=whose).status_code == 403
        admin = bearer("ada", Role.ADMIN)
        assert http.post(path, json=SHORT, headers=admin).status_code == 202
