"""Candidates: the networks that a search asked about, their scores, where those come from, and their drawings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from search_space.drawing import draw

from ..deps import ServiceDep
from ..responses import content, problems
from ..schemas import CandidatePage, CandidateSummary, CandidateView

router = APIRouter(prefix="/v1", tags=["candidates"])

SVG = content("An SVG document.", "image/svg+xml")


class CandidatesQuery(BaseModel):
    """Which candidates to list."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(-1, ge=-1, le=2**31, description="Only candidates with a larger ordinal.")
    limit: int = Field(100, ge=1, le=1000, description="Most candidates to return.")
    rung: int | None = Field(None, ge=0, le=100, description="Only candidates of this rung.")
    operator: str | None = Field(None, max_length=40, description="Only candidates that this operator bred.")


@router.get("/searches/{search_id}/candidates", responses=problems(404, 422))
def list_candidates(search_id: str, query: Annotated[CandidatesQuery, Query()], service: ServiceDep) -> CandidatePage:
    """List the candidates of a search in the order of their asks."""
    found = service.candidates(
        search_id, after=query.after, limit=query.limit + 1, rung=query.rung, operator=query.operator
    )
    items = found[: query.limit]
    return CandidatePage(
        items=[CandidateSummary.of(candidate) for candidate in items],
        next=items[-1].ordinal if len(found) > query.limit else None,
    )


@router.get("/candidates/{candidate_id}", responses=problems(404))
def get_candidate(candidate_id: str, service: ServiceDep) -> CandidateView:
    """Look at one candidate: network, scores, provenance, why it failed if it did, and how far its training is."""
    candidate = service.candidate(candidate_id)
    return CandidateView.of(candidate, service.worker_of(candidate))


@router.get("/candidates/{candidate_id}/drawing.svg", response_class=Response, responses={**SVG, **problems(404)})
def draw_candidate(candidate_id: str, service: ServiceDep) -> Response:
    """Draw a candidate's network. A candidate's drawing never changes."""
    genotype = service.candidate(candidate_id).genotype
    headers = {"Cache-Control": "private, max-age=86400", "Content-Security-Policy": "default-src 'none'"}
    return Response(draw(genotype, title=candidate_id), media_type="image/svg+xml", headers=headers)
