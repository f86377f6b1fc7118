"""Statistics: what a search has shown about its own parts, and how it has come to where it is."""

from __future__ import annotations

from fastapi import APIRouter

from ..deps import ServiceDep
from ..responses import problems
from ..schemas import HistoryView, StatisticsView

router = APIRouter(prefix="/v1/searches", tags=["statistics"])


@router.get("/{search_id}/statistics", responses=problems(404))
def get_statistics(search_id: str, service: ServiceDep) -> StatisticsView:
    """Say what a search has shown so far about its own parts.

    Which operators, rungs and predictions earned their keep, how much scores owe to seeds, and what is spent.
    """
    return StatisticsView.of(search_id, service.statistics(search_id))


@router.get("/{search_id}/history", responses=problems(404))
def get_history(search_id: str, service: ServiceDep) -> HistoryView:
    """Say how hypervolume and best PSNR grew with evaluations and training steps."""
    return HistoryView.of(search_id, service.history(search_id))
