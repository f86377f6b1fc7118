"""The pictures of a network as one ZIP document with an index that tells what they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from PIL import Image

from evaluator.metrics.protocol import get_protocol

from ..catalogue import FolderOf
from ..models import read_network
from ..spec import SearchSpec
from .impulse import Answers, answers
from .photographs import GAIN, MAGMA, WINDOW_PX, Pixels, Shown, photographs, show

INDEX = "index.json"
"""The member of an archive that tells of the others."""


def draw(spec: SearchSpec, folder_of: FolderOf, weights: Path, *, name: str) -> bytes:
    """Pictures of some photographs that a spec scores on and of the answer to a dot, and their figures, as one ZIP.

    Equal networks and photographs give equal bytes. What `INDEX` says of the pictures is told there.

    Args:
        spec: Of the search, or of a full training.
        folder_of: Finds the folder of a dataset.
        weights: A file of the network's weights.
        name: What the network is called.

    Raises:
        InvalidInput: The photographs are no longer there, or the file holds no network.
        NonFiniteOutput: The network gives a NaN or an infinity.
    """
    model, protocol = read_network(weights), get_protocol(spec.recipe.protocol)
    shown = [show(model, pair, protocol) for pair in photographs(spec, folder_of)]
    return _archive(shown, answers(model), {"model": name, "scale": spec.scale, "protocol": protocol.id})


def _archive(shown: Iterable[Shown], answered: Answers, about: Mapping[str, Any]) -> bytes:
    """The pictures under flat names, and last what they are."""
    document, told = BytesIO(), []
    with ZipFile(document, "w", ZIP_STORED) as archive:  # PNG is compressed already
        for number, one in enumerate(shown, start=1):
            files = {kind: f"{number}-{kind}.png" for kind in one.pictures}
            for kind, pixels in one.pictures.items():
                archive.writestr(ZipInfo(files[kind]), _png(pixels))
            told.append(_entry(one, files))
        dots = {kind: f"impulse-{kind}.png" for kind in answered.pictures}
        for kind, pixels in answered.pictures.items():
            archive.writestr(ZipInfo(dots[kind]), _png(pixels))
        error = {"of": "luma", "gain": GAIN, "colours": MAGMA}
        impulse = {**answered.told, "files": dots}
        index = {**about, "window_px": WINDOW_PX, "error": error, "photographs": told, "impulse": impulse}
        archive.writestr(ZipInfo(INDEX), f"{json.dumps(index, indent=2, allow_nan=False)}\n")
    return document.getvalue()


def _entry(one: Shown, files: Mapping[str, str]) -> dict[str, Any]:
    """One photograph in the index; a PSNR without an end is null."""
    height, width = one.pictures["hr"].shape[:2]
    psnr_db = {kind: value if math.isfinite(value) else None for kind, value in one.psnr_db.items()}
    return {"name": one.name, "width_px": width, "height_px": height, "psnr_db": psnr_db, "files": dict(files)}


def _png(pixels: Pixels) -> bytes:
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return file.getvalue()
