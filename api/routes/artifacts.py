"""Artifacts: files that controllers made, their state and their bytes."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from nas.store.base import NotFound

from ..deps import ServiceDep
from ..errors import Kind, problem_response
from ..freshness import NOT_MODIFIED, is_fresh
from ..responses import Entries, content, problems
from ..schemas import ArtifactView

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])

BYTES = "application/octet-stream"
FILE = content("The file. `ETag` and `Repr-Digest` (RFC 9530) carry its SHA-256.", BYTES, format="binary")

_PART: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
PARTS: Entries = {
    206: {"description": "The parts that `Range` names.", "content": {BYTES: _PART, "multipart/byteranges": _PART}}
}

MEDIA_TYPES = {".png": "image/png", ".json": "application/json"}
"""What is sent of an archive, by the ends of names: a page from there would be one of this service's own."""

_FORMS = {MEDIA_TYPES[".png"]: _PART, MEDIA_TYPES[".json"]: {"schema": {"type": "object"}}}
PART: Entries = {200: {"description": "The part.", "content": _FORMS}, **NOT_MODIFIED}

FOREVER = "private, max-age=31536000, immutable"

REFUSED = {
    400: Kind(400, "bad-range", "The Range cannot be read", "Send `Range: bytes=FIRST-LAST`, or none for the whole."),
    416: Kind(416, "bad-range", "The Range lies outside", "Look at size_bytes of the artifact, or send no Range."),
}


class RangedFile(FileResponse):
    """A file, whole or in parts; a `Range` that cannot be had is a problem like any other."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal: Message | None = None

        async def send_or_keep(message: Message) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start" and message["status"] in REFUSED:
                refusal = message
            elif refusal is None:
                await send(message)

        await super().__call__(scope, receive, send_or_keep)
        if refusal is not None:
            size = {name.decode(): value.decode() for name, value in refusal["headers"] if name == b"content-range"}
            kind = REFUSED[refusal["status"]]
            await problem_response(kind, "no such part of the file can be sent", headers=size)(scope, receive, send)


@router.get("/{artifact_id}", responses=problems(404))
def get_artifact(artifact_id: str, service: ServiceDep) -> ArtifactView:
    """Look at one artifact; its file can be fetched once its state is `ready`."""
    return ArtifactView.of(service.artifact(artifact_id))


@router.get(
    "/{artifact_id}/file", response_class=FileResponse, responses={**FILE, **PARTS, **problems(400, 404, 409, 416)}
)
def download_artifact(artifact_id: str, service: ServiceDep) -> Response:
    """Fetch an artifact's file, or the parts of it that `Range` names."""
    artifact = service.artifact(artifact_id)
    path = service.artifact_path(artifact)
    return RangedFile(
        path,
        filename=ArtifactView.of(artifact).filename,
        media_type=BYTES,
        headers={"X-Content-Type-Options": "nosniff", **_digest_headers(artifact.sha256)},
    )


@router.get("/{artifact_id}/parts/{name}", response_class=Response, responses={**PART, **problems(404, 409)})
def get_part(
    artifact_id: str,
    name: str,
    service: ServiceDep,
    if_none_match: Annotated[str | None, Header(description="The `ETag` of the part that the sender holds.")] = None,
) -> Response:
    """Fetch one file of an archive of pictures or of an analysis, by its name there; `index.json` names the pictures.

    Pictures and JSON alone are sent. A part never changes, and may be kept for as long as anybody likes.
    """
    media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
    if media_type is None:
        raise NotFound("part of the artifact", name)
    artifact = service.artifact(artifact_id)
    part = service.artifact_part(artifact, name)
    tag = f'"{sha256(f"{artifact.sha256}/{name}".encode()).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
    if is_fresh(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(part, media_type=media_type, headers=headers)


def _digest_headers(digest: str | None) -> dict[str, str]:
    if digest is None:
        return {}
    encoded = base64.b64encode(bytes.fromhex(digest)).decode()
    return {"ETag": f'"{digest}"', "Repr-Digest": f"sha-256=:{encoded}:"}
