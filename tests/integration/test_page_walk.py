"""A person's whole way through a real service: from signing in to a photograph that a network of one's own enlarged."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from api.client import Client
from nas.records import Role, SearchId, SearchState
from nas.service import utc_now
from nas.store.opening import open_store
from nas.tokens import Tokens

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

TRAINED_MS = 120_000
"""How long to wait for what takes a training, on a machine that has other work."""

SPEC: dict[str, Any] = {
    "name": "walk",
    "space": "tiny",
    "dataset": {"train": "photos", "train_limit": 3, "validation_limit": 1, "validation_crop": 32},
    "objectives": ["psnr", "params"],
    "recipe": {"steps": 10, "batch": 2, "patch": 16},
    "population": 4,
    "budget": {"evaluations": 4},
    "front_seeds": 1,
}

SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "SRNAS_EXECUTOR": "processes",
    "SRNAS_WORKERS": "1",
    "SRNAS_POLL_S": "0.1",
    "SRNAS_REQUIRE_TOKEN": "1",
    "SRNAS_REQUESTS_PER_S": "0",
}

CHANGING = "[data-action], [data-make], [data-pictures], #finishing, .drop, a[href^='/searches/new']"
"""What changes something."""

ASK_TO_CHANGE = """async (url) => {
  const proof = document.querySelector("meta[name=csrf-token]").content;
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": proof };
  return (await fetch(url, { method: "POST", headers, body: "{}" })).status;
}"""

REFUSED = "Failed to load resource: the server responded with a status of 4"
"""How a browser begins to tell of what was refused on purpose."""

SHORT = {"name": "quick", "steps": 20, "batch": 2, "patch": 16}
"""A full training that takes a moment."""


class House:
    """A home with its web process and its controller, and everybody's token.

    Args:
        home: Where everything lies.
        images_root: Where photographs are.
    """

    def __init__(self, home: Path, images_root: Path) -> None:
        self.url, self._port = "", "0"
        self._folders = ["--home", str(home), "--images-root", str(images_root)]
        self._database = f"sqlite:///{home / 'srnas.sqlite'}"
        self._log = home / "walk.log"
        self._running: dict[str, subprocess.Popen[str]] = {}
        with closing(open_store(self._database)) as store:
            tokens = Tokens(store, utc_now)
            self.tokens = {role: tokens.create(f"some-{role}", role, by="tests")[1] for role in Role}

    def open(self) -> None:
        """Have everybody there; the web process at the port that it had before."""
        self._begin("controller")
        first = self._begin("api", "--port", self._port).stdout
        assert first is not None
        told = first.readline()
        assert " at http://" in told, self._log.read_text()
        self.url = told.split(" at ")[1].split()[0]
        self._port = self.url.rpartition(":")[2]

    def close(self, *verbs: str) -> None:
        """End some processes, or all."""
        for process in [self._running.pop(verb) for verb in verbs or list(self._running)]:
            process.terminate()
            try:
                process.communicate(timeout=30)
            finally:
                process.kill()

    def client(self, role: Role = Role.SUBMITTER) -> Client:
        """A program of somebody's."""
        return Client(self.url, token=self.tokens[role])

    def told(self, search_id: str) -> int:
        """How many outcomes of a search are written down, whether anybody answers or not."""
        with closing(open_store(self._database)) as store:
            return store.search(SearchId(search_id)).progress.evaluated

    def _begin(self, verb: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "api", verb, *self._folders, *options]
        if verb not in self._running:
            with self._log.open("a") as log:
                self._running[verb] = subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | SETTINGS
                )
        return self._running[verb]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, browser: Any) -> Iterator[House]:
    """The service; where there is no browser, none is started."""
    service = House(tmp_path_factory.mktemp("home"), sample_dir.parent)
    try:
        service.open()
        yield service
    finally:
        service.close()


@pytest.fixture
def visit(visit_to: Callable[[str], Any], house: House) -> Any:
    return visit_to(house.url)


@pytest.fixture
def search(house: House) -> str:
    """A search that is completed: whatever the walk left, or one of its own."""
    with house.client() as client:
        completed = next(client.searches(states=[SearchState.COMPLETED]), None)
        return (completed or client.wait(client.submit(SPEC).id, poll_s=0.2)).id


