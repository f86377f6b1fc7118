"""A model as an entry of OpenModelDB, the catalogue of upscaling models: the JSON of its `data/models` folder.

Its fields are those of the `Model` interface in the catalogue's `src/lib/schema.ts`. Where the files will be downloaded
from is not known here, so `urls` is empty; whoever sends the entry in fills that in, and `author`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..figures import giga
from .facts import ModelFacts, ModelFile

ARCHITECTURE = "srnas"
TAGS = ("general-upscaler", "photo", "research")
RESOURCES: Mapping[str, tuple[str, str]] = {
    "pth": ("pytorch", "pth"),
    "safetensors": ("pytorch", "safetensors"),
    "onnx": ("onnx", "onnx"),
    "onnx-fp16": ("onnx", "onnx"),
    "onnx-int8": ("onnx", "onnx"),
}
"""The platform and the type that the catalogue gives to a form; it has no place for others."""


def openmodeldb_document(facts: ModelFacts) -> dict[str, Any]:
    """The entry; optional fields of which nothing is known are left out, and so is a date that is not.

    Models are RGB in and out there, as are the files that are listed.
    """
    return {
        "name": facts.name,
        "author": [],
        "license": facts.license or None,
        "tags": list(TAGS),
        "description": _description(facts),
        **({"date": f"{facts.created_at:%Y-%m-%d}"} if facts.created_at else {}),
        "architecture": ARCHITECTURE,
        "size": [f"{facts.costs.params:,} parameters", f"{giga(facts.costs.mult_adds)} mult-adds"],
        "scale": facts.scale,
        "inputChannels": 3,
        "outputChannels": 3,
        "resources": [_resource(file) for file in facts.files if file.form in RESOURCES],
        **_training(facts),
        "images": [],
    }


def model_id(facts: ModelFacts) -> str:
    """The name of the entry's file, less `.json`: the scale, and words of letters and digits between hyphens."""
    words = re.findall(r"[A-Za-z0-9]+", facts.name)
    return "-".join([f"{facts.scale}x", *(words or [facts.id])])


def _resource(file: ModelFile) -> dict[str, Any]:
    platform, kind = RESOURCES[file.form]
    return {"platform": platform, "type": kind, "size": file.size_bytes, "sha256": file.sha256, "urls": []}


def _training(facts: ModelFacts) -> dict[str, Any]:
    """How it was trained, where that is known."""
    trained = facts.trained
    if trained is None:
        return {}
    training = trained.recipe.training
    found = {
        "trainingIterations": trained.steps,
        "trainingBatchSize": training.batch,
        "trainingHRSize": facts.scale * training.patch,
        "trainingOTF": False,  # nothing but shrinking degrades its images
        "dataset": trained.train.name if trained.train else None,
        "datasetSize": trained.train.count if trained.train else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _description(facts: ModelFacts) -> str:
    """Markdown without white space around it, as the catalogue asks for."""
    return "\n\n".join(_paragraphs(facts)).strip()


def _paragraphs(facts: ModelFacts) -> Iterator[str]:
    sees = "luma, and colour is enlarged bicubically" if facts.channels == 1 else "RGB"
    found = " Neural architecture search found it." if facts.found else ""
    yield f"A light network that enlarges photographs {facts.scale} times.{found} It sees {sees}."
    scores = facts.benchmark.scores if facts.benchmark else ()
    lines = [
        f"* {one.set}: {one.psnr_db:.2f} dB / {one.ssim:.4f} (protocol `{one.protocol}`)"
        for one in scores
        if one.network == "model" and one.psnr_db is not None and one.ssim is not None
    ]
    if lines:
        yield "\n".join(["PSNR / SSIM:", *lines])
    yield f"Genotype: `{facts.genotype}`"
