"""An analysis as files: figures, pictures and a page, each whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    text = json.dumps(to_json(analysis, model=model, image=image), indent=2, allow_nan=False)
    contents = {
        "analysis.html": to_html(analysis, model=model, image=image).encode(),
        "analysis.json": f"{text}\n".encode(),
        **{f"{picture.name}.png": to_png(picture) for picture in pictures(analysis)},
    }
    for name, content in contents.items():
        checkpoints.write(folder / name, content)
    return tuple(folder / name for name in contents)
