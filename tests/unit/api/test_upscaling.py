"""Pictures sent to finished models: enlarged, or refused before they cost anything."""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from api.app import create_app
from api.client import Client
from api.enlarging import MODELS_KEPT, WAITING, Enlarger
from api.errors import Busy
from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, InProcess, connect, finish_training
from evaluator.metadata import KEY, Metadata
from evaluator.recipe import Recipe
from nas.onnx_models import FACE, Upscaler
from nas.records import ArtifactState
from nas.store.memory import MemoryStore
from nas.testing.nearest import write_nearest
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")


@pytest.fixture
def model_id(http: httpx.Client, store: MemoryStore, recorded: Any) -> str:
    """A finished model without files."""
    http.post(f"/v1/candidates/{recorded.candidates[1].id}/trainings", json={"recipe": SHORT_RECIPE})
    return str(finish_training(store).id)


@pytest.fixture
def upscaling(http: httpx.Client, store: MemoryStore, settings: ApiSettings, model_id: str) -> str:
    """The path where pictures are sent to a model whose ONNX file is there."""
    assert http.post(f"/v1/models/{model_id}/exports", json={"format": "onnx"}).status_code == 202
    now = datetime.now(UTC)
    claimed = store.claim_artifact(at=now, stale_after_s=60)
    assert claimed is not None
    assert claimed.format == "onnx"
    metadata = Metadata(genotype=GENOTYPE, recipe=Recipe(), scale=2, channels=1)
    write_nearest(settings.home / "a.onnx", channels=3, **{KEY: metadata.to_text(), FACE: "rgb"})
    ready = replace(claimed, state=ArtifactState.READY, path="a.onnx", sha256="0" * 64, size_bytes=1, finished_at=now)
    store.finish_artifact(ready)
    return f"/v1/models/{model_id}/upscale"


def picture(mode: str = "RGB", size: tuple[int, int] = (7, 5)) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=form, **options)
    return file.getvalue()


def send(http: httpx.Client, path: str, body: bytes, media_type: str = "image/png") -> httpx.Response:
    return http.post(path, content=body, headers={"Content-Type": media_type})


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_picture_comes_back_larger(http: httpx.Client, upscaling: str, mode: str) -> None:
    image = picture(mode)
    answer = send(http, upscaling, encoded(image))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
    assert answer.headers["x-upscale-scale"] == "2"
    assert float(answer.headers["x-upscale-seconds"]) >= 0
    with Image.open(io.BytesIO(answer.content)) as larger:
        assert (larger.mode, larger.size) == (mode, (14, 10))
        colours = np.asarray(larger)[::2, ::2].reshape(5, 7, -1)
    wanted = np.asarray(image).reshape(5, 7, -1)
    opaque = slice(None) if mode in ("L", "RGB") else slice(-1)
    assert np.abs(colours[..., opaque].astype(int) - wanted[..., opaque]).max() <= 1


def test_sixteen_bit_gray_keeps_its_depth(http: httpx.Client, upscaling: str) -> None:
    image = Image.fromarray(np.arange(300, 300 + 35, dtype=np.uint16).reshape(5, 7))
    answer = send(http, upscaling, encoded(image))
    with Image.open(io.BytesIO(answer.content)) as larger:
        assert larger.mode == "I;16"
        assert np.abs(np.asarray(larger)[::2, ::2].astype(int) - np.asarray(image)).max() <= 1


