"""The pages in a real browser: sign in, watch, steer, sign out. Skipped where no Chromium or no driver is at hand."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SPEC, record_search
from nas.records import Role, SearchState
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's `chromium`"),
]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000
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
def house(tmp_path: Path, sample_dir: Path) -> Iterator[House]:
    store = MemoryStore()
    settings = ApiSettings(home=tmp_path, images_root=sample_dir.parent, require_token=True)
    server = uvicorn.Server(uvicorn.Config(create_app(settings, store), log_config=None))
    with closing(socket.create_server((settings.host, 0))) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield House(f"http://localhost:{listener.getsockname()[1]}", store)  # connections wait until it accepts them
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Visit:
    """A page in the browser, with all that it complained of and asked for."""

    def __init__(self, browser: Any, house: House) -> None:
        self.page = browser.new_page(base_url=house.url)
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def sign_in(self, token: str) -> None:
        """Come without a cookie, and fill in the form."""
        self.page.goto("/")
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Searches").wait_for()

    def row(self, search_id: str) -> Any:
        """The row of a search."""
        return self.page.locator(f"tr[data-id='{search_id}']")


@pytest.fixture
def visit(browser: Any, house: House) -> Iterator[Visit]:
    visit = Visit(browser, house)
    yield visit
    visit.page.close()


def test_a_person_signs_in_watches_a_search_pauses_it_and_leaves(house: House, visit: Visit) -> None:
    page, expect = visit.page, sync_api.expect
    visit.sign_in(house.token)
    expect(page.get_by_text("No search yet")).to_be_visible()
    page.evaluate("window.stayed = true")

    search, hostile = house.submit("first look"), house.submit(HOSTILE)
    expect(visit.row(search)).to_contain_text("queued", timeout=PATIENCE_MS)
    expect(visit.row(hostile)).to_contain_text("<script>window.owned")
    record_search(house.store)
    expect(visit.row(search)).to_contain_text("running", timeout=PATIENCE_MS)
    expect(visit.row(search).locator("polyline")).to_have_count(1)
    expect(visit.row(search).locator("progress")).to_have_js_property("value", 40)

    page.get_by_role("button", name="Pause first look").click()
    expect(page.get_by_role("button", name="Resume first look")).to_be_visible()
    assert house.state(search) is SearchState.PAUSED
    assert page.evaluate("[window.stayed, window.owned ?? false]") == [True, False]

    page.get_by_role("button", name="Cancel first look").click()
    page.get_by_role("button", name="Keep it going").click()
    assert house.state(search) is SearchState.PAUSED
    page.get_by_role("button", name="Cancel first look").click()
    page.get_by_role("button", name="Cancel the search").click()
    expect(visit.row(search)).to_contain_text("cancelled by request", timeout=PATIENCE_MS)
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


def test_colours_stay_as_they_were_chosen(house: House, visit: Visit) -> None:
    visit.sign_in(house.token)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(ground)
    switch = visit.page.locator("#theme")
    while visit.page.evaluate("document.documentElement.dataset.theme") != "dark":
        switch.click()
    assert visit.page.evaluate(ground) != light
    visit.page.reload()
    assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert visit.complaints == []


def test_a_lost_connection_is_told_and_recovers(house: House, visit: Visit) -> None:
    visit.sign_in(house.token)
    notices, look = visit.page.locator("#notices"), "document.dispatchEvent(new Event('visibilitychange'))"
    visit.page.wait_for_load_state()  # or the modules themselves could not be fetched
    visit.page.route("**/*", lambda route: route.abort("connectionrefused"))
    visit.page.evaluate(look)
    sync_api.expect(notices).to_contain_text("is lost", timeout=PATIENCE_MS)
    search = house.submit("meanwhile")
    visit.page.unroute("**/*")
    visit.page.evaluate(look)
    sync_api.expect(visit.row(search)).to_be_visible(timeout=PATIENCE_MS)
    sync_api.expect(notices).to_contain_text("is back")
    sync_api.expect(notices).not_to_contain_text("is lost")


def test_a_page_whose_cookie_is_gone_leads_to_the_form(house: House, visit: Visit) -> None:
    visit.sign_in(house.token)
    visit.page.context.clear_cookies()
    visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    sync_api.expect(visit.page.get_by_label("Token")).to_be_visible(timeout=PATIENCE_MS)
