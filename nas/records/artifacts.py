"""Files made of candidates on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NewType, get_args

from .candidates import CandidateId
from .trainings import TrainingId

ArtifactId = NewType("ArtifactId", str)

ExportFormat = Literal[
    "onnx",
    "onnx-fp16",
    "onnx-int8",
    "onnx-luma",
    "safetensors",
    "pth",
    "torchscript",
    "arch",
    "card",
    "openmodeldb",
    "all",
]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
"""What a trained network can be made into; "all" is one archive of every other form."""

ANALYSIS = "analysis"
"""The form of a candidate's analysis: a page, its pictures and its figures in one archive."""

BENCHMARK = "benchmark"
"""The form of a finished model's benchmark: the row that a paper would print, as Markdown, CSV and JSON."""

PICTURES = "pictures"
"""The form of what a network does to validation photographs: pictures of each and their figures in one archive."""

BENCHMARK_SETS = "benchmark sets"
"""What a failed benchmark names first where there was no set to measure on."""

ENDINGS: Mapping[str, str] = {
    "onnx": ".onnx",
    "onnx-fp16": "-fp16.onnx",
    "onnx-int8": "-int8.onnx",
    "onnx-luma": "-luma.onnx",
    "safetensors": ".safetensors",
    "pth": ".pth",
    "torchscript": ".pt",
    "arch": "-arch.py",
    "card": ".md",
    "openmodeldb": "-openmodeldb.json",
    "all": ".zip",
    ANALYSIS: "-analysis.zip",
    BENCHMARK: "-benchmark.json",
    PICTURES: "-pictures.zip",
}
"""How the name of each form's file ends."""


class ArtifactState(StrEnum):
    """Where an artifact stands."""

    REQUESTED = "requested"
    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file made of a candidate, on request, by a controller.

    Attributes:
        id: Twelve hexadecimal characters.
        candidate_id: Of which candidate.
        training_id: Of which finished model; None for the weights of the search.
        format: One of `EXPORT_FORMATS`, or `ANALYSIS`, `BENCHMARK` or `PICTURES`.
        state: Where it stands.
        created_at: When it was asked for.
        finished_at: When it was ready or failed.
        path: Below the data directory, once it is ready.
        sha256: Of the file.
        size_bytes: Of the file.
        detail: What was checked, e.g. the largest difference from the torch network; or why it failed.
    """

    id: ArtifactId
    candidate_id: CandidateId
    format: str
    state: ArtifactState
    created_at: datetime
    training_id: TrainingId | None = None
    finished_at: datetime | None = None
    path: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wants_sets(self) -> bool:
        """Whether it is a benchmark that failed only because there are no sets of images to measure on."""
        error = str(self.detail.get("error", ""))
        return self.state is ArtifactState.FAILED and error.startswith(f"{BENCHMARK_SETS}: missing")

    @property
    def filename(self) -> str:
        """What the file is called, here and where it is fetched: a card names its files by the same rule."""
        return f"srnas-{self.training_id or self.candidate_id}{ENDINGS[self.format]}"
