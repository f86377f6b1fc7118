from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.amending import extended_budget, patched
from nas.checks import InvalidSpec
from nas.spec import BudgetSpec

PRESENT = BudgetSpec.model_validate({"evaluations": 100, "wall_time_s": 60.5})


def refused(document: dict[str, Any]) -> dict[str, str]:
    """What is allowed where an extension is refused, by field."""
    with pytest.raises(InvalidSpec) as caught:
        extended_budget(PRESENT, document)
    return {problem.field: problem.allowed for problem in caught.value.problems}


def test_an_extension_replaces_the_limits_that_it_names() -> None:
    assert extended_budget(PRESENT, {"evaluations": 200}) == PRESENT.model_copy(update={"evaluations": 200})
    assert extended_budget(PRESENT, {"wall_time_s": None}).wall_time_s is None
    assert extended_budget(PRESENT, {"evaluations": 100, "wall_time_s": 60.5, "patience": None}) == PRESENT


def test_an_extension_allows_no_less_than_before_and_every_problem_is_told_at_once() -> None:
    found = refused({"evaluations": 99, "steps": 5, "wall_time_s": 60, "worker_hours": "7", "colour": "red"})
    assert found == {
        "evaluations": "at least 100, as it is",
        "steps": "null, as it is: there is no such limit now, and an extension sets none",
        "wall_time_s": "at least 60.5, as it is",
        "worker_hours": "a number",
        "colour": "only the fields evaluations, steps, wall_time_s, worker_hours, patience",
    }
    assert refused({"evaluations": None}) == {"evaluations": "an integer"}


def test_an_empty_extension_is_refused() -> None:
    assert refused({})["budget"].startswith("at least one of evaluations, steps, ")


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "evaluations": st.integers(1, 1000),
        "steps": st.none() | st.integers(1, 1000),
        "wall_time_s": st.none() | st.floats(1, 1000),
    },
)


@given(present=LIMITS, document=LIMITS)
def test_an_extension_is_accepted_just_where_no_limit_falls(present: dict[str, Any], document: dict[str, Any]) -> None:
    before = BudgetSpec.model_validate(present)

    def rises(name: str) -> bool:
        was = getattr(before, name)
        return document[name] is None or (was is not None and document[name] >= was)

    if document and all(map(rises, document)):
        assert extended_budget(before, document).model_dump() == before.model_dump() | document
        return
    with pytest.raises(InvalidSpec):
        extended_budget(before, document)


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [  # the examples of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_patch_is_merged_as_the_rfc_says(document: Any, patch: Any, result: Any) -> None:
    assert patched(document, patch) == result


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(document=st.dictionaries(st.text(max_size=2), JSON), patch=JSON)
def test_a_patch_that_comes_twice_changes_nothing_more(document: dict[str, Any], patch: Any) -> None:
    once = patched(document, patch)
    assert patched(once, patch) == once
    assert patched(document, {}) == document
