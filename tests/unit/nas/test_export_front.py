"""A front as a file says the same in every form, and nothing in it can act on its reader."""

import csv
import html
import io
import json
import math
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from nas.export.front import front_rows, to_csv, to_html, to_json, to_markdown
from nas.figures import shown
from nas.fronts import Front
from nas.objectives import METRICS, Objective
from nas.records import CandidateState, LedgerRow, SearchState
from nas.statistics.cloud import STATES, Points
from nas.statistics.documents import Statistics
from nas.statistics.seeds import Seeds
from nas.statistics.summary import account_of, statistics
from nas.testing.builders import START, make_candidate, make_evaluation, make_search, told
from nas.testing.ledger_promises import narrow
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


def page_of(front: Front, candidates=None, **fields) -> str:
    """The page of a front among candidates, by default its members alone."""
    points, members = Points(), {member.ordinal for member in front.members}
    for candidate in front.members if candidates is None else candidates:
        points.add(narrow(candidate))
    return to_html(front, points.cloud([], members, most=5000), **fields)


def held(page: str, name: str):
    """A document that the plots of a page are fed with."""
    return json.loads(page.split(f'id="{name}-document">')[1].split("</script>")[0])


def scripts_of(page: str) -> list[str]:
    """What a browser runs."""
    return re.findall(r"<script>(.*?)</script>", page, re.DOTALL)


@pytest.fixture(scope="module")
def front() -> Front:
    return front_of(scored(0, 31.5, 200_000_000_000), scored(1, 30.25, 20_000_000_000))


def test_rows_begin_with_the_objectives_and_name_every_figure(front):
    first, _ = front_rows(front)
    assert list(first)[:3] == ["candidate", "psnr_db", "mult_adds"]
    assert {metric.column for metric in METRICS.values()} - {"latency_ms"} < set(first)
    assert Genotype.parse(first["genotype"]) == front.members[0].genotype


def test_a_figure_that_is_missing_or_not_finite_is_none():
    odd = scored(0, math.nan, 10**9)
    assert [row["psnr_db"] for row in front_rows(front_of(odd, failed(1)))] == [None, None]


def test_csv_reads_back_in_full_precision(front):
    rows = list(csv.DictReader(io.StringIO(to_csv(front), newline="")))
    assert [float(row["psnr_db"]) for row in rows] == [31.5, 30.25]
    assert [Genotype.parse(row["genotype"]) for row in rows] == [member.genotype for member in front.members]


def test_json_is_json_whatever_the_figures_are(front):
    strange = replace(front, members=(scored(7, float("inf"), 10**9), *front.members))
    document = json.loads(json.dumps(to_json(strange), allow_nan=False))
    assert [member["scores"]["psnr_db"] for member in document["members"]] == [None, 31.5, 30.25]


@pytest.fixture(scope="module")
def confirmed(front) -> Front:
    """The front with a second seed of its first member."""
    seeds = Seeds(count=2, mean={"psnr_db": 31.55}, spread={"psnr_db": 0.0707, "ssim": 0.00123})
    return replace(front, seeds={front.members[0].genotype.digest: seeds})


def test_a_confirmed_member_has_its_seeds_in_every_form(confirmed):
    first, second = csv.DictReader(io.StringIO(to_csv(confirmed), newline=""))
    assert (first["seeds"], first["psnr_db_spread"], first["fsds_db_spread"]) == ("2", "0.0707", "")
    assert (second["seeds"], second["psnr_db_spread"]) == ("1", "")
    several, single = to_json(confirmed)["members"]
    assert (several["seeds"], several["spread"]["psnr_db"], several["mean"]["psnr_db"]) == (2, 0.0707, 31.55)
    assert (single["seeds"], single["spread"], single["mean"]) == (1, None, None)
    page = page_of(confirmed)
    for text in (to_markdown(confirmed), page):
        assert "31.50 ± 0.07" in text
        assert "0.8750 ± 0.0012" in text
    bars = held(page, "members")["members"]
    assert bars == [{"id": confirmed.members[0].id, "spread": {"psnr_db": 0.0707, "ssim": 0.00123}}]
    assert held(page_of(replace(confirmed, seeds={})), "members") == {"members": []}


def test_a_front_without_feasible_members_says_what_comes_nearest():
    nearest = scored(3, 33.0, 10**9, violation=0.5)
    note = "no candidate is feasible yet: <b> comes nearest"
    empty = replace(front_of(), note=note, nearest=nearest)
    assert (to_json(empty)["note"], to_json(empty)["nearest"]["id"]) == (note, nearest.id)
    assert note in to_markdown(empty)
    assert "&lt;b&gt; comes nearest." in page_of(empty)


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
    assert "0 of 5 feasible" in page_of(empty)
    assert "No member yet." in page_of(empty)


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


