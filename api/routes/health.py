"""Health, for whoever watches over the process."""

from __future__ import annotations

from fastapi import APIRouter

from ..deps import ServiceDep
from ..errors import Unavailable
from ..responses import problems
from ..schemas import HealthView
from ..version import VERSION

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", responses=problems())
def live() -> HealthView:
    """Answer as long as the process runs."""
    return HealthView(status="live", version=VERSION)


@router.get("/ready", responses=problems(503))
def ready(service: ServiceDep) -> HealthView:
    """Answer as long as the store does."""
    try:
        service.ready()
    except Exception as error:
        raise Unavailable("the store does not answer") from error
    return HealthView(status="ready", version=VERSION)
