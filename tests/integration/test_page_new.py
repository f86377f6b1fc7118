"""Setting up a search in a real browser: fill it in, be told what it takes and what is wrong, copy it, submit it."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.cookies import COOKIE
from api.dashboard import assets
from api.settings import ApiSettings
from api.testing import SPEC, connect, record_search
from nas.presets import PRESETS
from nas.records import Candidate, Role, Search
from nas.service import utc_now
from nas.spec import SearchSpec
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")

pytestmark = pytest.mark.browser

HOSTILE = """it's "so" `id` $HOME <script>window.owned = true</script><img src=x onerror='window.owned = true'> \\ é"""

REFUSED = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
"""What Chromium's console says of every spec that is found wrong."""


class House:
    """A service without tokens, with a search that a controller has worked on."""

    def __init__(self, app: FastAPI, serve: Callable[[FastAPI], str], store: MemoryStore) -> None:
        self.store = store
        with connect(app) as http:
            self.recorded = str(http.post("/v1/searches", json={**SPEC, "seed": 7}).json()["id"])
        self.candidates: list[Candidate] = record_search(store)
        self.url = serve(app)

    @property
    def newest(self) -> Search:
        """The search that was submitted last."""
        return self.store.searches(limit=1)[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, serve_long: Callable[[FastAPI], str]) -> House:
    store = MemoryStore()
    settings = ApiSettings(home=tmp_path_factory.mktemp("home"), images_root=sample_dir.parent)
    return House(create_app(settings, store), serve_long, store)


@pytest.fixture
def page(house: House, visit_to: Callable[[str], Any]) -> Iterator[Any]:
    """A page that opens the form; it complains of nothing but of what is refused."""
    visit = visit_to(house.url)
    yield visit.page
    assert [text for text in visit.complaints if text != REFUSED] == []


def opened(page: Any, query: str = "") -> Any:
    """The form, filled."""
    page.goto(f"/searches/new{query}")
    page.locator("#spec[data-ready]").wait_for()
    return page


def spec_of(page: Any) -> dict[str, Any]:
    """The spec that the form stands for, as its tab shows it."""
    page.get_by_role("tab", name="JSON").click()
    found: dict[str, Any] = json.loads(page.locator("#as code").inner_text())
    return found


def paste(page: Any, document: Any) -> None:
    """Fill the form from JSON."""
    page.get_by_role("button", name="Edit as JSON").click()
    page.get_by_label("The spec as JSON").fill(document if isinstance(document, str) else json.dumps(document))
    page.get_by_role("button", name="Fill the form").click()


def arrive(page: Any) -> None:
    """Wait for the page of the search that was submitted, and for no more of it than its address."""
    page.wait_for_url(lambda url: not url.partition("?")[0].endswith("/new"), wait_until="commit")


