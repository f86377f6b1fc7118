"""Fronts: the candidates of a search that no other one dominates, as JSON or as CSV."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nas.export.front import to_csv
from nas.service import Front

from ..deps import ServiceDep
from ..responses import content, problems
from ..schemas import CandidateSummary, FrontView, ObjectiveView

router = APIRouter(prefix="/v1/searches", tags=["front"])

CSV = content("text/csv", "The front.")


class FrontQuery(BaseModel):
    """Which front, and in which form."""

    model_config = ConfigDict(extra="forbid")

    objectives: str = Field(
        "", max_length=200, description="Metrics to compare, such as `psnr,params`; by default the search's own."
    )
    feasible: bool = Field(True, description="Whether to leave out candidates that violate a constraint.")
    format: Literal["json", "csv"] | None = Field(
        None, description="Form of the answer; by default what the Accept header prefers, JSON if it does not care."
    )


@router.get("/{search_id}/front", response_model=FrontView, responses={**CSV, **problems(404, 422)})
def get_front(
    search_id: str, query: Annotated[FrontQuery, Query()], request: Request, response: Response, service: ServiceDep
) -> FrontView | Response:
    """Compute the Pareto front of a search as it stands, over its own objectives or any others."""
    objectives = tuple(query.objectives.split(",")) if query.objectives else ()
    front = service.front(search_id, objectives=objectives, feasible_only=query.feasible)
    if (query.format or preferred_format(request.headers.get("accept", ""))) == "csv":
        headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="front-{search_id}.csv"'}
        return Response(to_csv(front), media_type="text/csv", headers=headers)
    response.headers["Vary"] = "Accept"
    return front_view(front)


def front_view(front: Front) -> FrontView:
    """The wire form of a front."""
    path = f"/v1/searches/{front.search.id}"
    names = ",".join(objective.metric for objective in front.objectives)
    query = f"objectives={names}&feasible={str(front.feasible_only).lower()}"
    return FrontView(
        search_id=front.search.id,
        objectives=[ObjectiveView.of(objective) for objective in front.objectives],
        feasible_only=front.feasible_only,
        scored=front.scored,
        hypervolume=front.hypervolume,
        reference_point=dict(front.search.reference_point),
        members=[CandidateSummary.of(candidate) for candidate in front.members],
        links={"search": path, "csv": f"{path}/front?{query}&format=csv"},
    )


def preferred_format(accept: str) -> Literal["json", "csv"]:
    """CSV if an Accept header gives it more weight than JSON, wildcards included (RFC 9110, section 12.5.1)."""
    weights = dict(map(_weighed, accept.split(",")))
    wildcard = weights.get("*/*", 0.0)
    csv = weights.get("text/csv", weights.get("text/*", wildcard))
    json = weights.get("application/json", weights.get("application/*", wildcard))
    return "csv" if csv > json else "json"


def _weighed(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0
