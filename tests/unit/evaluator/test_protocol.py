"""Protocols as data."""

import pytest

from evaluator.metrics.protocol import PROTOCOLS, get_protocol
from search_space.errors import InvalidInput


def test_protocols_are_found_by_their_identifier():
    assert set(PROTOCOLS) == {"y-float", "falsr", "y-rounded", "rgb"}
    assert all(get_protocol(name).id == name for name in PROTOCOLS)


def test_the_border_is_as_wide_as_the_scale():
    assert [get_protocol("y-float").shave_px(scale) for scale in (2, 3, 4)] == [2, 3, 4]


def test_an_unknown_protocol_is_told_which_there_are():
    with pytest.raises(InvalidInput) as caught:
        get_protocol("y", field="recipe.protocol")
    assert caught.value.problems[0].field == "recipe.protocol"
    assert all(name in str(caught.value) for name in PROTOCOLS)


def test_protocols_cannot_be_changed():
    with pytest.raises(TypeError):
        PROTOCOLS["mine"] = PROTOCOLS["rgb"]


def test_a_protocol_says_everything_that_moves_a_score():
    document = get_protocol("falsr").to_json()
    assert document["range"] == [16, 235]
    assert document["chroma"] == "pillow"
    assert set(document) >= {"id", "channel", "rounding", "shave", "peak", "kernel", "border", "gray", "baseline"}
    assert get_protocol("rgb").range == (0, 255)
