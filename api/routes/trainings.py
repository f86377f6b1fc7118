"""Full trainings: from a candidate to a finished model. Who may ask for one is the owner of its search, or an admin."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from evaluator.finishing import FINISHING_RECIPES
from nas.records import TrainingStatus
from nas.trainings import TrainingRequest

from ..access import Submitter, require_owner
from ..deps import JsonObject, ServiceDep
from ..responses import ACCEPTED, Entries, problems
from ..schemas import (
    AgreementView,
    FullTrainingList,
    FullTrainingPage,
    FullTrainingSummary,
    FullTrainingView,
    RecipeList,
    RecipeView,
    SearchTrainings,
    TrainingForecast,
)

router = APIRouter(prefix="/v1", tags=["trainings"])


def _request_schema() -> dict[str, Any]:
    """The JSON Schema of a request; what it refers to stands in the OpenAPI document."""
    schema = TrainingRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]
    return schema


TRAINING_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "How it is to be trained; an empty object asks for the recipe `quick` on the search's images.",
        "content": {"application/json": {"schema": _request_schema()}},
    }
}


FORETOLD: Entries = {200: {"model": TrainingForecast, "description": "Of a dry run: what would be begun."}}


class TrainingsQuery(BaseModel):
    """Which full trainings to list."""

    model_config = ConfigDict(extra="forbid")

    status: list[TrainingStatus] = Field([], description="Only trainings that stand there; repeat for several.")
    before: str | None = Field(
        None, pattern=r"^[0-9a-zA-Z]{1,64}$", description="Continue after the training with this id."
    )
    limit: int = Field(50, ge=1, le=200, description="Most trainings to return.")


class RecipesQuery(BaseModel):
    """For whom recipes are estimated."""

    model_config = ConfigDict(extra="forbid")

    candidate: str | None = Field(
        None, max_length=64, description="Say how long each recipe is expected to train this candidate."
    )
    steps: int | None = Field(None, ge=1, le=10_000_000, description="Say so for so many steps of each recipe.")
    distilled: bool = Field(False, description="Say so for training with a teacher.")


def _own_candidate(candidate_id: str, service: ServiceDep, asking: Submitter) -> str:
    """The id of a candidate of a search that whoever asks may change; `NotFound`, `Forbidden`."""
    require_owner(asking, service.search(service.candidate(candidate_id).search_id))
    return candidate_id


def _own_training(training_id: str, service: ServiceDep, asking: Submitter) -> str:
    """The id of a training of a search that whoever asks may change; `NotFound`, `Forbidden`."""
    require_owner(asking, service.search(service.trainings.get(training_id).search_id))
    return training_id


@router.get("/recipes", responses=problems(404, 422))
def list_recipes(query: Annotated[RecipesQuery, Query()], service: ServiceDep) -> RecipeList:
    """List the named recipes of full trainings, with the time that each is expected to take for a candidate."""
    expected: dict[str, float | None] = {}
    if query.candidate is not None:
        expected = service.trainings.estimates(query.candidate, steps=query.steps, distilled=query.distilled)
    return RecipeList(items=[RecipeView.of(one, expected.get(name)) for name, one in FINISHING_RECIPES.items()])


@router.post(
    "/candidates/{candidate_id}/trainings",
    status_code=202,
    response_model=FullTrainingView,
    responses={**FORETOLD, **ACCEPTED, **problems(400, 403, 404, 409, 413, 415, 422)},
    openapi_extra=TRAINING_BODY,
)
def request_training(
    candidate_id: Annotated[str, Depends(_own_candidate)],
    document: JsonObject,
    service: ServiceDep,
    asking: Submitter,
    response: Response,
    dry_run: Annotated[bool, Query(description="Check it and say how long it would take; begin nothing.")] = False,
) -> FullTrainingView | Response:
    """Ask for a candidate to be trained to the end. The same request again answers with the training that is there.

    Every problem is reported at once. One that failed or was cancelled is begun anew by the same request.
    """
    if dry_run:
        foretold = TrainingForecast.of(service.trainings.foretell(candidate_id, document))
        return JSONResponse(foretold.model_dump(mode="json"))
    training = service.trainings.request(candidate_id, document, by=asking.name)
    view = FullTrainingView.of(training, service.worker_at(training))
    response.headers["Location"] = view.links["self"]
    return view


@router.get("/candidates/{candidate_id}/trainings", responses=problems(404))
def list_candidate_trainings(candidate_id: str, service: ServiceDep) -> FullTrainingList:
    """List the full trainings of a candidate, newest first."""
    return FullTrainingList(items=[FullTrainingSummary.of(one) for one in service.trainings.of_candidate(candidate_id)])


@router.get("/searches/{search_id}/trainings", responses=problems(404))
def list_search_trainings(search_id: str, service: ServiceDep) -> SearchTrainings:
    """List the full trainings of a search, newest first, and whether they rank its networks as the search did.

    Kendall's tau compares the PSNR that the search gave with the final one, over networks that were finished by one
    recipe on the same images; `warning` says when not to believe the search's order.
    """
    found = service.trainings.of_search(search_id)
    return SearchTrainings(
        items=[FullTrainingSummary.of(one) for one in found],
        agreement=AgreementView.of(service.trainings.rerank(found)),
    )


@router.get("/trainings", responses=problems(422))
def list_trainings(query: Annotated[TrainingsQuery, Query()], service: ServiceDep) -> FullTrainingPage:
    """List full trainings of every search, newest first."""
    found = service.trainings.page(statuses=query.status, before=query.before, limit=query.limit + 1)
    items = found[: query.limit]
    return FullTrainingPage(
        items=[FullTrainingSummary.of(one) for one in items],
        next=items[-1].id if len(found) > query.limit else None,
    )


@router.get("/trainings/{training_id}", responses=problems(404))
def get_training(training_id: str, service: ServiceDep) -> FullTrainingView:
    """Look at one full training: how far it is, its curves, and what trained it."""
    training = service.trainings.get(training_id)
    return FullTrainingView.of(training, service.worker_at(training))


@router.delete("/trainings/{training_id}", responses=problems(403, 404, 409))
def cancel_training(
    training_id: Annotated[str, Depends(_own_training)], service: ServiceDep, asking: Submitter
) -> FullTrainingView:
    """Cancel a full training that has not ended. What it recorded can still be read."""
    return FullTrainingView.of(service.trainings.cancel(training_id, by=asking.name))
