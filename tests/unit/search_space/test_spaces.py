"""The registry of spaces is an explicit list."""

import pytest

from search_space.errors import UnknownSpace
from search_space.spaces import SPACES, get_space


def test_every_space_is_found_by_its_name() -> None:
    assert list(SPACES) == ["falsr", "tiny"]
    assert all(get_space(name).name == name for name in SPACES)


def test_an_unknown_space_is_refused_with_the_known_names() -> None:
    with pytest.raises(UnknownSpace) as caught:
        get_space("huge")
    assert caught.value.known == ("falsr", "tiny")
    assert "falsr, tiny" in str(caught.value)