def test_the_page_sets_members_apart_from_what_they_dominate_and_from_failures(front):
    others = [scored(2, 30.0, 10**11), scored(3, 33.0, 10**9, violation=0.5), failed(4)]
    cloud = held(page_of(front, [*front.members, *others]), "cloud")
    assert cloud["front"] == [True, True, False, False, False]
    assert cloud["feasible"] == [True, True, True, False, False]
    assert [cloud["states"][state] for state in cloud["state"]] == ["scored"] * 4 + ["failed"]
    assert cloud["states"] == [state.value for state in STATES]
    assert cloud["baseline"]["psnr_db"] == 28.5


def ledger(n: int) -> list[LedgerRow]:
    """So many outcomes, each better than the one before it."""
    return [
        LedgerRow(
            ordinal=i,
            genotype_digest=str(i),
            state=CandidateState.SCORED,
            operator="<i>mutation</i>",
            asked_at=START,
            arm="screened" if i % 2 else "control",
            told_ordinal=i,
            told_at=START,
            violation=0.0,
            survived=True,
            hypervolume=float(i),
            scores={"psnr_db": 30.0 + i, "mult_adds": 1e9},
            steps=123,
        )
        for i in range(n)
    ]


def statistics_of(front: Front, n: int = 8) -> Statistics:
    return statistics(front.search, ledger(n), START)


def test_the_page_shows_the_course_and_what_earned_its_keep(front):
    course = account_of(front.search, ledger(8)).course()
    page = page_of(front, statistics=statistics_of(front), course=course)
    assert page.count("plotly.js v") == page_of(front).count("plotly.js v")  # the script is there once
    assert held(page, "history")["points"][-1]["steps"] == 984
    assert [place in page for place in ('id="by-evaluations"', 'id="by-time"')] == [True, True]
    assert 'id="by-time"' not in page_of(front)
    for heading in ("Operators", "Surrogate", "Budget"):
        assert f"<caption>{heading}</caption>" in page
    assert "<caption>Rungs</caption>" not in page  # there is one
    assert "&lt;i&gt;mutation&lt;/i&gt;" in page
    assert "<i>mutation" not in page


def test_shorter_trainings_and_confirmations_are_told_apart_from_those_that_compare(front):
    others = [
        scored(5, 29.0, 10**10, rung=1),
        scored(6, 29.1, 10**10, replicate=1),
        scored(7, 29.2, 10**10),
    ]
    cloud = held(page_of(front, [*front.members, *others]), "cloud")
    assert (cloud["ordinal"], cloud["rung"], cloud["replicate"]) == ([0, 1, 5, 6, 7], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0])


def test_every_member_has_a_row_with_its_genotype_and_the_first_ones_a_drawing(front, monkeypatch):
    monkeypatch.setattr("nas.export.page.DRAWN", 1)
    page = page_of(front)
    assert re.findall(r'<tr data-candidate="([^"]+)"', page) == [member.id for member in front.members]
    for member in front.members:
        assert f"<code>{member.genotype}</code>" in page
    assert page.count("<svg xmlns") == page_of(front_of()).count("<svg xmlns") + 1


@pytest.mark.parametrize(
    "metrics", [("psnr",), ("mult_adds",), ("params", "mult_adds"), ("ssim", "psnr"), ("psnr", "fsds"), tuple(METRICS)]
)
def test_any_objectives_have_a_page_that_offers_them_as_axes_and_colours(metrics):
    front = front_of(scored(0, 31.5, 10**11), metrics=metrics)
    page = page_of(front)
    assert held(page, "cloud")["front"] == [True]
    for control in ("x", "y", "colour", "size"):
        offered = re.findall(r'value="(\w+)"', page.split(f'<select name="{control}">')[1].split("</select>")[0])
        assert offered[: len(metrics)] == [objective.column for objective in front.objectives]


def test_what_people_and_failures_say_cannot_run_in_the_page(front):
    search = replace(front.search, spec=front.search.spec.model_copy(update={"name": HOSTILE}))
    odd = scored(5, 29.0, 10**10, operator=f"{HOSTILE}<!--<script>")
    page = page_of(replace(front, search=search, members=(*front.members, odd)), [*front.members, odd, failed(4)])
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert held(page, "cloud")["operators"] == ["random", odd.operator]
    assert len(scripts_of(page)) == 2


def test_the_page_loads_nothing_and_runs_only_what_was_put_into_it(front):
    page = page_of(front)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in html.unescape(policy).split(";"))
    assert rules["default-src"] == "'none'"
    hashes = [b64encode(sha256(script.encode()).digest()).decode() for script in scripts_of(page)]
    assert rules["script-src"] == " ".join(f"'sha256-{one}'" for one in hashes)
    assert 'src="http' not in page
    assert "SendToCloud" not in scripts_of(page)[1]  # plotly's button that would upload the search


def test_no_form_of_a_front_takes_plotly():
    code = "import sys, nas.export.front, nas.export.page; sys.exit('plotly' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
