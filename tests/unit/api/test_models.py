"""Finished models over REST: listed, exported, and their benchmarks read once there are any."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, finish_training, make_benchmark
from nas.export.benchmark_document import BenchmarkDocument
from nas.export.benchmark_row import as_csv, as_markdown, to_json
from nas.records import BENCHMARK, ArtifactState
from nas.store.memory import MemoryStore


@pytest.fixture
def model(http: httpx.Client, store: MemoryStore, recorded: Any) -> dict[str, Any]:
    http.post(f"/v1/candidates/{recorded.candidates[1].id}/trainings", json={"recipe": SHORT_RECIPE})
    training = finish_training(store)
    answer = http.get(f"/v1/models/{training.id}")
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def keep_benchmark(store: MemoryStore, settings: ApiSettings) -> BenchmarkDocument:
    """Make the oldest file that is asked for: a benchmark."""
    claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
    assert claimed is not None
    assert claimed.format == BENCHMARK
    document = make_benchmark()
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "benchmark.json").write_text(json.dumps(to_json(document)))
    ready = replace(claimed, state=ArtifactState.READY, path="benchmark.json", sha256="0" * 64, size_bytes=1)
    store.finish_artifact(replace(ready, finished_at=datetime.now(UTC)))
    return document


def test_a_model_says_what_it_is_what_it_scores_and_where_it_comes_from(
    http: httpx.Client, recorded: Any, model: dict[str, Any]
) -> None:
    candidate = recorded.candidates[1]
    assert (model["candidate_id"], model["search_id"], model["genotype"]) == (
        candidate.id,
        recorded.id,
        str(candidate.genotype),
    )
    assert (model["scale"], model["channels"], model["recipe"], model["steps"]) == (2, 1, "quick", 100)
    assert (model["search_psnr_db"], model["bicubic_psnr_db"]) == (32.0, 28.0)
    assert model["final"]["psnr_db"] > 36
    assert http.get(model["links"]["training"]).json()["links"]["model"] == model["links"]["self"]
    assert http.get("/v1/models").json() == {"items": [model], "next": None}


def test_models_are_listed_page_by_page(http: httpx.Client, store: MemoryStore, recorded: Any) -> None:
    for candidate in recorded.candidates[:3]:
        http.post(f"/v1/candidates/{candidate.id}/trainings", json={"recipe": SHORT_RECIPE})
        finish_training(store)
    first = http.get("/v1/models?limit=2").json()
    assert first["next"] == first["items"][-1]["id"]
    assert len(http.get(f"/v1/models?before={first['next']}").json()["items"]) == 1


def test_what_is_not_completed_is_no_model(http: httpx.Client, store: MemoryStore, recorded: Any) -> None:
    path = f"/v1/candidates/{recorded.candidates[1].id}/trainings"
    waiting = http.post(path, json={"recipe": SHORT_RECIPE}).json()["id"]
    for name in (waiting, "nothing"):
        for below in ("", "/exports", "/benchmark"):
            assert http.get(f"/v1/models/{name}{below}").status_code == 404
        assert http.post(f"/v1/models/{name}/exports", json={"format": "onnx"}).status_code == 404


def test_files_of_a_model_are_apart_from_those_of_its_candidate(
    http: httpx.Client, recorded: Any, model: dict[str, Any]
) -> None:
    candidate = f"/v1/candidates/{model['candidate_id']}/exports"
    own = http.post(candidate, json={"format": "onnx"}).json()
    exports = model["links"]["exports"]
    answer = http.post(exports, json={"format": "onnx-int8"})
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, made["links"]["self"])
    assert http.post(exports, json={"format": "onnx-int8"}).json() == made
    assert (made["model_id"], made["filename"]) == (model["id"], f"srnas-{model['id']}-int8.onnx")
    assert (own["model_id"], own["filename"]) == (None, f"srnas-{model['candidate_id']}.onnx")
    assert http.get(exports).json()["items"] == [made]
    assert http.get(candidate).json()["items"] == [own, made]
    refused = http.post(exports, json={"format": "tiff"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "format")
    assert http.post(candidate, json={"format": BENCHMARK}).status_code == 422


def test_pictures_of_a_model_are_apart_from_those_of_its_candidate(http: httpx.Client, model: dict[str, Any]) -> None:
    own = http.post(f"/v1/candidates/{model['candidate_id']}/pictures").json()
    answer = http.post(f"/v1/models/{model['id']}/pictures")
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, made["links"]["self"])
    assert (own["model_id"], made["model_id"], made["filename"]) == (
        None,
        model["id"],
        f"srnas-{model['id']}-pictures.zip",
    )
    assert http.get(model["links"]["exports"]).json()["items"] == [made]
    assert http.post("/v1/models/0123456789ab/pictures").status_code == 404


def test_a_benchmark_is_a_conflict_with_a_hint_until_it_is_made(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, model: dict[str, Any]
) -> None:
    path = model["links"]["benchmark"]
    none = http.get(path)
    assert (none.status_code, none.json()["type"]) == (409, "urn:srnas:problem:not-benchmarked")
    assert "export of the format benchmark" in none.json()["hint"]
    assert http.post(model["links"]["exports"], json={"format": BENCHMARK}).status_code == 202
    unready = http.get(path)
    assert (unready.status_code, unready.json()["type"]) == (409, "urn:srnas:problem:not-ready")
    document = keep_benchmark(store, settings)
    assert http.get(path).json() == to_json(document)
    for form, text in {"md": as_markdown(document), "csv": as_csv(document)}.items():
        answer = http.get(path, params={"format": form})
        assert answer.text == text
        assert answer.headers["content-type"].startswith(f"text/{'markdown' if form == 'md' else 'csv'}")
    assert http.get(path, params={"format": "pdf"}).status_code == 422


def test_a_benchmark_that_failed_is_asked_for_again(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, model: dict[str, Any]
) -> None:
    failed = http.post(model["links"]["exports"], json={"format": BENCHMARK}).json()
    claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
    assert claimed is not None
    ended = replace(claimed, state=ArtifactState.FAILED, finished_at=datetime.now(UTC))
    store.finish_artifact(replace(ended, detail={"error": "there is no set", "hint": "put one there"}))
    refused = http.get(model["links"]["benchmark"]).json()
    assert (refused["status"], refused["hint"]) == (409, "put one there")
    assert refused["detail"].endswith("is failed: there is no set")
    again = http.post(model["links"]["exports"], json={"format": BENCHMARK}).json()
    assert again["id"] != failed["id"]
    keep_benchmark(store, settings)
    assert http.get(model["links"]["benchmark"]).status_code == 200
