"""Upscaling: one picture in, a larger one out, by a finished model. The answer comes when it is made."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from nas.records import ArtifactState
from nas.service import Service

from ..access import submitter
from ..deps import ServiceDep
from ..enlarging import FORMATS, Enlarger
from ..errors import BadBody, ImageTooLarge, NotImage, NotUpscaling
from ..responses import content, problems

router = APIRouter(prefix="/v1/models", tags=["models"])

RECEIVING_S = 60.0
"""Seconds that a picture may take to come: its place is wanted by others."""

PICTURES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A picture, of at most SRNAS_UPSCALE_MEGAPIXELS million pixels.",
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in FORMATS},
    }
}
PNG = content("The larger picture.", "image/png", format="binary")
PNG[200]["headers"] = {
    "X-Upscale-Scale": {"description": "How much wider and higher it is.", "schema": {"type": "integer"}},
    "X-Upscale-Seconds": {"description": "That it took, waiting apart.", "schema": {"type": "number"}},
    "X-Upscale-Notes": {"description": "What was lost, where anything was.", "schema": {"type": "string"}},
}


@router.post(
    "/{model_id}/upscale",
    response_class=Response,
    dependencies=[Depends(submitter)],
    responses={**PNG, **problems(400, 403, 404, 409, 413, 415, 422, 503)},
    openapi_extra=PICTURES,
)
async def upscale_image(model_id: str, request: Request, service: ServiceDep) -> Response:
    """Enlarge a picture by a finished model, whose ONNX file is made soon after the model is completed.

    Takes a submitter although it changes nothing: as a search does, it takes the machine's time. Gray stays gray,
    16-bit gray keeps its depth, and transparency is enlarged too. One picture is enlarged at a time.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in FORMATS:
        raise NotImage(f"the body's Content-Type is {media_type or 'missing'}")
    enlarger: Enlarger = request.app.state.enlarger
    path, digest = await run_in_threadpool(_network, service, model_id)
    async with enlarger.place():
        body = await _received(request, enlarger.most_bytes)
        done = await enlarger.enlarge(path, digest, body, media_type)
    headers = {
        "X-Upscale-Scale": str(done.scale),
        "X-Upscale-Seconds": f"{done.seconds:.3f}",
        **({"X-Upscale-Notes": "; ".join(done.notes)} if done.notes else {}),
        "Cache-Control": "no-store",
    }
    return Response(done.png, media_type="image/png", headers=headers)


def _network(service: Service, model_id: str) -> tuple[Path, str]:
    """The ONNX file of a finished model, and its digest; `NotFound`, `NotUpscaling`."""
    for artifact in reversed(service.model_artifacts(model_id)):
        if artifact.format == "onnx" and artifact.state is ArtifactState.READY:
            return service.artifact_path(artifact), artifact.sha256 or artifact.id
    raise NotUpscaling(f"model {model_id} has no ONNX file yet")


async def _received(request: Request, most_bytes: int) -> bytes:
    """A whole body; `ImageTooLarge` as soon as it is known, `BadBody` where it breaks off or comes too slowly."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most_bytes:
        raise ImageTooLarge(f"it has more than {most_bytes} bytes")
    received = bytearray()
    try:
        async with asyncio.timeout(RECEIVING_S):
            async for chunk in request.stream():
                received += chunk
                if len(received) > most_bytes:
                    raise ImageTooLarge(f"it has more than {most_bytes} bytes")
    except ClientDisconnect:
        raise BadBody("it broke off") from None
    except TimeoutError:
        raise BadBody(f"it took longer than {RECEIVING_S:g} seconds to come") from None
    return bytes(received)
