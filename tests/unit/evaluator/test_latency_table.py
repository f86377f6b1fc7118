"""Prices are lines, fitted by relative errors, and a table of them survives JSON."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.latency.operators import REST, Operator, Run
from evaluator.latency.table import OperatorTable, Price, Sample, fit, fit_line, read_table
from search_space.errors import InvalidInput

ADD = Operator(kind="add")
CONVOLUTION = Operator(kind="convolution", kernel=3, groups=2, out_channels=32, blocked=True)

lines = st.tuples(st.floats(0, 50), st.floats(1e-3, 5))


@given(lines, st.lists(st.integers(1, 500), min_size=2, unique=True))
def test_a_line_is_recovered_from_points_on_it(line: tuple[float, float], widths: list[int]) -> None:
    fixed, slope = line
    found = fit_line(widths, [fixed + slope * width for width in widths])
    np.testing.assert_allclose(np.polyval(found[::-1], widths), np.polyval(line[::-1], widths), rtol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1e4)), min_size=1))
def test_no_line_is_negative_anywhere(points: list[tuple[int, float]]) -> None:
    fixed, slope = fit_line(*zip(*points, strict=True))
    assert fixed >= 0
    assert slope >= 0


def test_one_width_makes_a_line_through_the_origin() -> None:
    assert fit_line([64, 64], [3.0, 3.0]) == (0.0, pytest.approx(3 / 64))


def test_what_reads_no_channels_costs_the_same_everywhere() -> None:
    table = fit([Sample(REST, 2.0), Sample(REST, 4.0), Sample(REST, 3.0)])
    assert table.prices[REST.operator] == Price(fixed_ms=3.0, channel_ms=0.0, samples=3)


def test_samples_of_one_width_count_as_their_median() -> None:
    samples = [Sample(Run(ADD, 10), ms) for ms in (1.0, 1.0, 9.0)] + [Sample(Run(ADD, 20), 2.0)]
    assert fit(samples).ms(Run(ADD, 30)) == pytest.approx(3.0)


def test_an_operator_that_was_not_timed_is_named() -> None:
    table = fit([Sample(Run(ADD, 10), 1.0)])
    with pytest.raises(InvalidInput, match="convolution k3 g2 -> 32 blocked") as caught:
        table.ms(Run(CONVOLUTION, 64))
    assert "profile-device" in caught.value.hint


def test_a_table_survives_json() -> None:
    table = OperatorTable(
        {
            ADD: Price(fixed_ms=0.25, channel_ms=0.5, samples=3),
            CONVOLUTION: Price(fixed_ms=0.0, channel_ms=1.5, samples=2),
        }
    )
    assert read_table(json.loads(json.dumps(table.to_json()))) == table


ROW = {"kind": "add", "fixed_ms": 1.0, "channel_ms": 0.5, "samples": 1}


@pytest.mark.parametrize(
    "row",
    [
        {},
        7,
        {"kind": "add"},
        {**ROW, "colour": 1},
        {**ROW, "kind": 3},
        {**ROW, "kernel": "3"},
        {**ROW, "kernel": True},
        {**ROW, "blocked": 1},
        {**ROW, "fixed_ms": -1.0},
        {**ROW, "fixed_ms": float("nan")},
        {**ROW, "channel_ms": "0"},
        {**ROW, "samples": 1.5},
        {**ROW, "samples": -1},
        {**ROW, "samples": 10**400},
        {**ROW, "kernel": 10**400},
        {**ROW, "fixed_ms": 10**400},
        {**ROW, "fixed_ms": True},
    ],
)
def test_a_row_that_is_no_price_is_named(row: Any) -> None:
    with pytest.raises(InvalidInput, match=r"table\[1\]"):
        read_table([ROW, row])


def test_whole_numbers_of_milliseconds_are_kept_as_floats() -> None:
    (price,) = read_table([{**ROW, "fixed_ms": 2}]).prices.values()
    assert type(price.fixed_ms) is float


@pytest.mark.parametrize("document", [None, {}, [], "table"])
def test_what_is_no_table_is_refused(document: Any) -> None:
    with pytest.raises(InvalidInput, match="table"):
        read_table(document)
