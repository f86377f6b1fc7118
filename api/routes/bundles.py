"""Bundles: a search as one file, written while it is sent."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from nas.bundles import filename, pack
from nas.records import SearchId

from ..deps import ServiceDep
from ..responses import content, problems

router = APIRouter(prefix="/v1/searches", tags=["searches"])

ZIP = content("The bundle, a ZIP file of JSON documents.", "application/zip", format="binary")


@router.get("/{search_id}/bundle", response_class=StreamingResponse, responses={**ZIP, **problems(404)})
def download_bundle(search_id: str, service: ServiceDep) -> StreamingResponse:
    """Fetch all that was recorded of a search, as it is now, in one file: spec, candidates, evaluations and events.

    `srnas replay` derives every proposal again from it. It is sent while it is written: a bundle that breaks off is no
    ZIP file.
    """
    chunks = pack(service, SearchId(search_id), at=service.now())
    headers = {"Content-Disposition": f'attachment; filename="{filename(search_id)}"', "Cache-Control": "no-store"}
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)