def sign_in(page: Any, house: House, role: Role = Role.SUBMITTER) -> None:
    """Fill in the form, to which whoever has no cookie is sent."""
    page.get_by_label("Token").fill(house.tokens[role])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def move_divider(page: Any) -> None:
    """Move it to 90 % and back to 25 % by pointer, and on by key."""
    slider, divider = page.get_by_role("slider", name="Where"), page.locator(".divider:visible")
    divider.scroll_into_view_if_needed()
    box = divider.bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    expect(slider).to_have_attribute("aria-valuenow", "90")
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 3)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "27")


def drop(page: Any, selector: str, name: str, photograph: bytes) -> None:
    """Drop a file on a place, as whoever drags it from a folder does."""
    transfer = page.evaluate_handle(
        """async ([name, text]) => {
          const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name, { type: "image/png" }));
          return transfer;
        }""",
        [name, base64.b64encode(photograph).decode()],
    )
    page.dispatch_event(selector, "drop", {"dataTransfer": transfer})


def picture(path: Path) -> Image.Image:
    """A file as an image."""
    with Image.open(path) as image:
        image.load()
    return image


# -- the way -----------------------------------------------------------------------------------------------------------


def test_a_person_searches_chooses_finishes_and_enlarges(house: House, visit: Any, sample_dir: Path) -> None:
    page = visit.page
    enter_with_a_wrong_token_first(page, house)
    set_up_a_search_with_something_wrong_first(page)
    watch_it_end_without_a_reload(page)
    narrow_the_front(page)
    compare_pictures(page)
    take_a_file_home(page)
    finish(page)
    enlarge_a_photograph(page, sample_dir / "chelsea.png")
    assert [text for text in visit.complaints if REFUSED not in text] == []
    assert all(url.startswith((house.url, "blob:", "data:")) for url in visit.asked)


def enter_with_a_wrong_token_first(page: Any, house: House) -> None:
    page.goto("/")
    page.get_by_label("Token").fill(house.tokens[Role.SUBMITTER][:-1] + "!")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("no token of this service")).to_be_visible()
    sign_in(page, house)


def set_up_a_search_with_something_wrong_first(page: Any) -> None:
    page.get_by_role("link", name="New search").click()
    page.get_by_role("radio", name="First look").check()
    page.get_by_role("button", name="Submit the search").click()
    expect(page.locator("#f-dataset-train-wrong")).to_have_text("This is needed.")
    page.get_by_label("Training images").select_option(label="photos")
    page.get_by_label("Evaluations").fill("0")
    expect(page.locator("#f-budget-evaluations-wrong")).to_contain_text("Allowed:")
    page.get_by_label("Name", exact=True).fill("walk")
    page.get_by_label("Search space").select_option(label="tiny (1,152 networks)")
    for field, value in {"budget-evaluations": 4, "recipe-steps": 10, "recipe-batch": 2, "recipe-patch": 16}.items():
        page.locator(f"#f-{field}").fill(str(value))
    expect(page.locator("#told")).to_contain_text("4")
    page.get_by_role("button", name="Submit the search").click()
    expect(page.get_by_role("heading", name="walk", exact=True)).to_be_visible()


def watch_it_end_without_a_reload(page: Any) -> None:
    page.evaluate("window.stayed = true")
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#log")).to_contain_text(re.compile(r"candidate 0: \d+\.\d\d dB"), timeout=TRAINED_MS)
    expect(page.locator("[data-part=workers]")).to_be_visible()
    expect(page.locator(".stands")).to_contain_text("completed", timeout=TRAINED_MS)
    expect(page.locator("#plot .scatterlayer .point").first).to_be_visible()
    expect(page.locator("[data-part=members] tbody tr").first).to_be_visible()
    assert page.evaluate("window.stayed") is True


