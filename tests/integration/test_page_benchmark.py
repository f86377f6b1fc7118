"""The benchmark of the page runs from end to end, with searches of a few candidates; times are not judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

from benchmarks.browsing import CHROMIUM, PARTS, by_part, covered
from benchmarks.page import LARGE, SMALL, main

SIZES = ("--candidates=40", "--few=10", "--repeats=1", "--seconds=1.5", "--rate=10", "--searches=2", "--each=10")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's `chromium`")
def test_a_small_run_tells_of_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*SIZES, "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["found"]
    for search_id, count in ((SMALL, 10), (LARGE, 40)):
        (opening,) = found["openings"][search_id]
        assert opening["points"] == count
        assert 0 < opening["members"] < count
        assert 0 < opening["beyond_s"] < opening["drawn_s"]
        assert all(opening["kib"][part] > 0 for part in PARTS)
        assert found["watches"][search_id]["requests_per_s"] >= 0
    assert found["list"].keys() == {"first look after the start", "again", "not changed"}
    printed = capsys.readouterr().out
    assert "Chromium" in printed
    assert "| beyond the transfer, until the front is drawn (s) |" in printed
    assert "| list of 2 searches of 10 candidates | ms |" in printed


def test_time_that_two_transfers_share_counts_once() -> None:
    assert covered([]) == 0.0
    assert covered([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (1.0, 1.5)]) == 4.0


def test_what_is_transferred_is_told_by_its_part() -> None:
    found = by_part("http://host/searches/1", [("http://host/searches/1", 1.0), ("http://host/static/a/page.css", 2.0)])
    assert (found["page"], found["other"], found["history"]) == (1.0, 2.0, 0.0)
