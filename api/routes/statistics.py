"""Statistics: what a search has shown about its own parts, and how it has come to where it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from ..deps import ServiceDep
from ..freshness import NOT_MODIFIED
from ..kept import kept_answer
from ..responses import problems
from ..schemas import HistoryView, StatisticsView

router = APIRouter(prefix="/v1/searches", tags=["statistics"])


@router.get("/{search_id}/statistics", responses=problems(404))
def get_statistics(search_id: str, service: ServiceDep) -> StatisticsView:
    """Say what a search has shown so far about its own parts.

    Which operators, rungs and predictions earned their keep, how much scores owe to seeds, and what is spent.
    """
    return StatisticsView.of(search_id, service.statistics(search_id))


@router.get("/{search_id}/history", response_model=HistoryView, responses={**NOT_MODIFIED, **problems(404)})
def get_history(
    search_id: str,
    service: ServiceDep,
    request: Request,
    if_none_match: Annotated[str | None, Header(description="The `ETag` of the history that the sender holds.")] = None,
) -> Response:
    """Say how hypervolume and best PSNR grew with evaluations and training steps."""

    def made() -> bytes:
        return HistoryView.of(search_id, service.history(search_id)).model_dump_json().encode()

    document = service.standing(search_id).document("history", made, of_outcomes=True)
    return kept_answer(document, "application/json", request, if_none_match=if_none_match)
