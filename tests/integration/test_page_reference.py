"""The page of the REST interface in a real browser: look for routes, follow a link, read it without scripts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from nas.store.memory import MemoryStore

NEEDED = "axe-core and what drives the browser are not installed"
sync_api = pytest.importorskip("playwright.sync_api", reason=NEEDED)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=NEEDED)

pytestmark = pytest.mark.browser

ROUTES = "#content .group:not(.objects) .operation"


@pytest.fixture
def url(tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str]) -> str:
    return serve(create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent), MemoryStore()))


def test_routes_are_found_while_words_are_typed(url: str, visit_to: Callable[[str], Any]) -> None:
    visit = visit_to(url)
    page, expect = visit.page, sync_api.expect
    page.goto("/docs")
    count = page.locator(ROUTES).count()
    page.get_by_label("Method, path or words").fill("get cloud")
    expect(page.locator(f"{ROUTES}:visible")).to_have_count(1)
    expect(page.get_by_role("status").first).to_have_text(f"1 of {count} routes")
    assert page.url.endswith("/docs?q=get+cloud")
    page.get_by_label("Method, path or words").fill("")
    expect(page.locator(f"{ROUTES}:visible")).to_have_count(count)
    page.goto("/docs#submit_search")
    expect(page.locator("#submit_search")).to_be_visible()
    page.locator("#submit_search").get_by_role("link", name="Fields of SearchSpec").click()
    expect(page.locator("#SearchSpec")).to_be_in_viewport()
    assert axe.Axe().run(page).response["violations"] == []
    assert visit.complaints == []
    assert all(asked.startswith(url) for asked in visit.asked)


def test_it_reads_as_well_without_scripts(url: str, browser: Any) -> None:
    with closing(browser.new_context(base_url=url, java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto("/docs")
        page.get_by_label("Method, path or words").fill("get cloud")
        page.get_by_role("button", name="Find").click()
        sync_api.expect(page.locator(f"{ROUTES}:visible")).to_have_count(1)
        page.locator(f"{ROUTES}:visible summary").first.click()
        sync_api.expect(page.locator("#get_cloud")).to_be_visible()
