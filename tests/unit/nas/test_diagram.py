from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from nas.diagram import cause, picture, table
from nas.records import ACTIONS, TRANSITIONS, Action, SearchState

DOCS = Path(__file__).parents[3] / "docs"
STEPS = [(was, state) for was in SearchState for state in sorted(TRANSITIONS[was])]


def test_the_picture_is_that_of_the_code() -> None:
    drawn = (DOCS / "images" / "search-states.svg").read_text(encoding="utf-8")
    assert drawn == picture(), "run `python -m nas.diagram > docs/images/search-states.svg`"


def test_the_table_is_that_of_the_code() -> None:
    page = (DOCS / "reference" / "search-states.md").read_text(encoding="utf-8")
    assert table() in page, "copy what `python -m nas.diagram table` prints"


def test_the_picture_shows_every_state_and_every_step() -> None:
    texts = [element.text for element in ElementTree.fromstring(picture()).iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == sorted([*SearchState, *(cause(step) for step in STEPS)])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: "-".join(step))
def test_what_people_do_is_named_just_where_they_may_do_it(step: tuple[SearchState, SearchState]) -> None:
    was, _ = step
    named = cause(step)
    assert named not in set(Action) or was in ACTIONS[Action(named)]
