"""Pictures that strangers send, enlarged by finished models in the web process: one at a time, and none unexamined.

It takes every core it is given for seconds, so whoever comes while some wait already is sent away at once. Nothing here
needs torch: the models run in onnxruntime.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from starlette.concurrency import run_in_threadpool

from nas.onnx_models import Upscaler, load_onnx
from nas.upscaling import Picture, open_picture, upscale
from nas.upscaling.pictures import RAISED_BY_PILLOW
from nas.upscaling.tiles import core_px
from search_space.errors import InvalidInput, Problem

from .errors import Busy, ImageTooLarge

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
"""What may be sent, and Pillow's name of it."""

MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I", "I;16"})
"""Colours that need no profile to be understood, as CMYK would."""

BYTES_PER_PIXEL, HEADER_BYTES = 8, 2**20
"""What a picture needs uncompressed in 16-bit colour with transparency, and besides."""

WAITING = 3
"""Pictures that may wait while one is enlarged."""

TRY_AGAIN_S = 10.0

MODELS_KEPT = 2
TILE_BYTES = 2**28


@dataclass(frozen=True, kw_only=True)
class Enlarged:
    """What became of a picture.

    Attributes:
        png: The result.
        scale: How much wider and higher it is.
        seconds: That it took, waiting apart.
        notes: What was lost, for a person.
    """

    png: bytes
    scale: int
    seconds: float
    notes: tuple[str, ...]


class Enlarger:
    """Enlarges pictures, one at a time. Belongs to one event loop.

    Args:
        megapixels: Of the largest picture that is taken.
        load: Opens a model.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        megapixels: float,
        *,
        load: Callable[[Path], Upscaler] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._pixels = megapixels * 1e6
        self._load, self._clock = load or _load, clock
        self._models: OrderedDict[str, Upscaler] = OrderedDict()
        self._turn = asyncio.Lock()
        self._present = 0

    @property
    def most_bytes(self) -> int:
        """Of a picture as it is sent."""
        return int(BYTES_PER_PIXEL * self._pixels) + HEADER_BYTES

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among those that wait, to be taken before a picture is received; `Busy`."""
        if self._present > WAITING:
            raise Busy(f"{WAITING} pictures are waiting already, and one is enlarged at a time", TRY_AGAIN_S)
        self._present += 1
        try:
            yield
        finally:
            self._present -= 1

    async def enlarge(self, model: Path, digest: str, body: bytes, media_type: str) -> Enlarged:
        """Enlarge a picture in its turn.

        Args:
            model: An ONNX file of ours.
            digest: Of that file: a model that was just used is not opened again.
            body: The picture.
            media_type: One of `FORMATS`.

        Raises:
            ImageTooLarge: It has too many pixels, by its header.
            InvalidInput: It is no such picture, or broken, moving, of colours that need a profile, or smaller than
                2 x 2 pixels.
        """
        async with self._turn:
            return await run_in_threadpool(self._enlarge, model, digest, body, FORMATS[media_type])

    def _enlarge(self, model: Path, digest: str, body: bytes, form: str) -> Enlarged:
        begun = self._clock()
        picture = self._examined(body, form)
        upscaler = self._model(model, digest)
        result = upscale(upscaler, picture.image, tile_px=core_px(upscaler, TILE_BYTES))
        file = io.BytesIO()
        result.save(file, format="PNG")
        seconds = self._clock() - begun
        return Enlarged(png=file.getvalue(), scale=upscaler.scale, seconds=seconds, notes=picture.notes)

    def _examined(self, body: bytes, form: str) -> Picture:
        """The picture, decoded once its header was found harmless."""
        try:
            with Image.open(io.BytesIO(body), formats=(form,)) as image:
                (width, height), mode = image.size, image.mode
                moving = image.format != "MPO" and getattr(image, "is_animated", False)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ImageTooLarge(f"it has more than {self._pixels / 1e6:g} million pixels") from error
        except UnidentifiedImageError as error:  # which names the object that was read
            raise _refused("what is no picture", f"a {form} picture that can be read") from error
        except RAISED_BY_PILLOW as error:
            raise _refused("unreadable", f"a {form} picture: {error}") from error
        if width * height > self._pixels:
            raise ImageTooLarge(f"it has {width} x {height} pixels, more than {self._pixels / 1e6:g} million")
        if moving:
            raise _refused("several frames", "a picture that does not move")
        if mode not in MODES:
            raise _refused(mode, "gray or RGB, with transparency or without")
        return open_picture(Path("image"), io.BytesIO(body), formats=(form,))

    def _model(self, path: Path, digest: str) -> Upscaler:
        """A model of those that were used last, or opened now."""
        if digest not in self._models:
            self._models[digest] = self._load(path)
        self._models.move_to_end(digest)
        while len(self._models) > MODELS_KEPT:
            self._models.popitem(last=False)
        return self._models[digest]


def _load(path: Path) -> Upscaler:
    """Open a model that leaves half of the machine to everybody else."""
    return load_onnx(path, threads=max(1, (os.cpu_count() or 1) // 2))


def _refused(value: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem("image", value, allowed)], "Send one PNG, JPEG or WebP picture.")
