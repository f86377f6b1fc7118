from __future__ import annotations

import pytest

from nas.aside import Aside
from nas.store.base import StoreUnavailable
from nas.testing.controllers import Held


def test_a_call_is_made_once_and_nobody_waits_for_it() -> None:
    loader, calls = Held(), list[int]()
    aside = Aside(loader, lambda: calls.append(1) or "made")
    assert [aside.result(), aside.result()] == [None, None]
    assert calls == []
    assert loader.go_on() == 1
    assert [aside.result(), aside.result()] == ["made", "made"]
    assert calls == [1]


def test_a_call_that_the_store_did_not_answer_is_made_again() -> None:
    loader, answers = Held(), iter([StoreUnavailable("gone"), None])

    def asks() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "made"

    aside = Aside(loader, asks)
    assert aside.result() is None
    loader.go_on()
    with pytest.raises(StoreUnavailable):
        aside.result()
    assert aside.result() is None
    loader.go_on()
    assert aside.result() == "made"


def test_any_other_error_is_the_result() -> None:
    loader = Held()

    def fails() -> str:
        raise ValueError("no such thing")

    aside = Aside(loader, fails)
    aside.result()
    loader.go_on()
    for _ in range(2):
        with pytest.raises(ValueError, match="no such thing"):
            aside.result()
    assert loader.go_on() == 0
