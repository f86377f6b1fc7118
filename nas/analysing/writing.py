"""An analysis as files: figures, pictures and a page, each whole or not at all."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from evaluator import checkpoints
from evaluator.spectrum.analysis import Analysis

from .page import to_html, to_png
from .pictures import pictures


def to_json(analysis: Analysis, *, model: str, image: str) -> dict[str, Any]:
    """The figures of an analysis and what it was of."""
    return {"model": model, "photograph": image, **analysis.to_json()}


def write(analysis: Analysis, folder: Path, *, model: str, image: str) -> tuple[Path, ...]:
    """Write `analysis.json`, `analysis.html` and the PNG files of the pictures into a folder, which need not exist.

    Args:
        analysis: What to write.
        folder: Where to; files of the same names are replaced.
        model: What the network is called.
        image: What the photograph is called.

    Returns:
        The files, the page first.
    """
    files = _files(analysis, model=model, image=image)
    for name, content in files.items():
        checkpoints.write(folder / name, content)
    return tuple(folder / name for name in files)


def to_archive(analysis: Analysis, *, model: str, image: str) -> bytes:
    """The same files as one ZIP document; equal analyses give equal bytes."""
    document = BytesIO()
    with ZipFile(document, "w", ZIP_DEFLATED) as archive:
        for name, content in _files(analysis, model=model, image=image).items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return document.getvalue()


def _files(analysis: Analysis, *, model: str, image: str) -> dict[str, bytes]:
    text = json.dumps(to_json(analysis, model=model, image=image), indent=2, allow_nan=False)
    return {
        "analysis.html": to_html(analysis, model=model, image=image).encode(),
        "analysis.json": f"{text}\n".encode(),
        **{f"{picture.name}.png": to_png(picture) for picture in pictures(analysis)},
    }
