"""Fronts: the candidates of a search that no other one dominates, as JSON, CSV, Markdown or a page to look at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nas.export.front import latency_of, to_csv, to_html, to_markdown
from nas.fronts import Front
from nas.plots.documents import MOST
from nas.records import Candidate
from nas.service import Service
from nas.statistics.seeds import Seeds

from ..deps import ServiceDep
from ..freshness import NOT_MODIFIED
from ..kept import kept_answer
from ..responses import content, problems
from ..schemas import CandidateSummary, FrontView, MemberView, ObjectiveView

router = APIRouter(prefix="/v1/searches", tags=["front"])

Form = Literal["json", "csv", "markdown", "html"]
MEDIA_TYPES: dict[Form, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "markdown": "text/markdown",
    "html": "text/html",
}

OTHER_FORMS = content("The front.", *(name for form, name in MEDIA_TYPES.items() if form != "json"))


class FrontQuery(BaseModel):
    """Which front, and in which form."""

    model_config = ConfigDict(extra="forbid")

    objectives: str = Field(
        "", max_length=200, description="Metrics to compare, such as `psnr,params`; by default the search's own."
    )
    feasible: bool = Field(True, description="Whether to leave out candidates that violate a constraint.")
    format: Form | None = Field(
        None, description="Form of the answer; by default what the Accept header prefers, JSON if it does not care."
    )

    @property
    def metrics(self) -> tuple[str, ...]:
        """The objectives one by one."""
        return tuple(self.objectives.split(",")) if self.objectives else ()


@router.get(
    "/{search_id}/front", response_model=FrontView, responses={**OTHER_FORMS, **NOT_MODIFIED, **problems(404, 422)}
)
def get_front(
    search_id: str,
    query: Annotated[FrontQuery, Query()],
    service: ServiceDep,
    request: Request,
    if_none_match: Annotated[str | None, Header(description="The `ETag` of the front that the sender holds.")] = None,
) -> Response:
    """Compute the Pareto front of a search as it stands, over its own objectives or any others.

    Only full trainings from the search's own seed are compared; trainings from other seeds say how sure a member's
    scores are. Where no candidate is feasible yet, the front is empty, `note` says so, and `nearest` is the candidate
    that violates its constraints least. Its `ETag` is that of its bytes.
    """
    form = query.format or preferred_format(request.headers.get("accept", ""))
    make = partial(_made, form, search_id, query, service)
    key = "front", form, query.objectives, query.feasible
    document = service.standing(search_id).document(key, make, of_outcomes=form != "html")
    headers = {"Vary": "Accept"}
    if form != "json":
        headers["Content-Disposition"] = f'{_disposition(form)}; filename="front-{search_id}.{form}"'
    return kept_answer(document, MEDIA_TYPES[form], request, if_none_match=if_none_match, headers=headers)


def _made(form: Form, search_id: str, query: FrontQuery, service: Service) -> bytes:
    front = service.front(search_id, objectives=query.metrics, feasible_only=query.feasible)
    if form != "json":
        return _text(form, front, service).encode()
    standing = service.standing(search_id)

    def view_of(member: Candidate) -> MemberView:
        seeds = front.seeds_of(member)
        key = "member", member.ordinal, member.survived, seeds.count
        return standing.piece(key, partial(_member, member, seeds))

    return front_view(front, view_of).model_dump_json().encode()


def _text(form: Form, front: Front, service: Service) -> str:
    if form == "csv":
        return to_csv(front)
    if form == "markdown":
        return to_markdown(front)
    name = front.search.id
    cloud = service.standing(name).cloud(MOST, front.objectives, feasible_only=front.feasible_only)
    return to_html(front, cloud, service.statistics(name), service.history(name))


def _disposition(form: Form) -> str:
    """A table is a download, a page is looked at."""
    return "inline" if form == "html" else "attachment"


def front_view(front: Front, view_of: Callable[[Candidate], MemberView]) -> FrontView:
    """The wire form of a front, whose members' forms are given."""
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
        members=[view_of(member) for member in front.members],
        latency=latency_of(front),
        note=front.note,
        nearest=None if front.nearest is None else CandidateSummary.of(front.nearest),
        links={"search": path, "csv": f"{path}/front?{query}&format=csv"},
    )


def _member(member: Candidate, seeds: Seeds) -> MemberView:
    return MemberView.of_member(member, seeds=seeds.count, mean=seeds.mean, spread=seeds.spread)


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
