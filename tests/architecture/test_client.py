"""The typed client has a method for every operation of the OpenAPI document, and it asks just that operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.client import ApiError, Client
from api.openapi import document
from api.schemas import ArtifactView, SearchChange
from nas.records import Role
from nas.testing import make_artifact

ARCHIVE = Path(__file__)  # nobody opens it

CALLS: Mapping[str, Callable[[Client], Any]] = {
    "submit_search": lambda client: client.submit({}),
    "estimate_search": lambda client: client.estimate({}),
    "list_presets": lambda client: client.presets(),
    "clone_search": lambda client: client.clone("x"),
    "list_searches": lambda client: next(client.searches()),
    "get_search": lambda client: client.search("x"),
    "change_search": lambda client: client.change("x", SearchChange(priority=1)),
    "extend_search": lambda client: client.extend("x", {"evaluations": 2}),
    "pause_search": lambda client: client.pause("x"),
    "resume_search": lambda client: client.resume("x"),
    "cancel_search": lambda client: client.cancel("x"),
    "get_statistics": lambda client: client.statistics("x"),
    "get_history": lambda client: client.history("x"),
    "list_events": lambda client: next(client.events("x")),
    "get_front": lambda client: client.front("x"),
    "get_cloud": lambda client: client.cloud("x"),
    "list_candidates": lambda client: next(client.candidates("x")),
    "get_candidate": lambda client: client.candidate("x"),
    "draw_candidate": lambda client: client.drawing("x"),
    "request_export": lambda client: client.export("x", "onnx"),
    "request_analysis": lambda client: client.analyse("x"),
    "request_pictures": lambda client: client.pictures("x"),
    "list_exports": lambda client: client.exports("x"),
    "list_recipes": lambda client: client.recipes(),
    "request_training": lambda client: client.finish("x"),
    "list_candidate_trainings": lambda client: client.trainings_of("x"),
    "list_search_trainings": lambda client: client.search_trainings("x"),
    "list_trainings": lambda client: next(client.trainings()),
    "get_training": lambda client: client.training("x"),
    "cancel_training": lambda client: client.cancel_training("x"),
    "list_models": lambda client: next(client.models()),
    "get_model": lambda client: client.model("x"),
    "request_model_export": lambda client: client.export_model("x", "onnx"),
    "request_model_pictures": lambda client: client.model_pictures("x"),
    "list_model_exports": lambda client: client.model_exports("x"),
    "get_benchmark": lambda client: client.benchmark("x"),
    "upscale_image": lambda client: client.upscale("x", b""),
    "get_artifact": lambda client: client.artifact("x"),
    "get_part": lambda client: client.artifact_part("x", "x"),
    "download_bundle": lambda client: client.bundle("x", ARCHIVE),
    "download_artifact": lambda client: client.download("x", ARCHIVE),
    "list_workers": lambda client: client.workers(),
    "list_datasets": lambda client: client.datasets(),
    "get_dataset": lambda client: client.dataset("x"),
    "register_folder": lambda client: client.add_folder("x", "folder"),
    "upload_dataset": lambda client: client.upload("x", ARCHIVE),
    "remove_dataset": lambda client: client.remove_dataset("x"),
    "get_me": lambda client: client.permits.me(),
    "list_tokens": lambda client: client.permits.tokens(),
    "create_token": lambda client: client.permits.create_token("x", Role.VIEWER),
    "revoke_token": lambda client: client.permits.revoke_token("x"),
    "list_audit": lambda client: next(client.permits.audit()),
    "list_spaces": lambda client: client.spaces(),
    "read_space": lambda client: client.space("x"),
    "live": lambda client: client.live(),
    "ready": lambda client: client.ready(),
    "get_metrics": lambda client: client.metrics(),
}

PROBLEM = {"type": "urn:x", "title": "No", "status": 404, "detail": "no", "hint": "", "errors": []}

SAME: Mapping[str, str] = {"delete_search": "cancel_search"}
"""Operations that do what another one does."""

OPERATIONS: Mapping[str, tuple[str, str]] = {
    operation["operationId"]: (method.upper(), path)
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}


def test_every_operation_has_a_method_and_no_method_is_of_an_operation_that_is_gone() -> None:
    assert set(OPERATIONS) == {*CALLS, *SAME}
    assert set(SAME.values()) <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_method_asks_its_operation(name: str) -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        if name == "download_artifact" and len(asked) == 1:  # it looks at the artifact first
            return httpx.Response(200, json=ArtifactView.of(make_artifact()).model_dump(mode="json"))
        return httpx.Response(404, json=PROBLEM)

    with Client("http://localhost", httpx.MockTransport(answer)) as client, suppress(ApiError):
        CALLS[name](client)
    method, path = OPERATIONS[name]
    assert [how for how, where in asked if re.fullmatch(re.sub(r"\{\w+\}", "x", path), where)] == [method]