def tab_to(page: Any, id: str) -> None:
    """Go to a control as who has no pointer does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == id:
            return
    raise AssertionError(f"no way to {id}")


def test_a_search_is_set_up_and_submitted_by_keyboard_alone(house: House, page: Any) -> None:
    opened(page, "?preset=first-look")
    assert page.locator(".wrong:visible, [aria-invalid]").count() == 0
    sync_api.expect(page.locator("#told")).to_contain_text("Choose the images")
    tab_to(page, "f-name")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("by keyboard")
    tab_to(page, "f-dataset-train")
    page.keyboard.type("photos")
    sync_api.expect(page.locator("#told dl")).to_contain_text("Candidates")
    tab_to(page, "f-budget-evaluations")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    arrive(page)
    wanted = PRESETS["first-look"].for_images("photos") | {"name": "by keyboard", "budget": {"evaluations": 5}}
    assert (house.newest.spec, page.url.rpartition("/")[2]) == (SearchSpec.model_validate(wanted), house.newest.id)


def test_an_estimate_follows_the_form_and_warns(page: Any) -> None:
    opened(page, "?preset=faithful-falsr")
    page.get_by_label("Training images").select_option("photos")
    told = page.locator("#told")
    sync_api.expect(told).to_contain_text("10,000")
    sync_api.expect(told.get_by_role("list", name="Before you believe the result")).to_contain_text("Kendall's tau")
    for name in ("Time", "Training steps", "Limited by", "Disk"):
        assert told.get_by_text(name, exact=True).count() == 1
    page.get_by_label("Evaluations").fill("20")
    sync_api.expect(told).not_to_contain_text("10,000")
    page.get_by_role("button", name="Remove objective 3").click()
    sync_api.expect(told).not_to_contain_text("Kendall's tau")
    page.get_by_label("Balanced").check()
    assert page.url.endswith("?preset=balanced")
    balanced = PRESETS["balanced"].for_images("photos")
    assert SearchSpec.model_validate(spec_of(page)) == SearchSpec.model_validate(balanced)


def test_images_tell_of_themselves_and_others_are_uploaded(page: Any, sample_dir: Path) -> None:
    opened(page).get_by_label("Training images").select_option("photos")
    known = page.locator(".known").first
    sync_api.expect(known).to_contain_text("LR images are made of them")
    page.get_by_text("Add images", exact=True).click()
    archive, told = BytesIO(), page.locator("#add-images [role=status]")
    with ZipFile(archive, "w") as document:
        document.write(next(sample_dir.glob("*.png")), "one.png")
    for buffer, words in ((b"no archive", "zip"), (archive.getvalue(), "is there, with 1 images, and is chosen")):
        page.locator("#archive").set_input_files(
            {"name": "my own.zip", "mimeType": "application/zip", "buffer": buffer}
        )
        page.get_by_role("button", name="Upload").click()
        sync_api.expect(told).to_contain_text(words)
    assert spec_of(page)["dataset"] == {"train": "my-own"}
    sync_api.expect(known).to_contain_text("1 image, ")


def test_what_is_wrong_stands_beside_its_field_and_the_first_has_the_focus(page: Any) -> None:
    opened(page)
    patch, summary = page.locator("#f-recipe-patch"), page.locator("#summary")
    page.locator("#f-dataset-train").select_option("photos")
    patch.fill("3")
    page.locator("#f-recipe-steps").focus()
    sync_api.expect(page.locator("#f-recipe-patch-wrong")).to_contain_text("from 8 to 1024")
    assert (patch.get_attribute("aria-invalid"), summary.is_visible()) == ("true", False)
    assert "f-recipe-patch-wrong" in patch.get_attribute("aria-describedby")
    patch.fill("16")
    sync_api.expect(patch).not_to_have_attribute("aria-invalid", "true")

    paste(
        page, {"objectives": [], "constraints": [{"metric": "params", "max": 1}], "recipe": {"rungs": 99}, "stepz": 3}
    )
    page.get_by_role("button", name="Submit the search").click()
    sync_api.expect(summary).to_contain_text("4 things have to change")
    sync_api.expect(page.locator("#f-dataset-train")).to_be_focused()
    assert summary.locator("li").all_inner_texts()[0] == "Dataset, training images: This is needed."
    assert summary.locator("li").all_inner_texts()[-1].startswith("stepz: ")
    summary.get_by_role("link", name="Recipe, rungs").click()
    sync_api.expect(page.locator("#f-recipe-rungs")).to_be_focused()
    page.locator("#f-recipe-rungs").fill("1")
    page.locator("#f-dataset-train").select_option("photos")
    sync_api.expect(page.locator("#f-constraints .wrong:visible")).to_contain_text("networks of the space falsr reach")
    sync_api.expect(summary.get_by_role("link")).to_have_text(["Objectives", "Constraint 1, at most"])


def test_of_many_things_in_one_field_the_first_are_told_each_with_what_it_is_of(page: Any) -> None:
    opened(page)
    paste(page, {**SPEC, "initial": ["falsr-a", "nonsense"], "dataset": {"train": "photos", "tain": 3}})
    page.get_by_role("button", name="Submit the search").click()
    lines = page.locator("#summary li")
    sync_api.expect(lines.first).to_contain_text("Dataset: tain, allowed: only the fields train")
    sync_api.expect(lines.last).to_contain_text("Networks to look at first: entry 2, allowed: one of falsr-a")
    lines.last.get_by_role("link").click()
    page.locator("#f-initial").fill("falsr-a\nfalsr-b")
    sync_api.expect(lines.last).to_contain_text("And 26 more.")


def test_nothing_is_asked_twice_or_before_it_can_be_answered(page: Any) -> None:
    opened(page, "?preset=first-look")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/estimates") else None)
    told = page.locator("#told")
    page.get_by_role("button", name="Add constraint").click()
    page.get_by_label("Training images").select_option("photos")
    sync_api.expect(told).to_contain_text("Fill in constraint 2")
    assert asked == []
    page.get_by_label("At most").last.fill("9e9")
    sync_api.expect(told).to_contain_text("Candidates")
    page.get_by_label("Evaluations").focus()  # which is a change of the field that is left
    page.locator("#estimate[data-state=waiting]").wait_for()
    page.locator("#estimate[data-state=told]").wait_for()
    assert len(asked) == 1


def test_a_comma_after_a_zero_is_no_separator_of_thousands(page: Any) -> None:
    opened(page)
    page.get_by_text("More of recipe").click()
    for text, value in {"0,001": "0,001", "0x1": "0x1", "2,000": 2000, "5e-4": 5e-4, ".5": 0.5}.items():
        page.get_by_label("Learning rate").fill(text)
        assert spec_of(page)["recipe"] == {"learning_rate": value}


def test_large_numbers_and_times_are_written_with_units_and_sent_without(page: Any) -> None:
    opened(page, "?preset=balanced")
    at_most, clock = page.get_by_label("At most"), page.get_by_label("Wall time")
    assert (at_most.input_value(), clock.input_value()) == ("100 G", "3 d")
    sync_api.expect(page.locator("#budget")).to_contain_text("= 259,200 s")
    for text, value in {"8 G": 8e9, "8e9": 8e9, "1.1 G": 1.1e9, "500 k": 5e5, "8 g": "8 g"}.items():
        at_most.fill(text)
        assert spec_of(page)["constraints"] == [{"metric": "mult_adds", "max": value}]
    for text, value in {"12 h": 43_200, "90 min": 5400, "7200": 7200, "1,5 h": "1,5 h"}.items():
        clock.fill(text)
        assert spec_of(page)["budget"]["wall_time_s"] == value
    clock.fill("7200")
    sync_api.expect(page.locator("#budget")).to_contain_text("= 2 h")
    clock.focus()
    sync_api.expect(page.locator("#f-budget-wall_time_s-help")).to_have_text("Such as 3 d, 12 h or 90 min. above 0 s")


def test_the_same_request_can_be_copied_for_a_shell_and_for_python(house: House, page: Any) -> None:
    opened(page)
    paste(page, {**SPEC, "name": HOSTILE[:120], "dataset": {"train": "photos", "validation_limit": None}})
    spec = spec_of(page)
    assert spec["name"] == HOSTILE[:120]
    page.get_by_role("tab", name="JSON").press("ArrowRight")
    words = shlex.split(page.locator("#as code").inner_text())
    assert words[:3] == ["curl", "--fail-with-body", f"{house.url}/v1/searches"]
    assert json.loads(words[-1]) == spec
    page.keyboard.press("ArrowRight")
    assignment = ast.parse(page.locator("#as code").inner_text()).body[1]
    assert isinstance(assignment, ast.Assign)
    assert ast.literal_eval(assignment.value) == spec
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#as code").inner_text()


def test_a_double_click_submits_one_search_and_hostile_texts_stay_texts(house: House, page: Any) -> None:
    before = len(house.store.searches(limit=100))
    opened(page)
    paste(
        page,
        {HOSTILE: HOSTILE, "dataset": {"train": HOSTILE}, "recipe": HOSTILE, "space": HOSTILE, "initial": [HOSTILE]},
    )
    page.get_by_role("button", name="Submit the search").click()
    sync_api.expect(page.locator("#summary li")).to_have_count(5)
    assert page.locator("#f-dataset-train option:checked").inner_text().endswith("(not known here)")
    paste(page, "{not json")
    sync_api.expect(page.locator("#pasting-wrong")).to_contain_text("This is no JSON")
    page.get_by_label("The spec as JSON").fill(json.dumps({**SPEC, "name": HOSTILE[:120]}))
    page.get_by_role("button", name="Fill the form").click()
    page.get_by_role("button", name="Submit the search").dblclick()
    arrive(page)
    assert house.newest.spec == SearchSpec.model_validate({**SPEC, "name": HOSTILE[:120]})
    assert len(house.store.searches(limit=100)) == before + 1
    assert page.evaluate("window.owned ?? false") is False


def test_a_clone_begins_with_its_search_and_remembers_it(house: House, page: Any) -> None:
    opened(page, f"?from={house.recorded}&start={house.recorded}-1")
    start = str(house.candidates[1].genotype)
    own = {"name": "sample (2)", "seed": 8, "initial": [start]}
    sync_api.expect(page.locator(".origin")).to_contain_text("The same spec and seed repeat the same search")
    assert spec_of(page) == {**SPEC, **own}
    page.get_by_label("Evaluations").fill("12")
    page.get_by_role("tab", name="curl").click()
    words = shlex.split(page.locator("#as code").inner_text())
    assert words[2].endswith(f"/v1/searches/{house.recorded}/clone")
    assert json.loads(words[-1]) == {"changes": {**own, "budget": {"evaluations": 12}}}
    page.get_by_role("button", name="Submit the search").click()
    arrive(page)
    wanted = {**SPEC, **own, "budget": {"evaluations": 12}}
    assert (house.newest.spec, house.newest.cloned_from) == (SearchSpec.model_validate(wanted), house.recorded)


def test_a_clone_that_a_patch_cannot_tell_is_a_search_of_its_own(house: House, page: Any) -> None:
    opened(page, f"?from={house.recorded}")
    page.get_by_text("More of dataset").click()
    page.get_by_label("Validation limit").fill("")  # null, by which a patch means the default
    page.get_by_role("tab", name="curl").click()
    words = shlex.split(page.locator("#as code").inner_text())
    assert words[2] == f"{house.url}/v1/searches"
    assert json.loads(words[-1])["dataset"] == {"train": "photos", "validation_limit": None}


ROUND = (
    *(dict(preset.for_images("photos")) for preset in PRESETS.values()),
    {**SPEC, "objectives": [{"metric": "psnr", "sense": "min"}, {"metric": "params", "sense": "min"}]},
    {**SPEC, "dataset": {"train": "photos", "validation_crop": None, "train_limit": 3}, "latency": {}},
    {**SPEC, "recipe": {"name": "paper", "steps": 300, "image_residual": True}, "engine": {"name": "falsr", "lag": 3}},
    {
        **SPEC,
        "recipe": {"name": "paper", "patch": 24},
        "budget": {"evaluations": 100, "wall_time_s": 1.5},
        "version": 1,
    },
    SearchSpec.model_validate({**SPEC, "engine": "random", "priority": -3}).to_json(),
)

ODD: tuple[dict[str, Any], ...] = (
    {"population": "8", "scale": 5, "channels": "1", "seed": True, "name": 7, "initial": "falsr-a"},
    {"objectives": "psnr", "constraints": [{"metric": "psnr", "more": 1}], "budget": None, "dataset": "photos"},
    {"recipe": 5, "engine": {"name": "none", "speed": 9}, "latency": {"profile": {"name": "cpu", "cells": [1, 2]}}},
    {"recipe": "none", "version": 2, "__proto__x": {"a": [None]}, "dataset": {"train": "no such"}},
)


def test_a_spec_that_fills_the_form_comes_out_of_it_as_it_was(page: Any) -> None:
    opened(page)
    told = page.evaluate(
        """async ([url, documents]) => {
          const form = (await import(url)).makeForm(document.getElementById("spec"));
          return documents.map((spec) => (form.fill(spec), [form.document(), form.full()]));
        }""",
        [assets.url("new-form.js"), [*ROUND, *ODD]],
    )
    for document, (sparse, full) in zip(ROUND, told, strict=False):
        assert SearchSpec.model_validate(sparse) == SearchSpec.model_validate(document)
        assert SearchSpec.model_validate(full) == SearchSpec.model_validate(document)
        assert "seed" not in sparse
        assert "version" not in sparse
    assert [sparse for sparse, _ in told[len(ROUND) :]] == list(ODD)


def test_a_form_with_all_that_is_wrong_suits_eyes_and_phones(
    house: House, browser: Any, watch: Callable[[Any], Any]
) -> None:
    phone = {"width": 390, "height": 900}
    still = {"color_scheme": "dark", "reduced_motion": "reduce"}  # what fades in has too little contrast
    with closing(browser.new_page(base_url=house.url, viewport=phone, **still)) as page:
        watch(page)
        opened(page, f"?from={house.recorded}")
        page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
        page.locator("#f-recipe-steps").fill("0")
        page.get_by_role("button", name="Submit the search").click()
        sync_api.expect(page.locator("#summary")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
        assert axe.Axe().run(page).response["violations"] == []


def bearing(tokens: Tokens, role: Role) -> list[Any]:
    """The cookie of somebody of a role."""
    return [{"name": COOKIE, "value": tokens.create("bob", role, by="root")[1], "url": "http://localhost"}]


def test_who_is_signed_out_meanwhile_signs_in_elsewhere_and_goes_on(
    tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str], visit_to: Callable[[str], Any]
) -> None:
    store = MemoryStore()
    app = create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent, require_token=True), store)
    page, cookie = visit_to(serve(app)).page, bearing(Tokens(store, utc_now), Role.SUBMITTER)
    page.context.add_cookies(cookie)
    opened(page, "?preset=first-look").get_by_label("Training images").select_option("photos")
    page.context.clear_cookies()
    page.get_by_role("button", name="Submit the search").click()
    sync_api.expect(page.locator("#summary")).to_contain_text("You are signed out. Sign in again in another tab")
    page.context.add_cookies(cookie)
    page.get_by_role("button", name="Submit the search").click()
    arrive(page)
    assert store.searches(limit=1)[0].spec.dataset.train == "photos"


def test_a_viewer_is_told_what_it_takes(
    tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str], visit_to: Callable[[str], Any]
) -> None:
    store = MemoryStore()
    app = create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent, require_token=True), store)
    visit, tokens = visit_to(serve(app)), Tokens(store, utc_now)
    visit.page.context.add_cookies(bearing(tokens, Role.VIEWER))
    visit.page.goto("/searches/new")
    sync_api.expect(visit.page.get_by_role("heading", name="Your role is to look")).to_be_visible()
    sync_api.expect(visit.page.locator("main")).to_contain_text("srnas token create --role submitter")
    visit.page.goto("/")
    assert visit.page.get_by_role("link", name="New search").count() == 0
