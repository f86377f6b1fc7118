"""Health, for whoever watches over the process."""

from __future__ import annotations

from fastapi import APIRouter

from nas.store.base import StoreError

from ..deps import ServiceDep
from ..errors import Unavailable
from ..responses import problems
from ..schemas import ChecksView, HealthView, ReadinessView
from ..version import VERSION

router = APIRouter(prefix="/health", tags=["health"])

LONELY = "start a controller on this database, or look into the log of the one there should be"


@router.get("/live", responses=problems())
async def live() -> HealthView:
    """Answer as long as the process runs."""
    return HealthView(status="live", version=VERSION)


@router.get("/ready", responses=problems(503))
def ready(service: ServiceDep) -> ReadinessView:
    """Say whether the store answers, its tables are those of this version, and somebody advances searches.

    Without the first two nothing can be done here: 503. Without a controller all can be read and submitted, so this is
    no reason to send requests elsewhere: 200, and the status says `degraded`.
    """
    try:
        service.ready()
        workers = service.workers()
    except StoreError:
        raise
    except Exception as error:
        raise Unavailable("the store does not answer") from error
    controllers = len({worker.owner for worker in workers})
    return ReadinessView(
        status="ready" if controllers else "degraded",
        version=VERSION,
        checks=ChecksView(store="ok", database_schema="ok", controllers=controllers, workers=len(workers)),
        hint="" if controllers else LONELY,
    )
