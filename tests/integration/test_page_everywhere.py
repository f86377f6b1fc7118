"""What holds for every page in a real browser: for whoever cannot see or point, on a phone, and against every text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import pytest
import torch
from fastapi import FastAPI
from PIL import Image

from api.app import create_app
from api.cookies import COOKIE
from api.headers import SITE
from api.settings import ApiSettings
from api.testing import SPEC, make_benchmark
from evaluator.executor import Setback
from evaluator.model import build_model
from evaluator.recipe import Recipe
from nas.picturing.impulse import answers
from nas.records import ArtifactState, Role, SearchState, TrainingStatus
from nas.spec import SearchSpec
from nas.store.memory import MemoryStore
from nas.testing import (
    START,
    advanced,
    make_artifact,
    make_candidate,
    make_evaluation,
    make_progress,
    make_search,
    make_training,
    make_worker,
    told,
)
from nas.tokens import make_token
from search_space.spaces.tiny import TINY

NEEDED = "axe-core and what drives the browser are not installed"
sync_api = pytest.importorskip("playwright.sync_api", reason=NEEDED)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=NEEDED)

pytestmark = pytest.mark.browser

HOSTILE = """<script>owned=1</script><img src=x onerror=owned=1>"><svg onload=owned=1>'{{7*7}}javascript:owned=1"""
"""A text that runs where it is taken for anything but text; short enough for the name of a search."""

INTRUDERS = "img[src=x], svg[onload], script:not([src]), [href^='javascript' i]"

PICTURES = ("lr", "bicubic", "network", "hr", "network-error", "bicubic-error")

SEARCH, OTHER, SCORED, FAILED, UNTOLD = "0000000a", "0000000b", "0000000a-1", "0000000a-3", "0000000a-4"
MODEL = "00000000000a"

REFUSED = {
    "a refusal": "Failed to load resource: the server responded with a status of 404 (Not Found)",
    "a clone": "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)",
}
"""What a browser says of what is refused: of a page that is none, and of an estimate for images that are none."""

PAGES = {
    "searches": ("/", "[data-action=pause]"),
    "no search": ("/?q=nothing-is-called-so", ".empty"),
    "sign-in": ("/sign-in", "#token"),
    "a new search": ("/searches/new?preset=first-look", "#f-objectives [data-row]"),
    "a clone": (f"/searches/new?from={SEARCH}&start={SCORED}", "#summary li, #told p"),
    "a search": (f"/searches/{SEARCH}?with={OTHER}", "#by-time .main-svg"),
    "all candidates": (f"/searches/{SEARCH}/candidates?state=failed", "a[href='/candidates/0000000a-3']"),
    "a scored candidate": (f"/candidates/{SCORED}", "#pictures [role=slider]"),
    "a failed candidate": (f"/candidates/{FAILED}", ".failed"),
    "a candidate in flight": (f"/candidates/{UNTOLD}", "[data-live=on]"),
    "models": ("/models", "a[href='/models/00000000000a']"),
    "a model": (f"/models/{MODEL}", "#upscale input"),
    "the REST interface": ("/docs?q=front", "main h2:visible"),
    "a refusal": (f"/searches/{quote(HOSTILE, safe='')}", ".card"),
}
"""Every page: where it is, and what is there once it has everything."""

ANONYMOUS = ("sign-in",)
"""Pages that say nothing of whoever looks at them."""

# -- a house with such texts wherever somebody else may write ----------------------------------------------------------


