"""The pages in a real browser: sign in, watch, steer, sign out. Skipped where no Chromium or no driver is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SPEC, record_search
from nas.records import Role, SearchState
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

pytestmark = pytest.mark.browser

HOSTILE = "<script>window.owned = true</script><img src=x onerror='window.owned = true'>"


class House:
    """A service that asks for tokens, and whoever is to be let in."""

    def __init__(self, url: str, store: MemoryStore) -> None:
        self.url, self.store = url, store
        self.token = Tokens(store, utc_now).create("alice", Role.SUBMITTER, by="root")[1]

    def submit(self, name: str) -> str:
        """Submit a search as a program does; its id."""
        bearer = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.post(f"{self.url}/v1/searches", json={**SPEC, "name": name}, headers=bearer, trust_env=False)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def state(self, search_id: str) -> SearchState:
        """Where a search stands."""
        return next(search.state for search in self.store.searches() if search.id == search_id)


@pytest.fixture
def house(tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str]) -> House:
    store = MemoryStore()
    settings = ApiSettings(home=tmp_path, images_root=sample_dir.parent, require_token=True)
    return House(serve(create_app(settings, store)), store)


@pytest.fixture
def visit(visit_to: Callable[[str], Any], house: House) -> Any:
    return visit_to(house.url)


def sign_in(page: Any, token: str) -> None:
    """Come without a cookie, and fill in the form."""
    page.goto("/")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Searches").wait_for()


def row(page: Any, search_id: str) -> Any:
    """The row of a search."""
    return page.locator(f"tr[data-id='{search_id}']")


def test_a_person_signs_in_watches_a_search_pauses_it_and_leaves(house: House, visit: Any) -> None:
    page, expect = visit.page, sync_api.expect
    sign_in(visit.page, house.token)
    expect(page.get_by_text("No search yet")).to_be_visible()
    page.evaluate("window.stayed = true")

    search, hostile = house.submit("first look"), house.submit(HOSTILE)
    expect(row(visit.page, search)).to_contain_text("queued")
    expect(row(visit.page, hostile)).to_contain_text("<script>window.owned")
    record_search(house.store)
    expect(row(visit.page, search)).to_contain_text("running")
    expect(row(visit.page, search).locator("polyline")).to_have_count(1)
    expect(row(visit.page, search).locator("progress")).to_have_js_property("value", 40)

    page.get_by_role("button", name="Pause first look").click()
    expect(page.get_by_role("button", name="Resume first look")).to_be_visible()
    assert house.state(search) is SearchState.PAUSED
    assert page.evaluate("[window.stayed, window.owned ?? false]") == [True, False]

    page.get_by_role("button", name="Cancel first look").click()
    page.get_by_role("button", name="Keep it going").click()
    assert house.state(search) is SearchState.PAUSED
    page.get_by_role("button", name="Cancel first look").click()
    page.get_by_role("button", name="Cancel the search").click()
    expect(row(visit.page, search)).to_contain_text("cancelled by request")
    assert house.state(search) is SearchState.CANCELLED

    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("No finished model yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.context.cookies() == []
    page.goto("/models")
    expect(page.get_by_label("Token")).to_be_visible()
    assert visit.complaints == []
    assert {httpx.URL(url).copy_with(path="/", query=None) for url in visit.asked} == {httpx.URL(house.url + "/")}


def test_colours_stay_as_they_were_chosen(house: House, visit: Any) -> None:
    sign_in(visit.page, house.token)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(ground)
    switch = visit.page.locator("#theme")
    while visit.page.evaluate("document.documentElement.dataset.theme") != "dark":
        switch.click()
    assert visit.page.evaluate(ground) != light
    visit.page.reload()
    assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert visit.complaints == []


def test_a_lost_connection_is_told_and_recovers(house: House, visit: Any) -> None:
    house.submit("before")
    sign_in(visit.page, house.token)
    notices, look = visit.page.locator("#notices"), "document.dispatchEvent(new Event('visibilitychange'))"
    visit.page.wait_for_load_state()  # or the modules themselves could not be fetched
    visit.page.route("**/*", lambda route: route.abort("connectionrefused"))
    visit.page.evaluate(look)
    banner, pause = visit.page.locator("[role=alert].cut"), visit.page.locator("[data-action=pause]").first
    sync_api.expect(banner).to_contain_text("is lost")
    sync_api.expect(banner).to_be_in_viewport()
    sync_api.expect(pause).to_be_disabled()
    search = house.submit("meanwhile")
    visit.page.unroute("**/*")
    visit.page.evaluate(look)
    sync_api.expect(row(visit.page, search)).to_be_visible()
    sync_api.expect(notices).to_contain_text("is back")
    sync_api.expect(banner).to_have_count(0)
    sync_api.expect(pause).to_be_enabled()


def test_a_page_whose_cookie_is_gone_leads_to_the_form(house: House, visit: Any) -> None:
    sign_in(visit.page, house.token)
    visit.page.context.clear_cookies()
    visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    sync_api.expect(visit.page.get_by_label("Token")).to_be_visible()
