"""A front as a file says the same in every form, and nothing in it can act on its reader."""

import csv
import io
import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from nas.export.front import front_rows, to_csv, to_html, to_json, to_markdown
from nas.figures import shown
from nas.objectives import METRICS, Objective
from nas.records import SearchState
from nas.service import Front
from nas.testing.builders import make_candidate, make_evaluation, make_search, told
from search_space.genotype import Genotype

HOSTILE = "</script><script>alert('x')</script> | <b>"


def scored(ordinal: int, psnr_db: float, mult_adds: int, **fields):
    candidate = make_candidate(ordinal=ordinal, mult_adds=mult_adds, params=mult_adds // 230_400)
    return told(candidate, make_evaluation(candidate, psnr_db=psnr_db), ordinal, **fields)


def failed(ordinal: int):
    candidate = make_candidate(ordinal=ordinal)
    return told(candidate, make_evaluation(candidate, failure_kind="diverged", failure_message=HOSTILE), ordinal)


def front_of(*members, metrics=("psnr", "mult_adds"), **fields) -> Front:
    search = make_search(state=SearchState.COMPLETED, baseline={"psnr_db": 28.5}, reference_point={"psnr": 28.5})
    values = {"search": search, "scored": 5, "feasible_only": True, "hypervolume": 1.25}
    objectives = tuple(map(Objective.of, metrics))
    return Front(objectives=objectives, members=members, **values | fields)


@pytest.fixture(scope="module")
def front() -> Front:
    return front_of(scored(0, 31.5, 200_000_000_000), scored(1, 30.25, 20_000_000_000))


def test_rows_begin_with_the_objectives_and_name_every_figure(front):
    first, _ = front_rows(front.members, front.objectives)
    assert list(first)[:3] == ["candidate", "psnr_db", "mult_adds"]
    assert {metric.column for metric in METRICS.values()} < set(first)
    assert Genotype.parse(first["genotype"]) == front.members[0].genotype


def test_a_figure_that_is_missing_or_not_finite_is_none():
    odd = scored(0, math.nan, 10**9)
    assert front_rows([odd], (Objective.of("psnr"),))[0]["psnr_db"] is None
    assert front_rows([failed(1)], (Objective.of("psnr"),))[0]["psnr_db"] is None


def test_csv_reads_back_in_full_precision(front):
    rows = list(csv.DictReader(io.StringIO(to_csv(front), newline="")))
    assert [float(row["psnr_db"]) for row in rows] == [31.5, 30.25]
    assert [Genotype.parse(row["genotype"]) for row in rows] == [member.genotype for member in front.members]


def test_json_is_json_whatever_the_figures_are(front):
    strange = replace(front, members=(scored(7, float("inf"), 10**9), *front.members))
    document = json.loads(json.dumps(to_json(strange), allow_nan=False))
    assert [member["scores"]["psnr_db"] for member in document["members"]] == [None, 31.5, 30.25]


def test_markdown_has_one_line_a_member_and_as_many_cells_in_each(front):
    table = [line for line in to_markdown(front).splitlines() if line.startswith("|")]
    cells = {line.replace("\\|", "").count("|") for line in table}
    assert len(table) == 2 + len(front.members)
    assert len(cells) == 1
    assert "200.0 G" in table[2]


def test_an_empty_front_is_written_too():
    empty = front_of()
    assert to_json(empty)["members"] == []
    assert len(to_csv(empty).splitlines()) == 1
    assert "0 of 5 feasible" in to_markdown(empty)
    assert "<table>" in to_html(empty)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("psnr_db", 31.456, "31.46"),
        ("ssim", 0.87654, "0.8765"),
        ("params", 326_000, "326,000"),
        ("mult_adds", 74_703_000_000, "74.7 G"),
        ("fsds_db", None, "–"),
    ],
)
def test_figures_are_rounded_as_people_read_them(column, value, text):
    assert shown(column, value) == text


def plot_of(page: str) -> str:
    """What the page tells plotly: everything after plotly's own script."""
    return page[page.rindex("Plotly.newPlot(") :]


def test_the_page_sets_members_apart_from_what_they_dominate_and_from_failures(front):
    others = [scored(2, 30.0, 10**11), scored(3, 33.0, 10**9, violation=0.5), failed(4)]
    plot = plot_of(to_html(front, [*front.members, *others]))
    for name in ("dominated", "infeasible", "failed", "front"):
        assert f'"name":"{name}"' in plot
    assert "bicubic 28.50" in plot
    assert "violates its constraints by 0.5" in plot


def test_the_page_of_members_alone_shows_only_them(front):
    plot = plot_of(to_html(front))
    assert '"name":"front"' in plot
    assert '"name":"dominated"' not in plot


def test_a_third_objective_is_the_colour():
    page = to_html(front_of(scored(0, 31.5, 10**11), metrics=("psnr", "fsds", "mult_adds")))
    assert '"colorbar":{"thickness":14,"title":{"text":"fsds (dB)"}}' in plot_of(page)


@pytest.mark.parametrize(
    "metrics", [("psnr",), ("mult_adds",), ("params", "mult_adds"), ("ssim", "psnr"), tuple(METRICS)]
)
def test_any_objectives_have_a_page(metrics):
    assert '"name":"front"' in plot_of(to_html(front_of(scored(0, 31.5, 10**11), metrics=metrics)))


def test_what_people_and_failures_say_cannot_run_in_the_page(front):
    search = replace(front.search, spec=front.search.spec.model_copy(update={"name": HOSTILE}))
    page = to_html(replace(front, search=search), [failed(4)])
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_loads_nothing_and_offers_no_upload(front):
    page = to_html(front)
    head = page[: page.index("<body>")]
    assert "default-src 'none'" in head
    assert 'src="http' not in page
    assert '"showSendToCloud": false' in plot_of(page)


def test_tables_are_written_without_plotly():
    code = "import sys, nas.export.front; sys.exit('plotly' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
