"""Estimates and presets over HTTP: the very checks of a submission, and nothing kept."""

from __future__ import annotations

from typing import Any

import httpx

from api.client import Client
from api.testing import record_search
from nas.presets import PRESETS
from nas.store.memory import MemoryStore


def test_an_estimate_is_of_the_spec_that_would_be_submitted(http: httpx.Client, spec: dict[str, Any]) -> None:
    asked = spec | {"objectives": ["params", "mult_adds"]}
    answer = http.post("/v1/estimates", json=asked)
    assert answer.status_code == 200
    assert http.get("/v1/searches").json()["items"] == []
    search = http.post("/v1/searches", json=asked).json()
    assert {name: answer.json()[name] for name in ("spec", "warnings")} == {
        name: search[name] for name in ("spec", "warnings")
    }
    found = answer.json()["estimate"]
    assert (found["trainings"], found["limited_by"], found["wall_s"]) == (10, "evaluations", None)


def test_a_refusal_is_that_of_a_submission(http: httpx.Client, spec: dict[str, Any]) -> None:
    wrong = spec | {"population": 1, "surplus": True, "dataset": {"train": "nowhere"}}
    refused, expected = (http.post(f"/v1/{path}", json=wrong) for path in ("estimates", "searches"))
    assert refused.status_code == 422
    assert refused.json()["errors"] == expected.json()["errors"]


def test_what_was_trained_before_gives_times(client: Client, store: MemoryStore, spec: dict[str, Any]) -> None:
    assert client.estimate(spec).estimate.wall_s is None
    client.submit(spec)
    record_search(store)
    found = client.estimate(spec).estimate
    assert found.wall_s is not None
    assert found.wall_s.low < found.wall_s.likely < found.wall_s.high
    assert found.basis.startswith("from 3 trainings recorded here")


def test_presets_are_listed_in_their_order_and_lack_nothing_but_images(client: Client, spec: dict[str, Any]) -> None:
    listed = client.presets()
    assert [preset.name for preset in listed] == list(PRESETS)
    for preset in listed:
        assert client.estimate({"dataset": spec["dataset"], **preset.document}).spec.name == ""
