"""The page of a search in a real browser: watch it live, choose axes, walk along the front, fetch the plot."""

from __future__ import annotations

import re
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
from nas.store.memory import MemoryStore

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's `chromium`"),
]

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 20_000
HOSTILE = "<script>window.owned = true</script><img src=x onerror='window.owned = true'>"


class House:
    """A service without tokens, and a search that waits."""

    def __init__(self, url: str, store: MemoryStore) -> None:
        self.url, self.store = url, store
        answer = httpx.post(f"{url}/v1/searches", json={**SPEC, "name": HOSTILE}, trust_env=False)
        assert answer.status_code == 202, answer.text
        self.search = str(answer.json()["id"])


@pytest.fixture
def house(tmp_path: Path, sample_dir: Path) -> Iterator[House]:
    store = MemoryStore()
    app = create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent), store)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield House(f"http://localhost:{listener.getsockname()[1]}", store)
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
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, house: House, query: str = "") -> Any:
        """The page of the search."""
        self.page.goto(f"/searches/{house.search}{query}")
        return self.page


@pytest.fixture
def visit(browser: Any, house: House) -> Iterator[Visit]:
    visit = Visit(browser, house)
    yield visit
    visit.page.close()


def test_a_search_is_watched_from_its_first_candidate_and_its_plot_is_fetched(house: House, visit: Visit) -> None:
    expect = sync_api.expect
    page = visit.open(house)
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


def test_the_front_is_walked_by_keys_and_a_view_is_its_address(house: House, visit: Visit) -> None:
    expect = sync_api.expect
    record_search(house.store)
    page = visit.open(house, "?x=mult_adds&published=0")
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    assert page.locator("select[name=x]").input_value() == "mult_adds"
    expect(page.get_by_label("published networks")).not_to_be_checked()
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#plot .hoverlayer")).to_contain_text(f"{house.search}-")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/candidates/{house.search}-[01]$"))


def test_a_stream_that_is_lost_is_told_and_found_again(house: House, visit: Visit) -> None:
    expect = sync_api.expect
    visit.page.route("**/events", lambda route: route.abort("connectionrefused"))
    page = visit.open(house)
    expect(page.locator("#connection")).to_have_text("connection lost")
    expect(page.locator("#notices")).to_contain_text("is lost")
    record_search(house.store)
    page.unroute("**/events")
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#log")).to_contain_text("candidate 2: 35.00 dB")
