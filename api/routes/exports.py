"""Exports and analyses: requests that a controller fulfils, since the web process holds no network library."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError

from nas.checks import spec_problems
from nas.records import Artifact
from nas.service import Service
from search_space.errors import InvalidInput

from ..access import Principal, Submitter, require_owner
from ..deps import JsonObject, ServiceDep
from ..responses import ACCEPTED, problems
from ..schemas import ArtifactList, ArtifactView, ExportRequest

router = APIRouter(prefix="/v1/candidates", tags=["exports"])

EXPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ExportRequest.model_json_schema()}},
    }
}


@router.post(
    "/{candidate_id}/exports",
    status_code=202,
    responses={**ACCEPTED, **problems(400, 403, 404, 409, 413, 415, 422)},
    openapi_extra=EXPORT_BODY,
)
def request_export(
    candidate_id: str, document: JsonObject, service: ServiceDep, asking: Submitter, response: Response
) -> ArtifactView:
    """Ask for a file of a candidate. The same request again answers with the artifact that is there already."""
    _require_owner(candidate_id, service, asking)
    try:
        wanted = ExportRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(spec_problems(error, ExportRequest, {})) from None
    return _accepted(service.request_export(candidate_id, wanted.format, by=asking.name), response)


@router.post("/{candidate_id}/analyses", status_code=202, responses={**ACCEPTED, **problems(403, 404, 409)})
def request_analysis(candidate_id: str, service: ServiceDep, asking: Submitter, response: Response) -> ArtifactView:
    """Ask for the hybrid response analysis of a trained network: a page, its pictures and its figures in one ZIP file.

    It is made on a validation photograph of the search. The same request again answers with the artifact that is there.
    """
    _require_owner(candidate_id, service, asking)
    return _accepted(service.request_analysis(candidate_id, by=asking.name), response)


@router.post("/{candidate_id}/pictures", status_code=202, responses={**ACCEPTED, **problems(403, 404, 409)})
def request_pictures(candidate_id: str, service: ServiceDep, asking: Submitter, response: Response) -> ArtifactView:
    """Ask for pictures of what a trained network does to validation photographs of its search.

    Of the middle of up to four: the LR image, bicubic, the network, the true image, and errors of luma. They come in
    one ZIP file, whose `index.json` tells of the others; each can be fetched by itself as a part of the artifact. The
    same request again answers with the artifact that is there.
    """
    _require_owner(candidate_id, service, asking)
    return _accepted(service.request_pictures(candidate_id, by=asking.name), response)


@router.get("/{candidate_id}/exports", responses=problems(404))
def list_exports(candidate_id: str, service: ServiceDep) -> ArtifactList:
    """List every artifact of a candidate, exports, analyses and pictures, oldest first."""
    return ArtifactList(items=[ArtifactView.of(artifact) for artifact in service.artifacts(candidate_id)])


def _require_owner(candidate_id: str, service: Service, asking: Principal) -> None:
    """Let a submitter have files made of own candidates only; `NotFound`, `Forbidden`."""
    require_owner(asking, service.search(service.candidate(candidate_id).search_id))


def _accepted(artifact: Artifact, response: Response) -> ArtifactView:
    view = ArtifactView.of(artifact)
    response.headers["Location"] = view.links["self"]
    return view
