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
from fastapi import FastAPI
from PIL import Image

from api.app import create_app
from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, SPEC, finish_training, record_search
from nas.records import ArtifactState
from nas.store.memory import MemoryStore

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

pytestmark = pytest.mark.browser

KINDS = ("lr", "bicubic", "network", "hr", "network-error", "bicubic-error")


def picture(level: int) -> bytes:
    """A PNG of one gray."""
    file = BytesIO()
    Image.new("RGB", (48, 32), (level, level, level)).save(file, "PNG")
    return file.getvalue()


def archive(path: Path) -> None:
    """Pictures of two photographs, as a controller writes them."""
    told = [
        {
            "name": f"photograph {number}",
            "width_px": 48,
            "height_px": 32,
            "psnr_db": {"network": 31.25, "bicubic": None},
            "files": {kind: f"{number}-{kind}.png" for kind in KINDS},
        }
        for number in (1, 2)
    ]
    index = {"model": "x", "scale": 2, "protocol": "y-float", "error": {"gain": 8}, "photographs": told}
    with ZipFile(path, "w") as document:
        document.writestr("index.json", json.dumps(index))
        for entry in told:
            for number, name in enumerate(entry["files"].values()):
                document.writestr(name, picture(40 * number))


class House:
    """A service without tokens, a candidate that was trained, and a model of it."""

    def __init__(self, url: str, store: MemoryStore, home: Path) -> None:
        self.url, self.store, self._home = url, store, home
        self._post("/v1/searches", SPEC)
        self.candidate = record_search(store)[1].id
        self._post(f"/v1/candidates/{self.candidate}/trainings", {"recipe": SHORT_RECIPE})
        finish_training(store, 50)
        self.model = finish_training(store).id

    def _post(self, path: str, document: dict[str, Any]) -> None:
        answer = httpx.post(f"{self.url}{path}", json=document, trust_env=False)
        assert answer.status_code == 202, answer.text

    def make(self, form: str) -> None:
        """Write the file that is asked for, as a controller does."""
        claimed = self.store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
        assert claimed is not None
        assert claimed.format == form
        path = self._home / form
        archive(path) if form == "pictures" else path.write_bytes(b"file")
        ready = replace(claimed, state=ArtifactState.READY, path=form, sha256="a" * 64, size_bytes=4)
        self.store.finish_artifact(replace(ready, finished_at=datetime.now(UTC)))

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


def test_a_person_compares_pictures_fetches_a_file_and_finishes_a_network(house: House, page: Any) -> None:
    expect = sync_api.expect
    page.goto(f"/candidates/{house.candidate}")
    page.get_by_role("button", name="Make pictures").click()
    expect(page.get_by_text("The pictures are being made")).to_be_visible()
    house.make("pictures")
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible()
    expect(page.get_by_text("bicubic ∞ dB")).to_be_visible()

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
    assert page.locator(".over").evaluate("(shown) => getComputedStyle(shown).imageRendering") == "pixelated"

    page.get_by_role("button", name="Make onnx-luma").click()
    expect(page.get_by_text("being made …")).to_be_visible()
    with page.expect_download() as download:
        house.make("onnx-luma")
    assert download.value.suggested_filename == f"srnas-{house.candidate}-luma.onnx"

    page.get_by_role("radio", name="standard").check()
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#trainings")).to_contain_text("standard")
    expect(page.locator("#trainings")).to_contain_text("queued")


def test_a_photograph_is_enlarged_beside_the_browsers_own(house: House, page: Any) -> None:
    expect = sync_api.expect
    house.offer_upscaling()
    answer = {"X-Upscale-Seconds": "0.125", "Content-Type": "image/png"}
    page.route("**/upscale", lambda route: route.fulfill(body=picture(200), headers=answer))
    page.goto("/models")
    page.get_by_role("link", name="sample").click()
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture(90)})
    expect(page.get_by_text("48 × 32 became 48 × 32 pixels in 0.13 s")).to_be_visible()
    expect(page.get_by_alt_text("a.png, enlarged by the network")).to_be_visible()
    assert page.get_by_role("link", name="Download the result").get_attribute("download") == f"a-{house.model}.png"