class House:
    """A service that asks for tokens, and the one that opens it."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token


def furnish(store: MemoryStore, home: Path) -> None:
    """Write two searches with all that its pages can show, in the words of somebody who means harm."""
    spec = SearchSpec.model_validate({**SPEC, "name": HOSTILE, "dataset": {"train": HOSTILE}})
    for search_id in (SEARCH, OTHER):
        store.add_search(make_search(search_id, spec=spec, owner=HOSTILE, warnings=(HOSTILE,)))
        _record(store, search_id)
    for number, state in enumerate((SearchState.FAILED, SearchState.PAUSED, SearchState.COMPLETED)):
        store.add_search(make_search(f"0000000{number}", spec=spec, owner=HOSTILE, state=state, reason=HOSTILE))
    _train(store)
    _make_files(store, home)


def _record(store: MemoryStore, search_id: str) -> None:
    """Four outcomes, one of them a failure, and a worker at the fifth."""
    lease = store.claim_search(HOSTILE, at=START, lease_s=60.0)
    assert lease is not None
    facts: dict[str, Any] = {"baseline": {"psnr_db": 28.0}, "reference_point": {"psnr": 28.0, "params": 20_000}}
    store.begin_search(lease, at=START, data_digest="d" * 32, data_notes=[HOSTILE], **facts)
    asked = [
        make_candidate(search_id, ordinal, genotype=genotype, params=1000 + ordinal, operator=HOSTILE)
        for ordinal, genotype in enumerate(islice(TINY.enumerate(), 5))
    ]
    for candidate in asked:
        store.record_ask(lease, candidate)
    where = {"worker": HOSTILE, "device": HOSTILE, "setbacks": (Setback(cause="x", worker=HOSTILE, message=HOSTILE),)}
    outcomes: list[dict[str, Any]] = [{"psnr_db": 30.0 + number} for number in range(3)]
    outcomes.append({"failure_kind": "diverged", "failure_message": HOSTILE})
    for candidate, outcome in zip(asked, outcomes, strict=False):
        number, evaluation = candidate.ordinal, make_evaluation(candidate, **where, **outcome)
        progress = make_progress(number + 1, failed=int(number == 3), in_flight=4 - number)
        store.record_tell(lease, told(candidate, evaluation, number), evaluation, progress)
    now = datetime.now(UTC)
    busy = make_worker(HOSTILE, asked[4], owner=HOSTILE, node=HOSTILE, device=HOSTILE, seen_at=now, busy_since=now)
    store.record_workers(HOSTILE, [busy], at=now, lease_s=60.0)


def _train(store: MemoryStore) -> None:
    """A finished model, a full training that failed and one that waits."""
    store.add_training(make_training(MODEL, SCORED, owner=HOSTILE))
    store.add_training(make_training("00000000000b", SCORED, digest="b", created_at=START + timedelta(hours=5)))
    store.add_training(make_training("00000000000c", SCORED, digest="c", created_at=START + timedelta(hours=6)))
    for reached in ({}, {"step": 1000, "status": TrainingStatus.FAILED, "reason": HOSTILE}):
        claimed = store.claim_training("tests", at=START, lease_s=0.0)
        assert claimed is not None
        lease, training = claimed
        training = advanced(training, **{"step": training.steps, "device": HOSTILE, "finished_at": START} | reached)
        store.keep_training(lease, training, at=START, lease_s=0.0)


def _make_files(store: MemoryStore, home: Path) -> None:
    """Pictures, a benchmark, a network to enlarge with, one file that failed, and one that is being made."""
    benchmark = make_benchmark().model_dump(mode="json") | {"name": HOSTILE, "notes": [HOSTILE]}
    (home / "benchmark").write_text(json.dumps(benchmark).replace('"Set5"', json.dumps(HOSTILE)))
    _draw(home / "pictures")
    for number, (form, model) in enumerate(
        [("pictures", None), ("pictures", MODEL), ("onnx", MODEL), ("benchmark", MODEL), ("card", None), ("pth", None)]
    ):
        at = START + timedelta(hours=7, seconds=number)
        store.add_artifact(make_artifact(f"{number:012}", SCORED, format=form, training_id=model, created_at=at))
        claimed = store.claim_artifact(at=at, stale_after_s=60.0)
        assert claimed is not None
        ready = replace(claimed, state=ArtifactState.READY, path=form, sha256="a" * 64, size_bytes=4, finished_at=at)
        failed = replace(claimed, state=ArtifactState.FAILED, detail={"error": HOSTILE}, finished_at=at)
        if form != "pth":
            store.finish_artifact(failed if form == "card" else ready)


def _draw(path: Path) -> None:
    """Pictures of a photograph and of the answer to a dot, as a controller writes them."""
    file = BytesIO()
    Image.new("RGB", (48, 32), (90, 120, 150)).save(file, "PNG")
    shown = {
        "name": HOSTILE,
        "width_px": 48,
        "height_px": 32,
        "psnr_db": {"network": 31.25, "bicubic": 30.5},
        "files": {kind: f"{kind}.png" for kind in PICTURES},
    }
    index = {"model": HOSTILE, "scale": 2, "protocol": "y-float", "error": {"gain": 8}, "photographs": [shown]}
    genotype = next(iter(TINY.enumerate()))
    answer = answers(build_model(genotype, Recipe(), scale=2, channels=1, generator=torch.Generator()).eval())
    index["impulse"] = {**answer.told, "files": {kind: f"{kind}.png" for kind in ("network", "bicubic")}}
    with ZipFile(path, "w") as document:
        document.writestr("index.json", json.dumps(index))
        for kind in PICTURES:
            document.writestr(f"{kind}.png", file.getvalue())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, serve_long: Callable[[FastAPI], str]) -> House:
    home, store = tmp_path_factory.mktemp("home"), MemoryStore()
    furnish(store, home)
    token, text = make_token("root", Role.ADMIN, at=START, by="tests")
    store.add_token(replace(token, name=HOSTILE))
    settings = ApiSettings(home=home, images_root=sample_dir.parent, require_token=True, requests_per_s=0.0)
    return House(serve_long(create_app(settings, store)), text)


# -- one page of a browser that looks at all of them -------------------------------------------------------------------


@pytest.fixture(scope="module")
def window(browser: Any, house: House) -> Iterator[Any]:
    """What keeps cookies and files of the service from one test to the next."""
    with closing(browser.new_context(base_url=house.url, reduced_motion="reduce")) as context:
        yield context


@pytest.fixture
def opened(window: Any, house: House, watch: Callable[[Any], Any]) -> Iterator[Callable[..., Any]]:
    """Opens a page by its name, and waits until it has everything; nothing may be wrong with it in the end."""
    visits = {}

    def open_(name: str, width: int = 1440) -> Any:
        path, last = PAGES[name]
        window.clear_cookies()
        if name != "sign-in":
            window.add_cookies([{"name": COOKIE, "value": house.token, "url": house.url}])
        visits[name] = watch(window.new_page())
        page = visits[name].page
        page.set_viewport_size({"width": width, "height": 900})
        answer = page.goto(path)
        assert answer.header_value("content-security-policy") == SITE.decode()
        page.locator(last).first.wait_for()
        return page

    yield open_
    for name, visit in visits.items():
        visit.page.close()
        assert [told for told in visit.complaints if told != REFUSED.get(name)] == []
        assert all(url.startswith((f"{house.url}/", "blob:", "data:")) for url in visit.asked), visit.asked


# -- the tests ---------------------------------------------------------------------------------------------------------

FOCUSABLE = ":is(a[href], button, input, select, textarea, summary, [tabindex='0']):not([tabindex='-1'])"

OPEN_THE_FIRST = "[...document.querySelectorAll('details')].slice(0, 12).forEach((one) => { one.open = true; })"
"""All but on the page of the REST interface, whose others are like them and would take axe half a minute."""

COUNT_THE_FOCUSABLE = """(selector) => {
  const open = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
  const chosen = (element) => element.type !== "radio" || element.checked;
  window.left = new Set([...document.querySelectorAll(selector)].filter((one) => open(one) && chosen(one)));
  left.delete(document.activeElement);
  document.addEventListener("focusin", (event) => left.delete(event.target));
  return left.size;
}"""

WHAT_STICKS_OUT = """(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const cut = (element) => element && (getComputedStyle(element).overflowX !== "visible" || cut(element.parentElement));
  const out = (element) => element.getBoundingClientRect().right > innerWidth && !cut(element.parentElement);
  return [...document.body.querySelectorAll("*")].filter(out).map((element) => element.outerHTML.slice(0, 120));
})()"""

WHAT_IS_LEFT = "[...left].filter((one) => one.isConnected).map((one) => one.outerHTML.slice(0, 200))"


def violations(page: Any, *rules: str) -> dict[str, list[str]]:
    """What axe finds, by rule: the elements. It looks for everything where it is told no rules."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = axe.Axe().run(page, options=options).response["violations"]
    return {one["id"]: [node["html"] for node in one["nodes"]] for one in found}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(opened: Callable[..., Any], name: str, width: int) -> None:
    page = opened(name, width)
    page.evaluate(OPEN_THE_FIRST)
    assert violations(page) == {}
    page.emulate_media(color_scheme="dark")
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert violations(page, "color-contrast", "link-in-text-block") == {}
    assert page.evaluate(WHAT_STICKS_OUT) == []


