"""The page of a front as a lone file in a real browser: it draws, answers and asks nobody for anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from api.testing import record_search
from nas.export.front import to_html
from nas.plots.documents import MOST
from nas.service import Service
from nas.settings import Settings
from nas.store.memory import MemoryStore
from nas.testing import make_search, make_tiny_spec

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

pytestmark = pytest.mark.browser

HOSTILE = "<!--<script></script><script>window.owned = true</script><img src=x onerror='window.owned = true'>"
SEARCH = "00000001"


@pytest.fixture
def store() -> MemoryStore:
    """A search with two members on its front, one of them confirmed by another seed."""
    store = MemoryStore()
    store.add_search(make_search(SEARCH, spec=make_tiny_spec(name=HOSTILE, objectives=["psnr", "params"])))
    record_search(store, confirmations={1: 32.2})
    return store


def write_page(store: MemoryStore, path: Path) -> str:
    """The page of the search in a file; its address."""
    service = Service(store, Settings())
    cloud = service.standing(SEARCH).cloud(MOST)
    path.write_text(
        to_html(service.front(SEARCH), cloud, service.statistics(SEARCH), service.history(SEARCH)), encoding="utf-8"
    )
    return path.as_uri()


def row(page: Any, candidate: str) -> Any:
    """A member in the table."""
    return page.locator(f"tr[data-candidate='{candidate}']")


def test_a_lone_file_draws_every_plot_and_asks_for_nothing(
    store: MemoryStore, tmp_path: Path, visit_to: Callable[[str], Any]
) -> None:
    expect, url = sync_api.expect, write_page(store, tmp_path / "front & more.html")
    visit = visit_to(url)
    page = visit.page
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    expect(page.locator("#plot .legend")).to_contain_text("infeasible")
    expect(page.locator("#plot-note")).to_contain_text("6 candidates.")
    expect(page.locator("#plot .errorbar").first).to_be_attached()  # the seeds of the confirmed member
    expect(page.locator("#by-evaluations .scatterlayer")).to_have_count(1)
    expect(page.locator("#parallel canvas.front")).to_be_visible()
    expect(page.get_by_role("slider").first).to_be_visible()

    page.locator("select[name=x]").select_option("mult_adds")
    expect(page.locator("#plot .xtitle")).to_have_text("mult-adds")
    page.locator("select[name=colour]").select_option("ssim")
    expect(page.locator("#tones")).to_contain_text("ssim")
    page.locator("select[name=course]").select_option("psnr")
    page.reload()
    expect(page.locator("#plot .xtitle")).to_have_text("mult-adds")  # a view is its address
    expect(page.locator("#by-time .ytitle")).to_have_text("best PSNR (dB)")

    summary = page.locator("summary", has_text=f"{SEARCH}-1")
    summary.click()
    expect(page.get_by_role("img", name=f"{SEARCH}-1")).to_be_visible()
    assert page.evaluate("window.owned ?? false") is False
    assert visit.complaints == []
    assert [address.split("#")[0] for address in visit.asked] == [url, url]


def test_a_member_that_is_chosen_in_the_plot_is_marked_in_the_table(
    store: MemoryStore, tmp_path: Path, visit_to: Callable[[str], Any]
) -> None:
    expect, url = sync_api.expect, write_page(store, tmp_path / "front.html")
    visit = visit_to(url)
    page = visit.page
    page.goto(url)
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(row(page, f"{SEARCH}-0")).to_have_attribute("aria-current", "true")
    expect(row(page, f"{SEARCH}-0")).to_be_focused()
    expect(row(page, f"{SEARCH}-0")).to_be_in_viewport()
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("tr[aria-current]")).to_have_count(1)
    expect(row(page, f"{SEARCH}-1")).to_be_focused()
    page.evaluate(
        f"document.getElementById('plot').emit('plotly_click', {{ points: [{{ customdata: '{SEARCH}-2' }}] }})"
    )
    expect(page.locator("#chosen")).to_contain_text("is not on the front")
    expect(page.locator("tr[aria-current]")).to_have_count(0)
    assert visit.complaints == []


def test_the_page_works_in_the_box_that_the_service_puts_it_in(
    store: MemoryStore, tmp_path: Path, serve: Callable[[FastAPI], str], visit_to: Callable[[str], Any]
) -> None:
    expect = sync_api.expect
    visit = visit_to(serve(create_app(ApiSettings(home=tmp_path), store)))
    page = visit.page
    page.goto(f"/v1/searches/{SEARCH}/front?format=html")
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    page.locator("select[name=x]").select_option("mult_adds")
    expect(page).to_have_url(re.compile(r"/front\?format=html#x=mult_adds$"))
    page.reload()
    expect(page.locator("#plot .xtitle")).to_have_text("mult-adds")
    assert page.evaluate("[window.owned ?? false, window.origin]") == [False, "null"]
    assert visit.complaints == []
    assert {address.split("#")[0].split("/v1")[1] for address in visit.asked} == {
        f"/searches/{SEARCH}/front?format=html"
    }
