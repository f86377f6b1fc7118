"""The page of the REST interface: complete, found by words, and without anything from elsewhere."""

from __future__ import annotations

import re
import shlex
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.cookies import COOKIE
from api.dashboard.reference import curl, groups, roles
from api.dashboard.shapes import example, names, objects, words
from api.headers import SITE
from api.openapi import document
from api.settings import ApiSettings
from api.testing import connect
from nas.records import Role
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

SHOWN = re.compile(
    r'<details class="operation">\n<summary><span class="method \w+">(\w+)</span> <code class="path">([^<]+)</code>'
)
HIDDEN = re.compile(r'<details class="operation" hidden>')


@cache
def openapi() -> dict[str, Any]:
    return document()


def tokens(command: str) -> list[str]:
    """As a shell splits it; lines that end with a backslash go on."""
    return shlex.split(command.replace("\\\n", ""))


def operations() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}


@pytest.fixture
def page(http: httpx.Client) -> str:
    answer = http.get("/docs")
    assert (answer.status_code, answer.headers["content-security-policy"]) == (200, SITE.decode())
    return answer.text


def test_every_route_is_told_of_once(page: str) -> None:
    shown = SHOWN.findall(page)
    assert sorted(shown) == sorted(operations())
    assert f">{len(shown)} routes<" in page


def test_nothing_comes_from_elsewhere_and_nothing_runs_inline(page: str) -> None:
    loaded = re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', page)
    assert len(loaded) > 3
    assert all(url.startswith("/static/") for url in loaded)
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", page)


def test_every_link_within_the_page_leads_to_one_place(page: str) -> None:
    anchors = re.findall(r'\sid="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)


def test_every_object_of_the_document_is_told_of(page: str) -> None:
    schemas = openapi()["components"]["schemas"]
    for name, schema in schemas.items():
        if schema.get("properties"):
            (told,) = re.findall(rf'id="{name}">(.*?)</div>\n</details>', page, re.DOTALL)
            for key in schema["properties"]:
                assert f"<code>{key}</code></th>" in told, (name, key)


def test_words_are_looked_for_by_the_service_too(http: httpx.Client) -> None:
    found = http.get("/docs", params={"q": "GET /cloud"}).text
    assert SHOWN.findall(found) == [("GET", "/v1/searches/{search_id}/cloud")]
    assert len(HIDDEN.findall(found)) == len(operations()) - 1
    assert f">1 of {len(operations())} routes<" in found
    assert 'value="GET /cloud"' in found
    assert SHOWN.findall(http.get("/docs", params={"q": "<nothing>"}).text) == []


def test_everybody_may_read_it_and_whoever_is_signed_in_stays_so(tmp_path: Path) -> None:
    settings, store = ApiSettings(home=tmp_path, images_root=tmp_path, require_token=True), MemoryStore()
    token = Tokens(store, utc_now).create("ada", Role.VIEWER, by="root")[1]
    with connect(create_app(settings, store)) as http:
        for cookie, named in (("", False), (f"{COOKIE}=wrong", False), (f"{COOKIE}={token}", True)):
            answer = http.get("/docs", headers={"Cookie": cookie})
            assert answer.status_code == 200
            assert "bears a token" in answer.text
            assert ('aria-label="Main"' in answer.text, "ada" in answer.text) == (named, named)


def test_roles_are_those_that_the_guards_ask_for(page: str) -> None:
    def role(name: str) -> str:
        (text,) = re.findall(rf'id="{name}">.*?<p class="note">(.*?)<a', page, re.DOTALL)
        return re.sub("<[^>]+>", "", str(text)).strip()

    assert role("live") == "Open to everybody."
    assert role("get_search") == "Takes the role viewer."
    assert role("submit_search") == "Takes the role submitter."
    assert role("create_token") == role("list_audit") == "Takes the role admin."


def test_examples_are_commands_that_a_shell_takes(page: str) -> None:
    shown = [unescape(text) for text in re.findall(r'<pre tabindex="0"[^>]*><code>(curl.*?)</code>', page, re.DOTALL)]
    assert len(shown) == len(operations())
    for text in shown:
        command, *options = tokens(text)
        assert command == "curl"
        assert options[-1].startswith("http://localhost/")


def test_the_example_of_a_submission_is_a_spec() -> None:
    schemas = openapi()["components"]["schemas"]
    assert example({"$ref": "#/components/schemas/SearchSpec"}, schemas) == {"dataset": {"train": "TRAIN"}}
    submit = openapi()["paths"]["/v1/searches"]["post"]
    command = curl("http://host", "POST", "/v1/searches", submit, schemas)
    assert tokens(command)[-3:] == ["-d", '{"dataset": {"train": "TRAIN"}}', "http://host/v1/searches"]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "anything"),
        ({"type": "string", "format": "date-time"}, "time (ISO 8601)"),
        ({"type": "string", "minLength": 1}, "text, at least 1 characters"),
        ({"type": "string", "pattern": "^a$"}, "text, like ^a$"),
        ({"type": "number", "exclusiveMinimum": 0.5}, "number, more than 0.5"),
        ({"type": "integer", "maximum": 2048.0}, "integer, at most 2,048"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number by name"),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"const": 1}], "maxItems": 2},
            "list of integer and always 1",
        ),
        ({"type": "array", "items": {"$ref": "#/x/Row"}, "minItems": 1, "maxItems": 5}, "list of Row, 1 to 5 of them"),
        ({"anyOf": [{"$ref": "#/x/Word"}, {"type": "null"}]}, '"a" or null'),
    ],
)
def test_schemas_are_told_in_words(schema: dict[str, Any], text: str) -> None:
    schemas = {"Row": {"type": "object", "properties": {}}, "Word": {"enum": ["a"]}}
    assert words(schema, schemas) == text


def test_an_object_that_holds_itself_is_named_rather_than_told_of_for_ever() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/x/Tree"}}}
    (told,) = objects(tree, {"Tree": tree})
    assert (told.fields[0].names, told.fields[0].objects) == (("Tree",), ())
    assert names({"$ref": "#/x/Tree"}, {"Tree": tree}) == ("Tree",)


def test_routes_without_a_known_role_are_shown_all_the_same() -> None:
    found = groups(openapi(), roles([]), "http://host")
    assert {operation.role for group in found for operation in group.operations} == {""}
