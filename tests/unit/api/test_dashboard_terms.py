"""Words that say what they mean, and the pages that explain them in full."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.dashboard.log import SORTS, sort_of
from api.dashboard.terms import EVENTS, TERMS
from nas.records import SearchState, TrainingStatus
from nas.store import entries

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("word", TERMS)
def test_every_word_is_explained_in_full_by_the_reference(word: str) -> None:
    term = TERMS[word]
    assert term.known_as in (REFERENCE / term.page).read_text(encoding="utf-8")
    assert term.text.endswith(".")
    assert len(term.text) < 260


def test_every_kind_of_event_is_explained() -> None:
    written = re.findall(r'Entry\([\w.]+, "(\w+)"', inspect.getsource(entries))
    assert len(written) >= 10
    ended = {f"training_{status}" for status in TrainingStatus if status.ended}
    kinds = {*written, "started", "rung_raised", *ended, *map(str, SearchState)}
    assert {kind.replace("_", " ") for kind in kinds} == EVENTS.keys()
    assert {sort_of(kind) for kind in kinds} == SORTS.keys()


def test_words_are_buttons_each_with_its_meaning_where_it_stands(http: httpx.Client, recorded: Any) -> None:
    search, candidate = f"/searches/{recorded.id}", f"/candidates/{recorded.id}-1"
    for path, words in {search: ("hypervolume", "survived", "grid-1-told"), candidate: ("operator", "kin")}.items():
        text = http.get(path, headers={"Accept": "text/html"}).text
        pressed = re.findall(r'popovertarget="([^"]+)"', text)
        assert {f"term-{word}" for word in words} <= set(pressed)
        assert len(set(pressed)) == len(pressed)
        assert [text.count(f'id="{name}"') for name in pressed] == [1] * len(pressed)


def test_kinds_of_events_are_explained_where_they_stand_and_below(http: httpx.Client, recorded: Any) -> None:
    text = http.get(f"/searches/{recorded.id}", headers={"Accept": "text/html"}).text
    assert f'<strong title="{EVENTS["told"]}">told</strong>' in text
    assert f"<dd>{EVENTS['claimed']}</dd>" in text
