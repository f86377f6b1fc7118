"""Finished models: look, have files made of one, and read its benchmark."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nas.checks import spec_problems
from nas.export.benchmark_document import BenchmarkDocument
from nas.export.benchmark_row import as_csv, as_markdown, from_json
from search_space.errors import InvalidInput

from ..access import Submitter, require_owner
from ..deps import JsonObject, ServiceDep
from ..responses import ACCEPTED, content, problems
from ..schemas import ArtifactList, ArtifactView, ModelExportRequest, ModelPage, ModelView

router = APIRouter(prefix="/v1/models", tags=["models"])

Form = Literal["json", "md", "csv"]

EXPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ModelExportRequest.model_json_schema()}},
    }
}
OTHER_FORMS = content("What a paper would print of it.", "text/markdown", "text/csv")


class ModelsQuery(BaseModel):
    """Which finished models to list."""

    model_config = ConfigDict(extra="forbid")

    before: str | None = Field(
        None, pattern=r"^[0-9a-zA-Z]{1,64}$", description="Continue after the model with this id."
    )
    limit: int = Field(50, ge=1, le=200, description="Most models to return.")


class BenchmarkQuery(BaseModel):
    """In which form a benchmark is told."""

    model_config = ConfigDict(extra="forbid")

    format: Form = Field("json", description="Everything, or the rows that a paper would print.")


def _own(model_id: str, service: ServiceDep, asking: Submitter) -> str:
    """The id of a model of a search that whoever asks may change; `NotFound`, `Forbidden`."""
    require_owner(asking, service.trainings.model(model_id).search)
    return model_id


@router.get("", responses=problems(422))
def list_models(query: Annotated[ModelsQuery, Query()], service: ServiceDep) -> ModelPage:
    """List finished models, newest first."""
    found = service.trainings.models(before=query.before, limit=query.limit + 1)
    items = found[: query.limit]
    return ModelPage(
        items=[ModelView.of(model) for model in items],
        next=items[-1].training.id if len(found) > query.limit else None,
    )


@router.get("/{model_id}", responses=problems(404))
def get_model(model_id: str, service: ServiceDep) -> ModelView:
    """Look at one finished model. There is none where its training goes on, or came to nothing."""
    return ModelView.of(service.trainings.model(model_id))


@router.post(
    "/{model_id}/exports",
    status_code=202,
    responses={**ACCEPTED, **problems(400, 403, 404, 413, 415, 422)},
    openapi_extra=EXPORT_BODY,
)
def request_model_export(
    model_id: Annotated[str, Depends(_own)],
    document: JsonObject,
    service: ServiceDep,
    asking: Submitter,
    response: Response,
) -> ArtifactView:
    """Ask for a file of a finished model. The same request again answers with the artifact that is there already."""
    try:
        wanted = ModelExportRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(spec_problems(error, ModelExportRequest, {})) from None
    view = ArtifactView.of(service.request_model_export(model_id, wanted.format, by=asking.name))
    response.headers["Location"] = view.links["self"]
    return view


@router.post("/{model_id}/pictures", status_code=202, responses={**ACCEPTED, **problems(403, 404)})
def request_model_pictures(
    model_id: Annotated[str, Depends(_own)], service: ServiceDep, asking: Submitter, response: Response
) -> ArtifactView:
    """Ask for pictures of what a finished model does to photographs that it was validated on, as for a candidate."""
    view = ArtifactView.of(service.request_model_pictures(model_id, by=asking.name))
    response.headers["Location"] = view.links["self"]
    return view


@router.get("/{model_id}/exports", responses=problems(404))
def list_model_exports(model_id: str, service: ServiceDep) -> ArtifactList:
    """List every artifact of a finished model, its benchmark included, oldest first."""
    return ArtifactList(items=[ArtifactView.of(artifact) for artifact in service.model_artifacts(model_id)])


@router.get(
    "/{model_id}/benchmark", response_model=BenchmarkDocument, responses={**OTHER_FORMS, **problems(404, 409, 422)}
)
def get_benchmark(model_id: str, query: Annotated[BenchmarkQuery, Query()], service: ServiceDep) -> Response:
    """Read what a finished model scores on the benchmark sets, beside bicubic and published networks of its size.

    It is made soon after the model is completed; until then this is a conflict, whose hint says what to do.
    """
    document = service.benchmark(model_id)
    if query.format == "json":
        return Response(document, media_type="application/json")
    found = from_json(json.loads(document))
    if query.format == "csv":
        return Response(as_csv(found), media_type="text/csv")
    return Response(as_markdown(found), media_type="text/markdown")
