"""What comes before a search: specs to begin with, and what one will take."""

from __future__ import annotations

from fastapi import APIRouter

from ..access import Submitter
from ..deps import JsonObject, ServiceDep
from ..responses import problems
from ..schemas import EstimateView, PresetList
from .searches import SPEC_BODY

router = APIRouter(prefix="/v1", tags=["searches"])


@router.post("/estimates", responses=problems(400, 403, 413, 415, 422), openapi_extra=SPEC_BODY)
def estimate_search(document: JsonObject, service: ServiceDep, _asking: Submitter) -> EstimateView:
    """Check a spec as if it were submitted, and foretell what its search will take; nothing is queued or kept.

    Times come from what was trained here before: they are null where nothing like it was.
    """
    advised, estimate = service.estimate(document)
    return EstimateView.of(advised.spec, advised.warnings, estimate)


@router.get("/presets", responses=problems())
def list_presets() -> PresetList:
    """List specs to begin with; each lacks its `dataset` and nothing else."""
    return PresetList.of_all()
