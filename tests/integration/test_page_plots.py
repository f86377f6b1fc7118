"""The plots of a search in a real browser: they share a selection, show other searches too, and can be fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.dashboard.assets import url
from api.settings import ApiSettings
from api.testing import SPEC, record_search
from nas.figures import shown
from nas.store.memory import MemoryStore
from nas.testing import START, make_candidate, make_evaluation, make_progress, told

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

pytestmark = pytest.mark.browser

BRIM = 14
"""How far beyond its axis a strip can be taken hold of, in pixels."""

SHOWN = "() => document.querySelector('#plot').layout.xaxis.range"

DRAWN = "() => document.querySelector('#plot').data.reduce((sum, { customdata }) => sum + (customdata?.length ?? 0), 0)"

HOSTILE = "<b>50%{x}</b><img src=x onerror='window.owned = true'>"

FADED = """() => [...document.querySelectorAll("#plot .scatterlayer .point")].filter(
    (point) => Number(getComputedStyle(point).opacity) < 0.5).length"""


STAIRS = """async ([module, x, y]) => {
    const { staircase } = await import(module);
    const senses = ["max", "min"];
    const pairs = senses.flatMap((across) => senses.map((up) => [across, up]));
    return pairs.map((ways) => staircase([...x.keys()], [x, y], ways));
}"""

SENT = """async (module) => {
    const { makeSelection } = await import(module);
    const x = Array.from({ length: 400 }, (_, place) => 10 ** (place / 100));
    const y = x.map((_, place) => (place * 7919) % 400);
    const shown = { figures: { x, y }, ids: x.map(String) };
    const [sent, got] = [makeSelection(), makeSelection()];
    const round = Array.from({ length: 500 }, (_, place) => place / 80);
    sent.enclose({ x: { column: "x", log: true }, y: { column: "y", log: false },
                   points: round.map((turn) => [2 + Math.cos(turn), 200 + 150 * Math.sin(turn)]) });
    sent.brush({ y: [null, 300.00049], x: [12.3456789, 1e9] });
    const address = new URLSearchParams("?colour=ssim&only.z=1+2");
    sent.write(address);
    got.read(new URLSearchParams(address.toString()), ["x", "y"]);
    const [one, other] = [sent, got].map((selection) => [...selection.of(shown)]);
    return { same: String(one) === String(other), count: one.filter(Boolean).length, address: address.toString() };
}"""


class House:
    """A service without tokens, and searches after some of their candidates."""

    def __init__(self, url: str, store: MemoryStore) -> None:
        self.url, self._store = url, store
        self.search = self.record("sample")

    def record(self, name: str, **changes: Any) -> str:
        """Submit another search and record five candidates of it."""
        answer = httpx.post(f"{self.url}/v1/searches", json={**SPEC, **changes, "name": name}, trust_env=False)
        assert answer.status_code == 202, answer.text
        record_search(self._store)
        return str(answer.json()["id"])

    def tell_another(self, psnr_db: float) -> None:
        """Record a sixth candidate of the search, with its outcome."""
        lease = self._store.claim_search("tests", at=START + timedelta(hours=2), lease_s=60.0)
        assert lease is not None, "somebody has the search"
        candidate = make_candidate(lease.search_id, 5, params=1003)
        self._store.record_ask(lease, candidate)
        evaluation = make_evaluation(candidate, psnr_db=psnr_db)
        self._store.record_tell(lease, told(candidate, evaluation, 4), evaluation, make_progress(5, in_flight=1))


@pytest.fixture
def house(tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str]) -> House:
    store = MemoryStore()
    return House(serve(create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent), store)), store)


@pytest.fixture
def visit(visit_to: Callable[[str], Any], house: House) -> Any:
    return visit_to(house.url)


def opened(visit: Any, address: str) -> Any:
    """A page with its plots drawn."""
    visit.page.goto(address)
    sync_api.expect(visit.page.locator("#plot .scatterlayer .point").first).to_be_visible()
    sync_api.expect(visit.page.locator("#parallel .handle").first).to_be_visible()
    return visit.page


def worst(page: Any, figure: str) -> Any:
    """The handle for the worst that is selected of a figure."""
    return page.get_by_role("slider", name=f"{figure}: worst")


def test_an_axis_is_brushed_by_keys_and_the_address_brings_it_back(
    house: House, visit: Any, visit_to: Callable[[str], Any]
) -> None:
    expect = sync_api.expect
    visit.page.emulate_media(reduced_motion="reduce")
    page = opened(visit, f"/searches/{house.search}?x=params")
    assert page.evaluate(FADED) == 0
    expect(page.locator("#picked")).to_be_hidden()
    worst(page, "psnr (dB)").press("PageUp")
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(worst(page, "psnr (dB)")).to_have_attribute("aria-valuetext", "32.00")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#picked")).to_contain_text("2 of 5 candidates selected: psnr (dB) from 31.90.")
    expect(page).to_have_url(re.compile(r"\?x=params&only\.psnr_db=31\.9\+\*$"))
    assert page.evaluate(FADED) == 3  # number 0 is worse, number 3 failed, number 4 is in flight
    marks = page.locator("[data-part=members] tbody th").evaluate_all(
        "(all) => all.map((th) => getComputedStyle(th, '::before').content)"
    )
    assert marks == ['"✓ "', "none"]

    again = opened(visit_to(house.url), page.url)
    expect(again.locator("#picked")).to_contain_text("2 of 5 candidates selected")
    expect(worst(again, "psnr (dB)")).to_have_attribute("aria-valuetext", "31.90")
    assert again.evaluate(FADED) == 3

    worst(page, "psnr (dB)").press("Escape")
    expect(page.locator("#picked")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?x=params$"))
    assert page.evaluate(FADED) == 0
    assert page.evaluate("document.getAnimations().length") == 0
    assert visit.complaints == []


def test_what_is_dragged_over_in_one_plot_is_selected_in_the_other(house: House, visit: Any) -> None:
    expect = sync_api.expect
    page = opened(visit, f"/searches/{house.search}?x=params&published=0")
    strip = page.locator("#parallel .strip").first
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    page.mouse.move(box["x"] + 16, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 16, box["y"] + 0.4 * box["height"], steps=4)
    page.mouse.up()
    expect(page.locator("#picked")).to_contain_text("1 of 5 candidates selected")
    expect(page.locator("#picked")).to_contain_text("psnr (dB)")
    page.locator("#picked summary").click()
    expect(page.locator("#picked .ids button")).to_have_text([f"{house.search}-2"])
    with page.expect_download() as fetched:
        page.get_by_role("button", name="CSV of the selection").click()
    rows = Path(fetched.value.path()).read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["candidate", f"{house.search}-2"]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#picked")).to_be_hidden()

    for tool, key in {"Box": "only.params=", "Lasso": "lasso=params+psnr_db+"}.items():
        page.locator(f"#plot .modebar-btn[data-title*='{tool}']").click()
        page.locator("#plot").scroll_into_view_if_needed()
        area = page.locator("#plot .nsewdrag").first.bounding_box()
        corners = (
            [(0.02, 0.02), (0.98, 0.02), (0.98, 0.6), (0.02, 0.6)] if tool == "Lasso" else [(0.02, 0.02), (0.98, 0.6)]
        )
        for place, (across, down) in enumerate(corners):
            page.mouse.move(area["x"] + across * area["width"], area["y"] + down * area["height"], steps=6)
            if not place:
                page.mouse.down()
        page.mouse.up()
        expect(page.locator("#picked")).to_contain_text("2 of 5 candidates selected")
        expect(page).to_have_url(re.compile(re.escape(key)))
        open_end = worst(page, "psnr (dB)").get_attribute("aria-valuetext")
        assert ("no limit" in open_end) is (tool == "Lasso")
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#picked")).to_be_hidden()
    assert visit.complaints == []


def test_a_drag_from_above_an_axis_selects_and_never_leaves_the_page(house: House, visit: Any) -> None:
    page = opened(visit, f"/searches/{house.search}?x=params")
    strip = page.locator("#parallel .strip").first
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    across, top, height = box["x"] + 16, box["y"] + BRIM, box["height"] - 2 * BRIM
    page.evaluate("() => document.querySelector('#parallel .stage').addEventListener('click', () => window.clicks++)")
    for clicks, begin in enumerate((top - BRIM - 4, top - BRIM + 2, top - 3, top + 3)):
        page.evaluate("window.clicks = 0")
        page.mouse.move(across, begin)
        page.mouse.down()
        page.mouse.move(across, top + 0.4 * height, steps=4)
        page.mouse.up()
        page.wait_for_function("() => window.clicks > 0")  # by then it was handled
        said = "1 of 5 candidates selected" if clicks else ""
        sync_api.expect(page.locator("#picked [role=status]")).to_contain_text(said)
        sync_api.expect(page.locator("#parallel .tip")).to_be_hidden()
        worst(page, "psnr (dB)").press("Escape")
    page.mouse.move(across, top + 1)
    page.mouse.down()
    page.mouse.move(across + 60, top + 1, steps=3)
    page.mouse.up()
    page.wait_for_function("() => window.clicks > 0")
    assert "/candidates/" not in page.url
    assert visit.complaints == []


def test_a_view_and_what_is_pointed_at_outlast_an_outcome(house: House, visit: Any) -> None:
    expect = sync_api.expect
    page = opened(visit, f"/searches/{house.search}?x=params")
    expect(page.locator("#connection")).to_have_text("live")
    page.locator("#plot").scroll_into_view_if_needed()
    area = page.locator("#plot .nsewdrag").first.bounding_box()
    full = page.evaluate(SHOWN)
    page.mouse.move(area["x"] + 2, area["y"] + 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.5 * area["height"], steps=4)
    house.tell_another(31.8)
    expect(page.locator("#plot-note")).to_contain_text("6 candidates.")
    assert page.evaluate(DRAWN) == 5  # while somebody drags
    page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + area["height"] - 2, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => ({DRAWN})() === 6")
    zoomed = page.evaluate(SHOWN)
    assert zoomed[1] - zoomed[0] < 0.7 * (full[1] - full[0])

    page.mouse.move(0, 0)
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#plot .hoverlayer")).to_contain_text("psnr (dB) 30.00")
    light = page.evaluate("document.querySelector('#plot').layout.paper_bgcolor")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("(light) => document.querySelector('#plot').layout.paper_bgcolor !== light", arg=light)
    assert page.evaluate(SHOWN) == zoomed
    expect(page.locator("#plot .hoverlayer")).to_contain_text("psnr (dB) 30.00")
    assert visit.complaints == []


def test_published_networks_without_a_score_stand_over_the_plot_and_beyond_it(house: House, visit: Any) -> None:
    expect = sync_api.expect
    page = opened(visit, f"/searches/{house.search}?x=params")
    beyond = page.locator("#plot .annotation", has_text="FALSR-B 324,745 →")
    expect(beyond).to_be_visible()
    assert page.evaluate(SHOWN)[1] < 10_000  # though that network has many more
    beyond.click()
    expect(beyond).to_have_count(0)
    assert page.evaluate(SHOWN)[1] > 324_745
    names = page.locator("#plot .annotation")
    edge = page.locator("#plot .nsewdrag").first.bounding_box()["y"]
    assert all(name.bounding_box()["y"] < edge for name in names.all())
    published = "({ uid }) => uid?.startsWith('against FALSR')"
    modes = page.evaluate(f"() => document.querySelector('#plot').data.filter({published}).map(({{ mode }}) => mode)")
    assert set(modes) == {"lines"}
    assert visit.complaints == []


def test_parallel_coordinates_are_fetched_and_say_what_they_show(house: House, visit: Any) -> None:
    page = opened(visit, f"/searches/{house.search}")
    for kind in ("PNG", "SVG", "CSV"):
        with page.expect_download() as fetched:
            page.get_by_role("button", name=f"{kind} of the parallel coordinates").click()
        assert fetched.value.suggested_filename == f"parallel-{house.search}.{kind.lower()}"
        content = Path(fetched.value.path()).read_bytes()
        assert content.startswith({"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"candidate,state"}[kind])
        if kind == "SVG":
            words = [element.text for element in ElementTree.fromstring(content).iter() if element.text]
            assert {"psnr (dB)", "params", "↑ less is better"} <= set(words)
    assert "5 candidates over" in page.locator("#parallel .unseen").text_content()
    assert visit.complaints == []


def test_another_search_is_drawn_beside_and_its_name_stays_text(house: House, visit: Any) -> None:
    expect = sync_api.expect
    other = house.record(HOSTILE, recipe={"patch": 16, "protocol": "falsr"})
    house.record("of another scale", scale=4)
    page = opened(visit, f"/searches/{house.search}?x=params")
    choice = page.get_by_label("Add a search")
    expect(choice.locator("option")).to_have_count(2)
    choice.select_option(other)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#plot .legend")).to_contain_text("<b>50%{x}</b><img src=x one…")
    expect(page.locator("#plot-note")).to_contain_text("the protocol falsr: its scores do not compare")
    expect(page).to_have_url(re.compile(rf"&with={other}$"))
    with page.expect_download() as fetched:
        page.locator("#plot .modebar-btn[data-title*='CSV']").click()
    rows = Path(fetched.value.path()).read_text().splitlines()[1:]
    assert {row.split("-")[0] for row in rows} == {house.search, other}

    page = opened(visit, page.url)
    expect(page.locator("#plot .legend")).to_contain_text("sample")
    page.locator("#plot").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#plot .hoverlayer")).to_contain_text("sample")
    worst(page, "psnr (dB)").press("PageUp")
    expect(page.locator("#picked")).to_contain_text("of 10 candidates selected")
    page.get_by_role("button", name=f"Remove {HOSTILE}").click()
    expect(page.locator("#plot .legend")).to_contain_text("in flight")
    expect(page).not_to_have_url(re.compile("with="))
    assert page.evaluate("window.owned ?? false") is False
    assert visit.complaints == []


def test_what_an_address_asks_for_and_nobody_has_is_told(house: House, visit: Any) -> None:
    page = opened(visit, f"/searches/{house.search}?with=ffffffff&only.psnr_db=x+y&only.mischief=1+2&lasso=a+b+1+2")
    sync_api.expect(page.locator("#compare .wrong")).to_contain_text("ffffffff cannot be shown")
    sync_api.expect(page.locator("#picked")).to_be_hidden()
    assert [text for text in visit.complaints if "404" not in text] == []


def test_a_finger_names_a_candidate_before_it_opens_it(house: House, browser: Any, watch: Callable[[Any], Any]) -> None:
    phone = browser.new_context(
        base_url=house.url, has_touch=True, viewport={"width": 390, "height": 800}, color_scheme="dark"
    )
    with closing(phone):
        visit = watch(phone.new_page())
        page = opened(visit, f"/searches/{house.search}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        stage = page.locator("#parallel .stage")
        stage.scroll_into_view_if_needed()
        assert stage.bounding_box()["width"] > page.locator("#parallel > .wide").bounding_box()["width"] - 1
        box = page.locator("#parallel .strip").first.bounding_box()
        at = box["x"] + 16, box["y"] + BRIM + 1  # the best in the first figure
        page.touchscreen.tap(*at)
        sync_api.expect(page.locator("#parallel .tip")).to_contain_text(f"{house.search}-2 infeasible")
        page.touchscreen.tap(*at)
        sync_api.expect(page).to_have_url(re.compile(rf"/candidates/{house.search}-2$"))
        assert visit.complaints == []


def test_a_staircase_is_what_nothing_beats_whichever_way_is_better(house: House, visit: Any) -> None:
    visit.page.goto(f"/searches/{house.search}")
    points = np.random.default_rng(0).integers(0, 12, (80, 2))
    found = visit.page.evaluate(STAIRS, [url("cloud.js"), *points.T.tolist()])
    for (across, up), steps in zip(product((-1, 1), repeat=2), found, strict=True):
        losses = points * [across, up]
        beaten = ((losses[:, None] >= losses) & (losses[:, None] != losses).any(2)[..., None]).all(2).any(1)
        assert {tuple(point) for point in points[steps]} == {tuple(point) for point in points[~beaten]}
        assert points[steps, 0].tolist() == sorted(set(points[steps, 0].tolist()))


def test_figures_are_written_as_in_tables(house: House, visit: Any) -> None:
    visit.page.goto(f"/searches/{house.search}")
    values = {
        "mult_adds": [6_703_027_000, 654_000_000, 9_999_000_000, 12_345_000_000, 235_023_897_600, 0, None],
        "params": [1000, 1_021_401, 12],
        "psnr_db": [27.05919, 30.0, -0.386],
        "ssim": [0.88169],
        "latency_ms": [12.3456, 1234.5],
    }
    pairs = [(column, value) for column, some in values.items() for value in some]
    write = "async ([module, pairs]) => pairs.map(((found) => (pair) => found.written(...pair))(await import(module)))"
    assert visit.page.evaluate(write, [url("figures.js"), pairs]) == [shown(*pair) for pair in pairs]


def test_a_selection_survives_its_address(house: House, visit: Any) -> None:
    visit.page.goto(f"/searches/{house.search}")
    found = visit.page.evaluate(SENT, url("selection.js"))
    assert found["same"]
    assert 0 < found["count"] < 400
    assert found["address"].startswith("colour=ssim&only.y=*+300&only.x=12.3457+1000000000&lasso=log*x+y+")
    assert len(found["address"]) < 1500  # though five hundred corners were drawn
