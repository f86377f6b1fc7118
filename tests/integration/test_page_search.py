"""The page of a search in a real browser: watch it live, choose axes, walk along the front, fetch the plot."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SPEC, record_search
from nas.store.memory import MemoryStore

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

pytestmark = pytest.mark.browser

HOSTILE = "<script>window.owned = true</script><img src=x onerror='window.owned = true'>"


class House:
    """A service without tokens, and a search that waits."""

    def __init__(self, url: str, store: MemoryStore) -> None:
        self.url, self.store = url, store
        answer = httpx.post(f"{url}/v1/searches", json={**SPEC, "name": HOSTILE}, trust_env=False)
        assert answer.status_code == 202, answer.text
        self.search = str(answer.json()["id"])


@pytest.fixture
def house(tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str]) -> House:
    store = MemoryStore()
    return House(serve(create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent), store)), store)


@pytest.fixture
def visit(visit_to: Callable[[str], Any], house: House) -> Any:
    return visit_to(house.url)


def opened(visit: Any, house: House, query: str = "") -> Any:
    """The page of the search."""
    visit.page.goto(f"/searches/{house.search}{query}")
    return visit.page


def test_a_search_is_watched_from_its_first_candidate_and_its_plot_is_fetched(house: House, visit: Any) -> None:
    expect = sync_api.expect
    page = opened(visit, house)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#plot")).to_contain_text("No candidate yet")
    record_search(house.store)
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    expect(page.locator("#log")).to_contain_text("candidate 2: 35.00 dB")
    expect(page.locator("[data-part=members] tbody tr")).to_have_count(2)
    expect(page.locator("#by-evaluations .scatterlayer")).to_have_count(1)

    page.locator("select[name=colour]").select_option("ssim")
    page.locator("select[name=size]").select_option("mult_adds")
    page.get_by_label("log across").uncheck()
    expect(page).to_have_url(re.compile(r"\?colour=ssim&size=mult_adds&xlog=0$"))
    expect(page.locator("#tones")).to_contain_text("ssim")
    for title, name in {"PNG": "png", "as SVG": "svg", "as CSV": "csv"}.items():
        with page.expect_download() as fetched:
            page.locator(f"#plot .modebar-btn[data-title*='{title}' i]").click()
        assert fetched.value.suggested_filename == f"front-{house.search}.{name}"
        content = Path(fetched.value.path()).read_bytes()
        assert content.startswith({"png": b"\x89PNG", "svg": b"<svg", "csv": b"candidate,state"}[name])

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("paused")
    assert page.evaluate("window.owned ?? false") is False
    assert visit.complaints == []
    assert {httpx.URL(url).host for url in visit.asked if not url.startswith(("blob:", "data:"))} == {"localhost"}


def test_the_front_is_walked_by_keys_and_a_view_is_its_address(house: House, visit: Any) -> None:
    expect = sync_api.expect
    record_search(house.store)
    page = opened(visit, house, "?x=mult_adds&published=0")
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    assert page.locator("select[name=x]").input_value() == "mult_adds"
    expect(page.get_by_label("published networks")).not_to_be_checked()
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#plot .hoverlayer")).to_contain_text(f"{house.search}-")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/candidates/{house.search}-[01]$"))


def test_a_stream_that_is_lost_is_told_and_found_again(house: House, visit: Any) -> None:
    expect = sync_api.expect
    visit.page.route("**/events", lambda route: route.abort("connectionrefused"))
    page = opened(visit, house)
    expect(page.locator("#connection")).to_have_text("connection lost")
    expect(page.locator("#notices")).to_contain_text("is lost")
    record_search(house.store)
    page.unroute("**/events")
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#log")).to_contain_text("candidate 2: 35.00 dB")


def test_a_budget_is_extended_and_workers_are_set_in_dialogs_that_say_what_is_refused(house: House, visit: Any) -> None:
    expect = sync_api.expect
    record_search(house.store)
    page = opened(visit, house)
    page.get_by_role("button", name="Extend").click()
    limit = page.get_by_label("Evaluations", exact=True)
    expect(limit).to_have_value("10")
    expect(page.locator("#extend .figures .row:visible")).to_have_count(1)
    limit.fill("5")
    page.locator("#extend").get_by_role("button", name="Extend").click()
    expect(page.locator("#extend [role=alert]")).to_contain_text("at least 10, as it is")
    limit.fill("20")
    page.keyboard.press("Enter")
    expect(page.locator("#extend")).to_be_hidden()
    expect(page.locator("[data-part=tiles]")).to_contain_text("4 of 20")

    page.get_by_role("button", name="Workers").click()
    page.get_by_label("Most candidates in flight").fill("2")
    page.get_by_label("Priority", exact=True).fill("7")
    page.keyboard.press("Enter")
    expect(page.locator("#log")).to_contain_text("from every worker to 2")
    assert [(one.parallelism, one.priority) for one in house.store.searches()] == [(2, 7)]
    expect(page.get_by_role("link", name="Clone")).to_have_attribute("href", f"/searches/new?from={house.search}")
    assert [one for one in visit.complaints if "422" not in one] == []