def narrow_the_front(page: Any) -> None:
    page.get_by_role("slider", name="best that is selected").first.press("PageDown")
    expect(page.get_by_text("candidates selected")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    page.locator("[data-part=members] tbody a").first.click()
    expect(page.get_by_role("heading", name="Candidate")).to_be_visible()


def compare_pictures(page: Any) -> None:
    page.get_by_role("button", name="Make pictures").click()
    expect(page.get_by_alt_text(re.compile("network$"))).to_be_visible(timeout=TRAINED_MS)
    move_divider(page)


def take_a_file_home(page: Any) -> None:
    with page.expect_download(timeout=TRAINED_MS) as fetched:
        page.get_by_role("button", name="Make safetensors").click()
    assert Path(fetched.value.path()).stat().st_size > 1000


def finish(page: Any) -> None:
    """By the button, though no recipe that it offers ends before the test must."""
    page.route("**/trainings", lambda route: route.continue_(post_data=json.dumps({"recipe": SHORT})))
    page.get_by_role("radio", name="quick").check()
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#trainings")).to_contain_text("of 20 steps")
    page.locator("#trainings").get_by_role("link", name="model").click(timeout=TRAINED_MS)
    expect(page.get_by_role("heading", name="Final figures")).to_be_visible()


def enlarge_a_photograph(page: Any, path: Path) -> None:
    page.get_by_role("link", name="Download onnx", exact=True).wait_for(timeout=TRAINED_MS)
    page.reload()
    file = BytesIO()
    picture(path).crop((100, 60, 196, 124)).save(file, "PNG")
    drop(page, ".drop", "cat.png", file.getvalue())
    expect(page.get_by_text(re.compile(r"96 × 64 became 192 × 128 pixels in \d+\.\d\d s"))).to_be_visible()
    move_divider(page)
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download the result").click()
    assert re.fullmatch(r"cat-\w{12}\.png", fetched.value.suggested_filename)
    assert picture(fetched.value.path()).size == (192, 128)


# -- whoever may only look, and whoever is cut off ---------------------------------------------------------------------


def test_whoever_may_only_look_sees_no_buttons_and_changes_nothing(house: House, search: str, visit: Any) -> None:
    page = visit.page
    with house.client() as client:
        member, models = client.front(search).members[0].id, [model.id for model in client.models()]
    page.goto("/")
    sign_in(page, house, Role.VIEWER)
    for path in ("/", f"/searches/{search}", f"/candidates/{member}", *(f"/models/{model}" for model in models)):
        page.goto(path)
        assert page.locator(CHANGING).count() == 0, path
    page.goto("/searches/new")
    expect(page.get_by_role("heading", name="Your role is to look")).to_be_visible()
    for path in (f"searches/{search}/cancel", f"candidates/{member}/pictures", f"candidates/{member}/trainings"):
        assert page.evaluate(ASK_TO_CHANGE, f"/v1/{path}") == 403
    assert page.evaluate(ASK_TO_CHANGE, "/v1/searches") == 403
    assert all(REFUSED in text for text in visit.complaints)


def test_a_service_that_was_gone_is_missed_and_what_happened_is_told(house: House, visit: Any) -> None:
    page, outcomes = visit.page, 12
    with house.client(Role.ADMIN) as client:
        search = client.submit({**SPEC, "recipe": {"steps": 200}, "budget": {"evaluations": outcomes}}).id
    page.goto(f"/searches/{search}")
    sign_in(page, house, Role.ADMIN)
    page.evaluate("window.stayed = true")
    expect(page.locator("#log")).to_contain_text("candidate 0:", timeout=TRAINED_MS)
    house.close("api")
    expect(page.locator("#connection")).to_have_text("connection lost")
    expect(page.locator("[role=alert].cut")).to_contain_text("is lost")
    assert house.told(search) < outcomes
    while house.told(search) < outcomes:
        page.wait_for_timeout(200)
    house.open()
    expect(page.locator("#notices")).to_contain_text("is back", timeout=TRAINED_MS)
    expect(page.locator(".stands")).to_contain_text("completed")
    for number in range(outcomes):
        expect(page.locator("#log")).to_contain_text(f"candidate {number}:")
    ordinals = page.locator("#log li").evaluate_all("(lines) => lines.map((line) => Number(line.dataset.ordinal))")
    assert ordinals == sorted(set(ordinals), reverse=True)
    assert page.evaluate("window.stayed") is True
