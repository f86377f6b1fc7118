"""The pages of one network in a real browser: look at pictures under the divider, have files made, finish, enlarge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
import torch
from fastapi import FastAPI
from PIL import Image

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, SPEC, finish_training, record_search
from evaluator.model import build_model
from evaluator.recipe import Recipe
from nas.picturing.impulse import answers
from nas.records import ArtifactState, SearchId
from nas.store.base import Lease
from nas.store.memory import MemoryStore
from nas.testing import make_evaluation, make_progress, told
from search_space.genotype import Genotype

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

pytestmark = pytest.mark.browser

GENOTYPE = Genotype.parse("f8|conv-k3-f8-n1:0|conv-k3-f8-n1:1|tail:2")
KINDS = ("lr", "bicubic", "network", "hr", "network-error", "bicubic-error")


def picture(level: int, side: tuple[int, int] = (48, 32)) -> bytes:
    """A PNG of one gray."""
    file = BytesIO()
    Image.new("RGB", side, (level, level, level)).save(file, "PNG")
    return file.getvalue()


def archive(path: Path, side: tuple[int, int], *, dots: bool) -> None:
    """Pictures of two photographs as a controller writes them, with the answers to a dot or, as once, without."""
    told = [
        {
            "name": f"photograph {number}",
            "width_px": side[0],
            "height_px": side[1],
            "psnr_db": {"network": 31.25, "bicubic": None},
            "files": {kind: f"{number}-{kind}.png" for kind in KINDS},
        }
        for number in (1, 2)
    ]
    index = {"model": "x", "scale": 2, "protocol": "y-float", "error": {"gain": 8}, "photographs": told}
    with ZipFile(path, "w") as document:
        if dots:
            model = build_model(GENOTYPE, Recipe(), scale=2, channels=1, generator=torch.Generator()).eval()
            files = {kind: f"impulse-{kind}.png" for kind in ("network", "bicubic")}
            index["impulse"] = {**answers(model).told, "files": files}
            for name in files.values():
                document.writestr(name, picture(200))
        document.writestr("index.json", json.dumps(index))
        for entry in told:
            for number, name in enumerate(entry["files"].values()):
                document.writestr(name, picture(40 * number, side))


class House:
    """A service without tokens, a candidate that was trained, and a model of it."""

    def __init__(self, url: str, store: MemoryStore, home: Path) -> None:
        self.url, self.store, self._home = url, store, home
        self._post("/v1/searches", SPEC)
        self.candidate = record_search(store)[1].id
        self.train(self.candidate)
        finish_training(store, 50)
        self.model = finish_training(store).id

    def _post(self, path: str, document: dict[str, Any]) -> None:
        answer = httpx.post(f"{self.url}{path}", json=document, trust_env=False)
        assert answer.status_code == 202, answer.text

    def train(self, candidate: str) -> None:
        """Ask for a full training of a candidate."""
        self._post(f"/v1/candidates/{candidate}/trainings", {"recipe": SHORT_RECIPE})

    def tell(self, *, psnr_db: float) -> None:
        """Score the candidate that is being trained."""
        flying = self.store.candidates(SearchId(self.candidate.partition("-")[0]))[-1]
        lease = Lease(search_id=flying.search_id, owner="tests", token=1, expires_at=datetime.now(UTC))
        evaluation = make_evaluation(flying, psnr_db=psnr_db)
        self.store.record_tell(lease, told(flying, evaluation, 4, violation=0.0), evaluation, make_progress(5))

    def make(self, form: str, side: tuple[int, int] = (48, 32), *, dots: bool = False) -> None:
        """Write the file that is asked for, as a controller does; pictures are so large, with or without a dot."""
        claimed = self.store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
        assert claimed is not None
        assert claimed.format == form
        path = self._home / form
        archive(path, side, dots=dots) if form == "pictures" else path.write_bytes(b"file")
        ready = replace(claimed, state=ArtifactState.READY, path=form, sha256="a" * 64, size_bytes=4)
        self.store.finish_artifact(replace(ready, finished_at=datetime.now(UTC)))

    def show_pictures(self, side: tuple[int, int]) -> None:
        """Have pictures of the candidate."""
        answer = httpx.post(f"{self.url}/v1/candidates/{self.candidate}/pictures", trust_env=False)
        assert answer.status_code == 202, answer.text
        self.make("pictures", side, dots=True)

    def offer_upscaling(self) -> None:
        """Have the ONNX file of the model."""
        self._post(f"/v1/models/{self.model}/exports", {"format": "onnx"})
        self.make("onnx")


@pytest.fixture
def house(tmp_path: Path, sample_dir: Path, serve: Callable[[FastAPI], str]) -> House:
    store = MemoryStore()
    app = create_app(ApiSettings(home=tmp_path, images_root=sample_dir.parent), store)
    return House(serve(app), store, tmp_path)


@pytest.fixture
def page(visit_to: Callable[[str], Any], house: House) -> Iterator[Any]:
    """A page that must not complain."""
    visit = visit_to(house.url)
    yield visit.page
    assert visit.complaints == []


def test_a_page_that_goes_on_stays_while_the_front_around_it_changes(house: House, page: Any) -> None:
    expect = sync_api.expect
    other = house.candidate.replace("-1", "-0")
    house.train(other)
    page.goto(f"/candidates/{other}")
    expect(page.locator("#standing")).to_contain_text("number 2 of 2")
    page.evaluate("window.stayed = true")
    house.tell(psnr_db=40.0)
    expect(page.locator("#standing")).to_contain_text("number 3 of 3")
    assert page.evaluate("window.stayed")


def test_a_person_compares_pictures_fetches_a_file_and_finishes_a_network(house: House, page: Any) -> None:
    expect = sync_api.expect
    page.goto(f"/candidates/{house.candidate}")
    page.get_by_role("button", name="Make pictures").click()
    expect(page.get_by_text("The pictures are being made")).to_be_visible()
    house.make("pictures")
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible()
    expect(page.get_by_text("PSNR of this crop")).to_contain_text("bicubic ∞ dB")
    expect(page.get_by_role("heading", name="What it answers to a single dot")).to_be_hidden()

    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "52")
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "100 % bicubic")
    box = page.locator(".divider").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.9 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")

    page.get_by_label("Photograph", exact=True).select_option("photograph 2")
    page.get_by_label("Right", exact=True).select_option("network-error")
    expect(page.get_by_alt_text("photograph 2: error of the network")).to_have_js_property("naturalWidth", 48)
    page.get_by_label("Zoom", exact=True).select_option("8")
    assert page.locator(".divider").evaluate("(shown) => shown.getBoundingClientRect().width") == 8 * 48
    window = page.locator(".window")
    assert window.evaluate("(seen) => seen.offsetWidth - seen.clientWidth") == 2, "its border, and no scrollbar"
    assert window.bounding_box()["width"] > 0.9 * page.locator("#pictures").bounding_box()["width"]
    assert page.locator(".over").evaluate("(shown) => getComputedStyle(shown).imageRendering") == "pixelated"

    page.get_by_role("button", name="Make onnx-luma").click()
    expect(page.get_by_text("being made …")).to_be_visible()
    with page.expect_download() as download:
        house.make("onnx-luma")
    assert download.value.suggested_filename == f"srnas-{house.candidate}-luma.onnx"

    steps = page.get_by_label("Steps", exact=True)
    expect(steps).to_have_value("10000")
    page.get_by_role("radio", name="standard").check()
    expect(steps).not_to_have_value("10000")
    steps.fill("1234")
    expect(page.locator("[data-forecast]")).to_contain_text("about")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#trainings")).to_contain_text("0 of 1,234 steps")
    expect(page.locator("#trainings")).to_contain_text("standard")
    expect(page.locator("#trainings")).to_contain_text("queued")


def test_the_front_is_finished_from_the_page_of_its_search(house: House, page: Any) -> None:
    expect = sync_api.expect
    page.goto(f"/searches/{house.candidate.split('-')[0]}")
    panel, dialog = page.locator("#full-trainings"), page.locator("#finish-front")
    expect(panel.locator("tbody tr")).to_have_count(1)
    expect(panel.get_by_role("link", name=house.model)).to_have_attribute("href", f"/models/{house.model}")
    page.get_by_role("button", name="Finish the front").click()
    expect(dialog).to_contain_text("Of 2, the best by psnr first. 1 has a model already.")
    expect(dialog.locator("[data-forecast]")).to_contain_text("2 trainings of 10,000 steps: about")
    dialog.get_by_label("How many of them").fill("1")
    dialog.get_by_label("Steps", exact=True).fill("500")
    expect(dialog.locator("[data-forecast]")).to_contain_text("1 training of 500 steps: about")
    dialog.get_by_role("button", name="Finish", exact=True).click()
    expect(dialog.locator("[data-became] li")).to_have_text([f"{house.candidate}: queued"])
    expect(panel.locator("tbody tr").first).to_contain_text("0 of 500 steps")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Finish the front").click()
    dialog.get_by_label("How many of them").fill("1")
    dialog.get_by_label("Steps", exact=True).fill("500")
    expect(dialog.locator("[data-forecast]")).to_have_text("Nothing to begin. 1 so trained already, or on the way.")


def test_a_block_tells_of_itself_and_lifts_its_skips(house: House, page: Any) -> None:
    expect = sync_api.expect
    page.goto(f"/candidates/{house.candidate}")
    told, drawing = page.locator(".told-block"), page.locator(".drawing svg")
    expect(told).to_contain_text("Point at a block")
    page.locator(".block").nth(1).focus()
    expect(told).to_contain_text("cell 1: ")
    expect(told).to_contain_text("It reads features")
    expect(page.get_by_role("img", name="cell 1: ")).to_be_focused()
    lit = page.locator(".arc.lit")
    at_cell = drawing.locator('.arc[data-from="1"], .arc[data-to="1"]')
    assert lit.count() == at_cell.count()
    page.keyboard.press("Tab")
    expect(told).to_contain_text("cell 2: ")
    page.locator(".block").first.hover()
    expect(told).to_contain_text("features: ")
    page.mouse.move(0, 0)
    expect(told).to_contain_text("cell 2: ")


def test_charts_are_saved_as_pictures_and_as_figures(house: House, page: Any) -> None:
    house.show_pictures((48, 32))
    page.goto(f"/candidates/{house.candidate}")
    sync_api.expect(page.get_by_role("heading", name="What it answers to a single dot")).to_be_visible()

    def saved(button: str) -> tuple[str, bytes]:
        with page.expect_download() as download:
            page.get_by_role("button", name=button, exact=True).click()
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    name, content = saved("Loss over the training as SVG")
    assert name == f"{house.candidate}-loss-over-the-training.svg"
    assert b"var(" not in content
    assert b'stroke="rgb(' in content
    with Image.open(BytesIO(saved("Gain along frequencies as PNG")[1])) as chart:
        assert chart.size == (960, 520)
        assert len(chart.convert("RGB").getcolors(2**18)) > 100
    assert saved("Correspondence by band as CSV")[1].splitlines()[-1] == b"5,0.125"
    assert saved("Gain along frequencies as CSV")[1].splitlines()[0] == b"cycles per output pixel,network,bicubic,ideal"
    name, content = saved("The drawing as PNG")
    assert name == f"{house.candidate}-network.png"
    with Image.open(BytesIO(content)) as drawing:
        assert drawing.width == 2240
    dot = page.get_by_alt_text("What the network answers to a dot")
    sync_api.expect(dot).to_have_js_property("naturalWidth", 48)
    sync_api.expect(page.get_by_role("row", name="Gain of flat areas")).to_contain_text("1.000")


def test_a_crop_is_looked_at_from_both_sides_and_its_address_leads_back_to_it(house: House, page: Any) -> None:
    expect = sync_api.expect
    house.show_pictures((400, 300))
    page.goto(f"/candidates/{house.candidate}?photograph=photograph+2&left=hr&right=nonsense&zoom=8&at=0.5,0.25")
    expect(page.get_by_label("Left", exact=True)).to_have_value("hr")
    expect(page.get_by_label("Right", exact=True)).to_have_value("network")
    expect(page.get_by_alt_text("photograph 2: true picture")).to_be_visible()
    frame, slider = page.locator(".window"), page.get_by_role("slider")
    middle = "(seen) => (seen.scrollLeft + seen.clientWidth / 2) / seen.scrollWidth"
    page.wait_for_function("document.querySelector('.window').scrollLeft > 0")
    assert frame.evaluate(middle) == pytest.approx(0.5, abs=0.01)

    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    x, y = box["x"] + 0.75 * box["width"], box["y"] + 40
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 160, y)
    page.mouse.up()
    assert frame.evaluate(middle) == pytest.approx(0.55, abs=0.01)
    expect(slider).to_have_attribute("aria-valuenow", "50")
    line = page.locator(".handle").bounding_box()
    assert line["x"] + line["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=3)
    page.mouse.move(line["x"] + 1, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, y)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")
    page.wait_for_url("**at=0.55*")

    page.mouse.dblclick(x, y)
    expect(page.get_by_label("Zoom", exact=True)).to_have_value("1")
    page.wait_for_url(lambda url: "zoom=1" in url and "at=" not in url)
    page.get_by_label("Right", exact=True).select_option("lr")
    page.wait_for_url("**right=lr*")
    page.reload()
    expect(page.get_by_label("Right", exact=True)).to_have_value("lr")


def test_a_photograph_that_is_dropped_is_enlarged(house: House, page: Any) -> None:
    house.offer_upscaling()
    answer = {"X-Upscale-Seconds": "0.5", "X-Upscale-Notes": "one note", "Content-Type": "image/png"}
    page.route("**/upscale", lambda route: route.fulfill(body=picture(200, (96, 64)), headers=answer))
    page.goto(f"/models/{house.model}")
    drop = page.locator(".drop")
    sync_api.expect(drop).to_be_visible()
    files = page.evaluate_handle(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
          return transfer;
        }""",
        list(picture(90)),
    )
    drop.dispatch_event("dragover", {"dataTransfer": files})
    sync_api.expect(drop).to_have_class("drop scripted over")
    drop.dispatch_event("drop", {"dataTransfer": files})
    sync_api.expect(page.get_by_text("48 × 32 became 96 × 64 pixels in 0.50 s. one note.")).to_be_visible()
    sync_api.expect(page.get_by_alt_text("dropped.png, enlarged by the network")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the result").click()
    assert download.value.suggested_filename == f"dropped-{house.model}.png"
    with Image.open(download.value.path()) as result:
        assert result.size == (96, 64)


def test_a_photograph_is_enlarged_beside_the_browsers_own(house: House, page: Any) -> None:
    expect = sync_api.expect
    house.offer_upscaling()
    answer = {"X-Upscale-Seconds": "0.125", "Content-Type": "image/png"}
    page.route("**/upscale", lambda route: route.fulfill(body=picture(200), headers=answer))
    page.goto("/models")
    page.get_by_role("link", name="sample").click()
    field = page.get_by_label("Drop a photograph here")
    field.focus()
    assert field.evaluate("(input) => input.offsetWidth") == 1
    field.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture(90)})
    expect(page.get_by_text("48 × 32 became 48 × 32 pixels in 0.13 s")).to_be_visible()
    expect(page.get_by_alt_text("a.png, enlarged by the network")).to_be_visible()
    assert page.get_by_role("link", name="Download the result").get_attribute("download") == f"a-{house.model}.png"
