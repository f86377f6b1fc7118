"""Take the pictures of the pages that the README and the how-tos show, of a service that is running.

    python docs/images/take.py http://127.0.0.1:8000 SEARCH CANDIDATE MODEL PHOTOGRAPH

The candidate has its pictures already, the model its ONNX file; the photograph is enlarged on the model's page. Needs
Playwright and a Chromium.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent
WIDTH, HEIGHT, COLOURS = 1280, 1000, 256


def main(url: str, search: str, candidate: str, model: str, photograph: str) -> None:
    """Take all of them."""
    shots: dict[str, tuple[str, str, Callable[[Page], None]]] = {
        "page-search.png": (f"/searches/{search}", "light", _front),
        "page-new-search.png": ("/searches/new?preset=balanced", "light", _form),
        "page-candidate.jpg": (f"/candidates/{candidate}", "dark", _pictures),
        "page-model.jpg": (f"/models/{model}", "light", lambda page: _upscaled(page, photograph)),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (path, theme, ready) in shots.items():
            page = browser.new_page(base_url=url, viewport={"width": WIDTH, "height": HEIGHT})
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
            page.goto(path)
            ready(page)
            _save(page.screenshot(), FOLDER / name)
            page.close()
        browser.close()


def _front(page: Page) -> None:
    page.locator("#plot .scatterlayer .point").first.wait_for()
    _scroll(page, "#of-front")


def _form(page: Page) -> None:
    page.get_by_label("Training images").select_option("train")
    page.locator("#estimate dl").wait_for()
    page.wait_for_timeout(1000)


def _pictures(page: Page) -> None:
    page.locator("#pictures .viewer").wait_for()
    page.locator("#pictures [data-zoom]").select_option("2")
    _scroll(page, "#pictures-head")


def _upscaled(page: Page, photograph: str) -> None:
    page.locator("#upscale input[type=file]").set_input_files(photograph)
    page.locator("#upscale .viewer").wait_for(timeout=120_000)
    _scroll(page, "#upscale-head")


def _scroll(page: Page, selector: str) -> None:
    page.evaluate("(selector) => document.querySelector(selector).closest('section').scrollIntoView()", selector)
    page.wait_for_timeout(1000)


def _save(png: bytes, path: Path) -> None:
    """Write a picture: with as few colours as pages have, a third as large so, or with those of photographs."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    if path.suffix == ".png":
        picture.quantize(COLOURS).save(path, optimize=True)
    else:
        picture.save(path, quality=88)


if __name__ == "__main__":
    main(*sys.argv[1:])