@pytest.mark.parametrize(("form", "media_type"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp; q=1")])
def test_other_formats_are_taken(http: httpx.Client, upscaling: str, form: str, media_type: str) -> None:
    assert send(http, upscaling, encoded(picture(), form), media_type).status_code == 200


def test_the_client_sends_pictures(settings: ApiSettings, store: MemoryStore, upscaling: str, model_id: str) -> None:
    with Client("http://localhost", InProcess(create_app(settings, store))) as client:
        larger = client.upscale(model_id, encoded(picture()))
    assert Image.open(io.BytesIO(larger)).size == (14, 10)


def broken_pictures() -> Iterator[tuple[str, bytes, str]]:
    whole = encoded(picture(size=(64, 48)))
    frames = [picture("L"), picture("L").rotate(90)]
    yield "empty", b"", "image/png"
    yield "text", b"no picture at all", "image/png"
    yield "no picture", b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png"
    yield "cut short", whole[: len(whole) // 2], "image/png"
    yield "another format than it says", whole, "image/jpeg"
    yield "a moving PNG", encoded(frames[0], save_all=True, append_images=frames[1:]), "image/png"
    yield "a moving WebP", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "image/webp"
    yield "colours of a printer", encoded(Image.new("CMYK", (8, 8)), "JPEG"), "image/jpeg"
    yield "a single row", encoded(picture(size=(9, 1))), "image/png"
    header = whole[:16] + (60_000).to_bytes(4, "big") + (60_000).to_bytes(4, "big")
    yield "a header that lies", header + whole[24:], "image/png"


@pytest.mark.parametrize(("body", "media_type"), [pytest.param(b, m, id=name) for name, b, m in broken_pictures()])
def test_what_is_no_picture_is_refused(http: httpx.Client, upscaling: str, body: bytes, media_type: str) -> None:
    answer = send(http, upscaling, body, media_type)
    assert answer.status_code in (413, 422), answer.text
    assert answer.json()["hint"]
    assert "BytesIO" not in answer.text


def with_size(png: bytes, side: int) -> bytes:
    """A PNG file whose header claims to be so large."""
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + png[24:29]
    return png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(
    settings: ApiSettings, store: MemoryStore, upscaling: str
) -> None:
    with connect(create_app(settings.model_copy(update={"upscale_megapixels": 0.0001}), store)) as http:
        assert send(http, upscaling, encoded(picture(size=(10, 10)))).status_code == 200
        refused = send(http, upscaling, encoded(picture(size=(101, 1))))
        assert (refused.status_code, refused.json()["type"]) == (413, "urn:srnas:problem:image-too-large")
        for side in (10_000, 30_000):  # where Pillow warns, and where it refuses
            refused = send(http, upscaling, with_size(encoded(picture()), side))
            assert (refused.status_code, refused.json()["type"]) == (413, "urn:srnas:problem:image-too-large")
        assert send(http, upscaling, bytes(2**20 + 801)).status_code == 413
        assert send(http, upscaling, bytes(2**20 + 800)).status_code == 422


def test_a_body_that_says_nothing_of_itself_is_refused(http: httpx.Client, upscaling: str) -> None:
    for media_type in ("application/json", "image/gif", "image/svg+xml", ""):
        assert send(http, upscaling, encoded(picture()), media_type).status_code == 415


def test_a_model_without_its_file_is_a_conflict_that_says_what_to_do(http: httpx.Client, model_id: str) -> None:
    answer = send(http, f"/v1/models/{model_id}/upscale", encoded(picture()))
    assert answer.status_code == 409
    assert "onnx" in answer.json()["hint"]
    assert send(http, "/v1/models/nope/upscale", encoded(picture())).status_code == 404


def small(path: Path) -> Upscaler:
    return Upscaler(network=lambda images: images.repeat(2, 2).repeat(2, 3), scale=2, channels=3)


def test_whoever_comes_while_enough_wait_is_sent_away_at_once() -> None:
    async def crowd() -> float:
        enlarger = Enlarger(1, load=small)
        places = [enlarger.place() for _ in range(WAITING + 1)]
        for place in places:
            await place.__aenter__()
        with pytest.raises(Busy) as refused:
            await enlarger.place().__aenter__()
        await places.pop().__aexit__(None, None, None)
        async with enlarger.place():
            return float(refused.value.headers["Retry-After"])

    assert asyncio.run(crowd()) > 0


def test_a_busy_service_says_when_to_come_again(http: httpx.Client, upscaling: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.enlarging.WAITING", -1)
    answer = send(http, upscaling, encoded(picture()))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:srnas:problem:busy")
    assert int(answer.headers["retry-after"]) > 0


def test_models_that_were_just_used_stay_open(tmp_path: Path) -> None:
    opened = []

    def load(path: Path) -> Upscaler:
        opened.append(path.name)
        return small(path)

    async def use(names: str) -> None:
        enlarger = Enlarger(1, load=load)
        for name in names:
            await enlarger.enlarge(tmp_path / name, name, encoded(picture()), "image/png")

    asyncio.run(use("aabba"))
    assert opened == ["a", "b"]
    asyncio.run(use("abcab"[: MODELS_KEPT + 3]))
    assert opened == [*"ab", *"abcab"]
