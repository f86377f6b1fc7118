"""The page on which a search is set up: who may open it, and what its URL fills it from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.cookies import COOKIE
from api.headers import SITE
from api.settings import ApiSettings
from api.testing import connect
from nas.presets import PRESETS
from nas.records import Role
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

BROWSER = {"Accept": "text/html"}


def show(http: httpx.Client, query: str = "", status: int = 200) -> str:
    """The page, if it is one as all of them are."""
    answer = http.get(f"/searches/new{query}", headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"].encode() == SITE
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", answer.text)
    return answer.text


def test_every_control_has_an_id_of_its_own_a_label_and_words_that_are_there(http: httpx.Client) -> None:
    text = show(http)
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 100
    controls = re.findall(r'<(?:input type="text"|select|textarea) id="(f-[^"]+)"', text)
    assert set(controls) <= set(re.findall(r'for="([^"]+)"', text))
    pointed = {id for value in re.findall(r'aria-describedby="([^"]+)"', text) for id in value.split()}
    assert {id for id in pointed if "*" not in id} <= set(ids)


def test_presets_are_offered_with_their_documents_and_the_url_chooses_one(http: httpx.Client) -> None:
    text = show(http, "?preset=balanced")
    radios = re.findall(r'name="preset" value="([\w-]+)" data-title="[^"]+" data-document="([^"]+)"( checked)?', text)
    documents = {name: json.loads(unescape(document)) for name, document, _ in radios}
    assert documents == {name: dict(preset.document) for name, preset in PRESETS.items()}
    assert [name for name, _, checked in radios if checked] == ["balanced"]


def test_datasets_of_the_service_are_choices(http: httpx.Client, client: Any) -> None:
    text = show(http)
    (train,) = re.findall(r'<select id="f-dataset-train".*?</select>', text, re.DOTALL)
    offered = [json.loads(unescape(value)) for value in re.findall(r'<option value="([^"]+)"', train)]
    assert offered == [listed.name for listed in client.datasets()]
    assert re.search(r'id="no-datasets"[^>]* hidden>', text)


def test_without_images_the_way_to_some_is_shown(settings: ApiSettings, store: MemoryStore) -> None:
    empty = settings.model_copy(update={"images_root": settings.home / "none"})
    with connect(create_app(empty, store)) as http:
        text = show(http)
    assert re.search(r'id="no-datasets" class="hint">', text)
    assert '<select id="f-dataset-train"' in text, "images that come later can be chosen"
    assert "SRNAS_URL=http://localhost srnas datasets upload" in text


def test_what_a_dataset_holds_is_told_in_a_line(http: httpx.Client) -> None:
    told = http.get("/searches/new/images?name=photos")
    assert re.fullmatch(r"\d+ images, [\d.]+ [KM]iB, layout [\w-]+; LR images are made of them", told.text)
    assert http.get("/searches/new/images?name=none").status_code == 404


def test_a_search_and_a_candidate_fill_the_form(http: httpx.Client, recorded: Any) -> None:
    text = show(http, f"?from={recorded.id}&start={recorded.id}-1")
    genotype = str(recorded.candidates[1].genotype)
    assert f'data-from="{recorded.id}"' in text
    assert f'data-start="{genotype}"' in unescape(text)
    assert "Begin with</legend>" not in text
    assert show(http, f"?start={recorded.id}-1").count(f'data-from="{recorded.id}"') == 1


@pytest.mark.parametrize("query", ["?preset=none", "?from=00000000", "?from=%3Cscript%3E", "?start=none"])
def test_what_is_not_there_is_told(http: httpx.Client, query: str) -> None:
    assert "<h1>Not found</h1>" in show(http, query, 404)


def test_the_list_of_searches_leads_there(http: httpx.Client) -> None:
    assert '<a class="button main" href="/searches/new">New search</a>' in http.get("/", headers=BROWSER).text


@pytest.fixture
def guarded(settings: ApiSettings, store: MemoryStore) -> Iterator[httpx.Client]:
    with connect(create_app(settings.model_copy(update={"require_token": True}), store)) as http:
        yield http


def test_a_viewer_is_told_what_it_takes(guarded: httpx.Client, store: MemoryStore) -> None:
    tokens = Tokens(store, utc_now)
    for role, status in ((Role.VIEWER, 403), (Role.SUBMITTER, 200)):
        guarded.cookies.set(COOKIE, tokens.create(f"some-{role}", role, by="root")[1])
        text = show(guarded, status=status)
        assert ("takes the role <em>submitter</em>" in text) is (role is Role.VIEWER)
        assert ('id="spec"' in text) is (role is not Role.VIEWER)
    guarded.cookies.clear()
    assert guarded.get("/searches/new?preset=balanced", headers=BROWSER).headers["location"] == (
        "/sign-in?next=%2Fsearches%2Fnew%3Fpreset%3Dbalanced"
    )
