"""The page of all candidates of a search: what is filtered, how it is sorted, and what its address says."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard import roster
from api.dashboard.roster import CandidatesView, column, in_order, matching
from nas.statistics.cloud import STATES, Cloud

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FIGURES = st.lists(st.one_of(st.just(float("nan")), st.integers(0, 3).map(float)), max_size=8)


def listed(http: httpx.Client, search_id: str, query: str = "") -> tuple[str, list[str]]:
    """The page, and the ids of its rows."""
    answer = http.get(f"/searches/{search_id}/candidates{query}", headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text), re.findall(r'<th scope="row"><a href="/candidates/([^"]+)"', answer.text)


def cloud(figures: list[float], states: list[int] | None = None) -> Cloud:
    """Candidates with a PSNR each, of alternating operators."""
    count = len(figures)
    whole, none = np.arange(count), np.zeros(count, dtype=np.int64)
    return Cloud(
        told=count,
        untold=0,
        operators=("random", "swap"),
        ordinal=whole,
        state=none if states is None else np.asarray(states),
        feasible=none.astype(bool),
        front=none.astype(bool),
        rung=whole // 4,
        replicate=none,
        operator=whole % 2,
        figures={"psnr_db": np.asarray(figures, dtype=np.float64)},
    )


def test_every_candidate_is_listed_with_its_figures_and_why_it_failed(http: httpx.Client, recorded: Any) -> None:
    text, ids = listed(http, recorded.id)
    assert ids == [candidate.id for candidate in reversed(recorded.candidates)]
    for words in ("32.00", "on the front", "diverged: ", "5 candidates.", f'href="/searches/{recorded.id}"'):
        assert words in text
    assert "Next page" not in text
    assert f'href="/searches/{recorded.id}/candidates"' in http.get(f"/searches/{recorded.id}").text


def test_the_address_filters_and_sorts(http: httpx.Client, recorded: Any) -> None:
    first, second, third, failed, flying = (candidate.id for candidate in recorded.candidates)
    assert listed(http, recorded.id, "?state=failed")[1] == [failed]
    assert listed(http, recorded.id, "?state=evaluating&operator=&rung=&sort=ordinal")[1] == [flying]
    assert listed(http, recorded.id, "?sort=ordinal")[1][0] == first
    by_psnr = listed(http, recorded.id, "?sort=-psnr_db")[1]
    assert by_psnr[:3] == [third, second, first]
    assert set(by_psnr[3:]) == {failed, flying}
    text, none = listed(http, recorded.id, "?operator=nobody")
    assert none == []
    assert "No such candidate" in text
    assert third in by_psnr


def test_pages_turn_and_keep_what_is_filtered(
    http: httpx.Client, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "ROWS", 2)
    text, ids = listed(http, recorded.id, "?sort=ordinal&page=2")
    assert ids == [candidate.id for candidate in recorded.candidates[2:4]]
    assert "page 2 of 3" in text
    assert 'href="?sort=ordinal&page=3"' in text
    assert listed(http, recorded.id, "?sort=ordinal&page=99")[1] == [recorded.candidates[4].id]


@pytest.mark.parametrize("query", ["sort=weight", "state=lost", "page=0", "rung=-1"])
def test_an_address_that_means_nothing_is_refused(http: httpx.Client, recorded: Any, query: str) -> None:
    assert http.get(f"/searches/{recorded.id}/candidates?{query}", headers=BROWSER).status_code == 422


def test_a_search_that_is_none_has_no_candidates(http: httpx.Client) -> None:
    assert http.get("/searches/00000000/candidates", headers=BROWSER).status_code == 404


@given(figures=FIGURES, falls=st.booleans())
def test_candidates_without_a_figure_come_last_whichever_way_they_are_sorted(figures: list[float], falls: bool) -> None:
    view = CandidatesView(sort="-psnr_db" if falls else "psnr_db")
    found = cloud(figures)
    places = in_order(found, matching(found, view), view)
    assert sorted(places) == list(range(len(figures)))
    values = [figures[place] for place in places]
    known = [value for value in values if value == value]
    assert known == sorted(known, reverse=falls)
    assert all(value != value for value in values[len(known) :])


def test_filters_hold_together() -> None:
    found = cloud([1.0] * 8, states=[0, 1, 2, 3, 1, 1, 1, 1])
    view = CandidatesView(state=STATES[1], operator="swap", rung=1)
    assert matching(found, view).tolist() == [5, 7]


def test_a_head_sorts_the_best_first_and_then_turns_round() -> None:
    assert column("params", "params", CandidatesView()).query == "?sort=params"
    assert column("psnr_db", "psnr (dB)", CandidatesView()).query == "?sort=-psnr_db"
    turned = column("psnr_db", "psnr (dB)", CandidatesView(sort="-psnr_db", state=STATES[1], page=3))
    assert (turned.query, turned.order) == ("?state=scored&sort=psnr_db", "descending")
