"""Files made of candidates on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NewType, get_args

from .candidates import CandidateId

ArtifactId = NewType("ArtifactId", str)

ExportFormat = Literal["onnx", "safetensors"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
"""The forms of a trained network's file, each the suffix of its name too."""

ANALYSIS = "analysis.zip"
"""The form of a candidate's analysis: a page, its pictures and its figures in one archive."""


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
        format: One of `EXPORT_FORMATS`, or `ANALYSIS`; the suffix of the file's name too.
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
    finished_at: datetime | None = None
    path: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
