"""Options are checked at birth, read back from what they wrote, and complain of everything at once."""

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.options import ENGINES, EngineOptions, InvalidOptions

SHARES = ("random_share", "mult_adds_share", "params_share", "reinforced_share")

INTEGERS = {
    "lag": (1, 100_000),
    "surrogate_after": (8, 100_000),
    "surrogate_children": (2, 10_000),
    "surrogate_refit": (1, 10_000),
    "surrogate_points": (16, 5_000),
    "promote_after": (2, 100_000),
}
NUMBERS = {
    "crossover_share": (0.0, 1.0),
    "mutation_genes": (0.01, 100.0),
    **dict.fromkeys(SHARES, (0.0, 1e6)),
    "policy_rate": (1e-6, 1.0),
    "policy_entropy": (0.0, 10.0),
    "surrogate_min_tau": (-1.0, 1.0),
    "control_share": (0.0, 1.0),
    "rung_min_tau": (-1.0, 1.0),
}
CHOICES: dict[str, tuple[Any, ...]] = {
    "mode": ("steady", "generational"),
    "order": ("arrival", "ordered"),
    "start": ("stratified", "diverse", "random"),
    "crossover": ("uniform", "one-point"),
    "surrogate": (True, False),
}

VALUES = st.fixed_dictionaries(
    {"name": st.sampled_from(list(ENGINES))},
    optional={
        **{name: st.integers(*bounds) for name, bounds in INTEGERS.items()},
        **{name: st.floats(*bounds) for name, bounds in NUMBERS.items() if name != "random_share"},
        "random_share": st.floats(1e-3, 1e6),
        **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    },
)

JUNK = st.sampled_from(["x", "1", True, False, [], {}, None, math.nan, math.inf, -math.inf, -7, 1e9, 2.5])
"""Of no option except by chance; what is a value of an option is filtered out below."""


def is_value(name: str, value: object) -> bool:
    if name in CHOICES:
        return any(type(value) is type(choice) and value == choice for choice in CHOICES[name])
    if value is None:
        return name == "lag"
    if isinstance(value, bool) or not isinstance(value, int if name in INTEGERS else int | float):
        return False
    low, high = (INTEGERS | NUMBERS)[name]
    return low <= value <= high


def test_every_option_is_of_one_of_the_kinds_that_are_tested_here() -> None:
    assert {"name", *INTEGERS, *NUMBERS, *CHOICES} == {field.name for field in fields(EngineOptions)}


@given(VALUES)
def test_what_was_written_is_read_back(document: dict[str, Any]) -> None:
    options = EngineOptions.from_json(document)
    written = options.to_json()
    assert EngineOptions.from_json(json.loads(json.dumps(written))) == options
    assert all(written[name] == value for name, value in document.items())


@given(st.dictionaries(st.sampled_from([*INTEGERS, *NUMBERS, *CHOICES]), JUNK, min_size=1))
def test_every_value_that_is_none_of_its_option_is_named_and_no_other(document: dict[str, Any]) -> None:
    wrong = {f"engine.{name}" for name, value in document.items() if not is_value(name, value)}
    if wrong:
        with pytest.raises(InvalidOptions) as caught:
            EngineOptions.from_json(document)
        assert {problem.field for problem in caught.value.problems} == wrong
    else:
        EngineOptions.from_json(document)


@pytest.mark.parametrize(("name", "bounds"), (INTEGERS | NUMBERS).items())
def test_a_range_holds_its_ends_and_nothing_beyond(name: str, bounds: tuple[float, float]) -> None:
    low, high = bounds
    step = 1 if name in INTEGERS else 1e-7
    for value in bounds:
        others = {"reinforced_share": 0.5} if name == "random_share" else {}
        assert getattr(EngineOptions.from_json({**others, name: value}), name) == value
    for value in (low - step, high + step, high * 10, math.nan, math.inf):
        with pytest.raises(InvalidOptions, match=name):
            EngineOptions.from_json({name: value})


@pytest.mark.parametrize("name", [*INTEGERS, *NUMBERS])
def test_a_boolean_is_no_number(name: str) -> None:
    with pytest.raises(InvalidOptions, match=name):
        EngineOptions.from_json({name: True})


@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_a_number_is_no_boolean(value: object) -> None:
    with pytest.raises(InvalidOptions, match="surrogate"):
        EngineOptions.from_json({"surrogate": value})


def test_whole_numbers_and_floats_are_one_value() -> None:
    assert EngineOptions(mutation_genes=2).to_json() == EngineOptions(mutation_genes=2.0).to_json()
    assert isinstance(EngineOptions(mutation_genes=2).mutation_genes, float)


def test_unknown_options_are_listed_beside_values_out_of_range() -> None:
    document = {"name": "nsga3", "temperature": 3, "colour": "red", "surrogate_refit": 0, "mode": "lazy"}
    with pytest.raises(InvalidOptions) as caught:
        EngineOptions.from_json(document)
    found = [problem.field for problem in caught.value.problems]
    assert sorted(found) == sorted(f"engine.{name}" for name in document)
    assert "mutation_genes" in str(caught.value)  # says what there is


@pytest.mark.parametrize("name", ["nsga3", "", 3, None, ["nsga2"], True])
def test_a_name_that_no_engine_has_is_refused(name: object) -> None:
    with pytest.raises(InvalidOptions, match=r"engine\.name.*nsga2, falsr, random"):
        EngineOptions.from_json({"name": name})


def test_one_kind_of_mutation_at_least_has_a_weight() -> None:
    with pytest.raises(InvalidOptions, match=r"engine\.random_share"):
        EngineOptions(random_share=0)
    assert EngineOptions(random_share=0, params_share=0.1).mutation_shares["params"] == 0.1


@pytest.mark.parametrize("name", ENGINES)
def test_a_named_engine_stands_for_its_options(name: str) -> None:
    assert EngineOptions.from_json({"name": name}) == ENGINES[name]
    changed = EngineOptions.from_json({"name": name, "control_share": 0.5})
    assert changed == replace(ENGINES[name], control_share=0.5)


def test_without_a_name_it_is_the_engine_that_was_measured_best() -> None:
    assert EngineOptions.from_json({}) == EngineOptions() == ENGINES["nsga2"]
