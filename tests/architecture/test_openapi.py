"""The committed OpenAPI document is that of the code, and says what callers rely on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.openapi import document, text

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return document()


def operations(openapi: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in openapi["paths"].values():
        yield from path.values()


def test_the_committed_document_is_up_to_date() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text(), "run `make openapi` and commit the result"


def test_settings_do_not_change_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    before = text()
    monkeypatch.setenv("SRNAS_HOST", "0.0.0.0")
    assert text() == before


def test_a_search_is_submitted_as_a_spec(openapi: dict[str, Any]) -> None:
    submit = openapi["paths"]["/v1/searches"]["post"]
    assert submit["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/SearchSpec")
    assert openapi["components"]["schemas"]["SearchSpec"]["required"] == ["dataset"]
    assert "Location" in submit["responses"]["202"]["headers"]


def test_every_error_is_a_problem(openapi: dict[str, Any]) -> None:
    for operation in operations(openapi):
        errors = {status: response for status, response in operation["responses"].items() if status >= "4"}
        assert errors
        for response in errors.values():
            (media_type,) = response["content"]
            assert media_type == "application/problem+json"
            assert response["content"][media_type]["schema"]["$ref"].endswith("/ProblemView")


def test_operations_have_readable_ids_and_known_tags(openapi: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in operations(openapi)]
    assert len(set(ids)) == len(ids)
    assert all(name.replace("_", "").isalpha() for name in ids)
    known = {tag["name"] for tag in openapi["tags"]}
    assert all(set(operation["tags"]) <= known for operation in operations(openapi))


def test_every_reference_leads_somewhere(openapi: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for entry in value.values():
                yield from references(entry)
        elif isinstance(value, list):
            for entry in value:
                yield from references(entry)

    schemas = openapi["components"]["schemas"]
    names = {reference.removeprefix("#/components/schemas/") for reference in references(openapi)}
    assert names <= set(schemas)