@pytest.mark.parametrize("name", PAGES)
def test_keys_reach_whatever_a_pointer_does(opened: Callable[..., Any], name: str) -> None:
    page = opened(name)
    stops = page.evaluate(COUNT_THE_FOCUSABLE, FOCUSABLE)
    for _ in range(2 * stops + 10):  # scripts and scrolling regions add stops of their own
        if not page.evaluate("left.size"):
            break
        page.keyboard.press("Tab")
    assert page.evaluate(WHAT_IS_LEFT) == []


def test_a_question_takes_the_keys_and_gives_them_back(opened: Callable[..., Any]) -> None:
    page = opened("a search")
    asking = page.locator("[data-action=cancel]")
    asking.focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert violations(page) == {}
    page.keyboard.press("Escape")
    sync_api.expect(page.get_by_role("dialog")).to_be_hidden()
    sync_api.expect(asking).to_be_focused()


@pytest.mark.parametrize("name", PAGES)
def test_whatever_somebody_wrote_stays_text(opened: Callable[..., Any], name: str) -> None:
    page = opened(name)
    assert page.evaluate("window.owned ?? null") is None
    assert page.locator(INTRUDERS).count() == 0
    assert (HOSTILE in page.locator("body").inner_text()) is (name not in ANONYMOUS)


def test_labels_of_plots_are_text(opened: Callable[..., Any]) -> None:
    page = opened("a search")
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    sync_api.expect(page.locator("#plot .hoverlayer")).to_contain_text("{{7*7}}")
    assert page.locator(INTRUDERS).count() == 0
    assert page.evaluate("window.owned ?? null") is None


def test_no_script_runs_that_is_none_of_the_services_files(window: Any, house: House) -> None:
    with closing(window.new_page()) as page:
        page.goto("/sign-in")
        refused = page.evaluate("""async () => {
          const told = new Promise((tell) => document.addEventListener("securitypolicyviolation", tell));
          const script = Object.assign(document.createElement("script"), { textContent: "window.owned = 1" });
          document.head.append(script);
          const { effectiveDirective, blockedURI, disposition } = await told;
          return [effectiveDirective, blockedURI, disposition, window.owned ?? null];
        }""")
    assert refused == ["script-src-elem", "inline", "enforce", None]
