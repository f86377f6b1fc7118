"""Artifacts on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas.records import PICTURES, Artifact, ArtifactState, ExportFormat

from .wire import Links, Wire, finite


class ExportRequest(Wire):
    """Which file to make of a candidate."""

    format: ExportFormat = Field(
        description="`onnx`, `onnx-fp16` and `onnx-int8` take RGB in [0, 1] and give RGB; `onnx-luma` is the bare luma "
        "network. `safetensors` and `pth` hold weights and genotype, `arch` the Python source that loads them, "
        "`torchscript` network and weights. `card` describes it for people, `openmodeldb` for catalogues; `all` is one "
        "archive of everything."
    )


class ArtifactView(Wire):
    """A file made of a candidate on request."""

    id: str = Field(description="Twelve hexadecimal characters.")
    candidate_id: str = Field(description="Of which candidate.")
    model_id: str | None = Field(description="Of which finished model; null for the weights of the search.")
    format: str = Field(description="Format of the file.")
    state: ArtifactState = Field(description="Where it stands; a file can be fetched once it is `ready`.")
    created_at: datetime = Field(description="When it was asked for.")
    finished_at: datetime | None = Field(description="When it was ready or failed.")
    filename: str = Field(description="A name to keep the file under.")
    sha256: str | None = Field(description="SHA-256 of the file, in hexadecimal.")
    size_bytes: int | None = Field(description="Size of the file.")
    detail: dict[str, Any] = Field(description="What was checked in the file, or why it could not be made.")
    links: Links

    @classmethod
    def of(cls, artifact: Artifact) -> ArtifactView:
        """The wire form of an artifact."""
        path = f"/v1/artifacts/{artifact.id}"
        links = {"self": path, "candidate": f"/v1/candidates/{artifact.candidate_id}"}
        if artifact.training_id is not None:
            links["model"] = f"/v1/models/{artifact.training_id}"
        if artifact.state is ArtifactState.READY:
            links["file"] = f"{path}/file"
            if artifact.format == PICTURES:
                links["index"] = f"{path}/parts/index.json"
        return cls(
            id=artifact.id,
            candidate_id=artifact.candidate_id,
            model_id=artifact.training_id,
            format=artifact.format,
            state=artifact.state,
            created_at=artifact.created_at,
            finished_at=artifact.finished_at,
            filename=artifact.filename,
            sha256=artifact.sha256,
            size_bytes=artifact.size_bytes,
            detail=finite(artifact.detail),
            links=links,
        )


class ArtifactList(Wire):
    """The artifacts of a candidate or of a finished model."""

    items: list[ArtifactView] = Field(description="The artifacts, oldest first.")
