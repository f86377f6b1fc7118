"""Artifacts: files that controllers made, their state and their bytes."""

from __future__ import annotations

import base64

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from ..deps import ServiceDep
from ..responses import content, problems
from ..schemas import ArtifactView

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])

FILE = content(
    "The file. `ETag` and `Repr-Digest` (RFC 9530) carry its SHA-256.",
    "application/octet-stream",
    format="binary",
)


@router.get("/{artifact_id}", responses=problems(404))
def get_artifact(artifact_id: str, service: ServiceDep) -> ArtifactView:
    """Look at one artifact; its file can be fetched once its state is `ready`."""
    return ArtifactView.of(service.artifact(artifact_id))


@router.get("/{artifact_id}/file", response_class=FileResponse, responses={**FILE, **problems(404, 409)})
def download_artifact(artifact_id: str, service: ServiceDep) -> Response:
    """Fetch an artifact's file."""
    artifact = service.artifact(artifact_id)
    path = service.artifact_path(artifact)
    return FileResponse(
        path,
        filename=ArtifactView.of(artifact).filename,
        media_type="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff", **_digest_headers(artifact.sha256)},
    )


def _digest_headers(sha256: str | None) -> dict[str, str]:
    if sha256 is None:
        return {}
    encoded = base64.b64encode(bytes.fromhex(sha256)).decode()
    return {"ETag": f'"{sha256}"', "Repr-Digest": f"sha-256=:{encoded}:"}
