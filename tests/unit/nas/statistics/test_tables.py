"""Statistics read the same in a terminal and on a page, and say nothing where there is nothing to say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluator.recipe import Recipe
from nas.objectives import Prediction
from nas.records import CandidateState, LedgerRow
from nas.statistics.documents import Tau
from nas.statistics.summary import statistics
from nas.statistics.tables import grids, in_short, number, percent, tau_text
from nas.testing.builders import START, make_search


def row(ordinal: int, psnr_db: float, digest: str, **fields) -> LedgerRow:
    values = {
        "genotype_digest": digest,
        "state": CandidateState.SCORED,
        "operator": "random",
        "asked_at": START,
        "told_ordinal": ordinal,
        "told_at": START,
        "violation": 0.0,
        "hypervolume": float(ordinal),
        "predicted": {"psnr": Prediction(mean=psnr_db, std=0.1)},
        "scores": {"psnr_db": psnr_db, "fsds_db": 40.0, "mult_adds": 1e9},
    }
    return LedgerRow(ordinal=ordinal, **values | fields)


def search_of(rungs: int = 1):
    search = make_search()
    return replace(search, spec=search.spec.model_copy(update={"recipe": Recipe(steps=240, rungs=rungs)}))


FULL = [
    *(row(n, 30.0 + n, str(n), arm="screened" if n % 2 else "control", survived=True) for n in range(6)),
    *(row(6 + n, 31.0 + n, str(n), rung=1, operator="promotion", predicted={}) for n in range(6)),
    row(12, 36.2, "5", rung=1, replicate=1, operator="confirmation", predicted={}),
]


def test_an_empty_search_has_a_budget_and_no_more():
    found = statistics(search_of(), [], START)
    assert [grid.title for grid in grids(found)] == ["budget"]
    assert in_short(found) == []


def test_every_part_that_was_used_has_a_table():
    found = statistics(search_of(rungs=2), FULL, START)
    tables = {grid.title: grid for grid in grids(found)}
    assert list(tables)[:3] == ["operators", "rungs", "surrogate"]
    assert all(len(row) == len(grid.headings) for grid in tables.values() for row in grid.rows)
    assert tables["rungs"].rows[0][-2].startswith("1.00 [")
    assert "new networks start at rung 0" in tables["rungs"].note
    (seeds,) = (grid for title, grid in tables.items() if title.startswith("seeds"))
    assert seeds.rows[0][3] == "36.10 ± 0.14"
    assert "psnr ± 0.14 dB" in seeds.note


def test_the_statistics_in_short_are_a_line_for_each_part():
    lines = dict(in_short(statistics(search_of(rungs=2), FULL, START)))
    assert list(lines) == ["operators", "rungs", "surrogate", "seed noise"]
    assert "random 6 of 6 survived, 1 on the front" in lines["operators"]
    assert "new networks start at 120 steps" in lines["rungs"]
    assert "psnr tau 1.00" in lines["surrogate"]


def test_the_share_of_validation_is_told_once_there_is_one():
    found = statistics(search_of(), [row(0, 30.0, "0", train_s=98.0, validate_s=2.0)], START)
    (budget,) = (grid for grid in grids(found) if grid.title == "budget")
    assert budget.note == "validation took 2% of the time"
    assert dict(in_short(found))["validation"] == "2% of the time"


@pytest.mark.parametrize(
    ("tau", "text"),
    [
        (None, "–"),
        (Tau(tau=None, low=None, high=None, pairs=1), "–"),
        (Tau(tau=0.5, low=None, high=None, pairs=3), "0.50 of 3"),
        (Tau(tau=-0.5, low=-1.0, high=0.25, pairs=9), "-0.50 [-1.00, 0.25] of 9"),
    ],
)
def test_a_tau_is_never_without_what_is_known_of_it(tau, text):
    assert tau_text(tau) == text


def test_figures_are_short():
    assert [number(value) for value in (None, 12_345, 0.123456, 3.0)] == ["–", "12,345", "0.1235", "3"]
    assert [percent(value) for value in (None, 0.254, 1.0)] == ["–", "25%", "100%"]
