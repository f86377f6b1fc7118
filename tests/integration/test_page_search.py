"""The page of a search in a real browser: watch it live, choose axes, walk along the front, fetch the plot."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SPEC, record_search
from nas.records import Candidate, Worker
from nas.service import utc_now
from nas.store.base import Lease
from nas.store.memory import MemoryStore
from nas.testing import make_report, make_training_progress

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

    def train(self, candidate: Candidate, step: int, loss: float) -> None:
        """Have a worker tell how far the training of a candidate is."""
        at = utc_now()
        progress = make_training_progress(step=step, steps=100, loss=loss)
        lease = Lease(search_id=candidate.search_id, owner="tests", token=1, expires_at=at)
        worker = Worker(owner="tests", name="gpu-0", node="host", pid=1, device="", seen_at=at)
        worker = replace(worker, search_id=candidate.search_id, candidate_id=candidate.id, ordinal=candidate.ordinal)
        worker = replace(worker, evaluation_key=candidate.evaluation_key, progress=progress, busy_since=at)
        report = make_report(lease, candidate, progress=progress)
        self.store.record_workers("tests", [worker], [report], at=at, lease_s=60.0)


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
    page.get_by_label("log across").check()
    expect(page).to_have_url(re.compile(r"\?colour=ssim&size=mult_adds&xlog=1$"))
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
    expect(page.locator("[role=alert].cut")).to_contain_text("is lost")
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_be_disabled()
    record_search(house.store)
    page.unroute("**/events")
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("[role=alert].cut")).to_have_count(0)
    expect(pause).to_be_enabled()
    expect(page.locator("#log")).to_contain_text("candidate 2: 35.00 dB")


def test_a_stream_that_proxies_cut_off_is_taken_up_without_a_word(house: House, visit: Any) -> None:
    asked = list[str]()

    def cut(route: Any) -> None:
        asked.append(route.request.headers["last-event-id"])
        route.fulfill(status=200, content_type="text/event-stream", body=f"id: 7\nretry: {len(asked)}\n\n")

    visit.page.route("**/events", cut)
    page = opened(visit, house)
    while len(asked) < 3:
        page.wait_for_event("request")
    sync_api.expect(page.locator("#connection")).to_have_text("live")
    sync_api.expect(page.locator("#notices")).to_be_empty()


def test_what_is_alike_stays_with_its_focus_and_a_button_gives_its_own_on(house: House, visit: Any) -> None:
    expect = sync_api.expect
    flying = record_search(house.store)[4]
    house.train(flying, 10, 0.5)
    page = opened(visit, house)
    expect(page.locator("#connection")).to_have_text("live")
    link = page.locator("[data-part=workers] a")
    link.focus()
    link.evaluate("(one) => (one.stayed = true)")
    house.train(flying, 40, 0.25)
    expect(page.locator("[data-part=workers]")).to_contain_text("step 40 of 100")
    expect(link).to_be_focused()
    expect(link).to_have_js_property("stayed", True)

    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()


def test_a_log_that_was_outrun_leads_to_what_is_between(house: House, visit: Any) -> None:
    page = opened(visit, house)
    sync_api.expect(page.locator("#connection")).to_have_text("live")
    for number in range(1, 81):
        house.store.set_priority(house.store.searches()[0].id, number, at=utc_now())
    sync_api.expect(page.locator("#log li").first).to_contain_text("to 80")
    page.get_by_role("link", name="Older").dblclick()
    sync_api.expect(page.locator("#log li").last).to_contain_text("submitted")
    numbers = page.locator("#log li").evaluate_all("(lines) => lines.map((line) => Number(line.dataset.ordinal))")
    assert numbers == list(range(81, 0, -1))


def test_a_budget_is_extended_and_workers_are_set_in_dialogs_that_say_what_is_refused(house: House, visit: Any) -> None:
    expect = sync_api.expect
    record_search(house.store)
    page = opened(visit, house)
    page.get_by_role("button", name="Extend").click()
    limit = page.get_by_label("Evaluations", exact=True)
    expect(limit).to_have_value("10")
    expect(page.locator("#extend .figures .row:visible")).to_have_count(5)
    for unset in page.locator("#extend .figures input:not([name=evaluations])").all():
        expect(unset).to_have_attribute("placeholder", "no limit")
        expect(unset).to_have_js_property("readOnly", True)
    expect(page.locator("#of-wall_time_s")).to_contain_text("No limit, ")
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


def test_losses_are_drawn_as_they_come_and_stay_where_the_page_is_drawn_anew(house: House, visit: Any) -> None:
    expect = sync_api.expect
    flying = record_search(house.store)[4]
    house.train(flying, 10, 0.5)
    page = opened(visit, house)
    cell = page.locator("[data-part=workers] [data-loss]")
    expect(cell).to_have_text("0.5")
    house.train(flying, 20, 0.25)
    house.train(flying, 40, 0.125)
    expect(cell.locator("polyline")).to_have_attribute("points", "1.0,1.0 32.3,15.7 95.0,23.0")
    expect(page.locator("[data-part=workers]")).to_contain_text("step 40 of 100")  # from the service, drawn anew
    expect(cell.get_by_role("img")).to_have_attribute("aria-label", "Loss from 0.5 at step 10 to 0.125 at step 40")
    assert visit.complaints == []


def test_the_log_is_sifted_held_and_read_back_to_its_beginning(house: House, visit: Any) -> None:
    expect = sync_api.expect
    record_search(house.store)
    search = house.store.searches()[0].id
    for number in range(60):
        house.store.set_priority(search, number, at=utc_now())
    page = opened(visit, house)
    lines, sort = page.locator("#log li:visible"), page.locator("select[name=sort]")
    expect(page.locator("#connection")).to_have_text("live")
    sort.select_option("failed")
    expect(lines).to_have_count(0)
    page.get_by_role("link", name="Older").click()
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("candidate 3: failed, diverged")
    expect(page.get_by_role("link", name="Older")).to_be_hidden()
    sort.select_option("")
    expect(lines.last).to_contain_text("submitted")

    page.get_by_label("follow").uncheck()
    shown = lines.count()
    house.store.set_priority(search, 99, at=utc_now())
    expect(page.locator("#log-note")).to_have_text("1 new")
    assert lines.count() == shown
    page.get_by_label("follow").check()
    expect(lines.first).to_contain_text("to 99")
    assert visit.complaints == []


def test_curves_show_other_figures_and_other_searches_as_the_address_says(house: House, visit: Any) -> None:
    expect = sync_api.expect
    record_search(house.store)
    answer = httpx.post(f"{house.url}/v1/searches", json={**SPEC, "name": "<b>other</b>"}, trust_env=False)
    record_search(house.store)
    page = opened(visit, house, f"?with={answer.json()['id']}")
    expect(page.locator("#by-time .legend .traces")).to_have_count(2)
    expect(page.locator("#by-time .legend")).to_contain_text("<b>other</b>")
    page.locator("select[name=course]").select_option("psnr")
    expect(page).to_have_url(re.compile(r"course=psnr"))
    expect(page.locator("#by-evaluations .ytitle")).to_have_text("best PSNR (dB)")
    expect(page.locator("#course-note")).to_be_empty()
    told = page.evaluate(REMARKS)
    assert told["alike"] == told["train"] == ""
    assert told["reference"] == (
        "“B” differs in the reference point (mult_adds 2.84 G there, 8.00 G here; ssim only there) only: "
        "hypervolumes do not compare, PSNR does."
    )
    assert told["protocol"] == (
        "“B” differs in the protocol (falsr there, y-float here): "
        "neither PSNR nor hypervolume compares with this search."
    )
    assert "the validation images (“set14” there, some of “photos”, held out here)" in told["images"]
    assert "the reference point (psnr 27 there, 28 here)" in told["images"]
    assert "others under the same name" in told["changed"]
    assert visit.complaints == []


REMARKS = """async () => {
  const { src } = document.querySelector("script[type=module]");
  const { remarkOn } = await import(src.replace("search.js", "others.js"));
  const dataset = { train: "photos", validation: null, validation_limit: 8, validation_crop: 96 };
  const point = { psnr: 28, mult_adds: 8e9 };
  const spec = { dataset, channels: 1, scale: 2, recipe: { protocol: "y-float" } };
  const own = { name: "A", data_digest: "a", baseline: { psnr_db: 28 }, reference_point: point, spec };
  const other = (changes) => remarkOn(own, { ...own, name: "B", data_digest: "b", ...changes });
  const images = { ...spec, dataset: { ...dataset, validation: "set14" } };
  return {
    alike: other({ data_digest: "a" }),
    train: other({}),
    reference: other({ reference_point: { psnr: 28, mult_adds: 2.84e9, ssim: 0.9 } }),
    protocol: other({ spec: { ...spec, recipe: { protocol: "falsr" } } }),
    images: other({ spec: images, reference_point: { ...point, psnr: 27 } }),
    changed: other({ baseline: { psnr_db: 27.5 } }),
  };
}"""
"""What is said of searches beside one that differ from it in one way each."""
