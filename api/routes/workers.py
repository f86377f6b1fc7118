"""Workers: who is up, and what each of them does now."""

from __future__ import annotations

from fastapi import APIRouter

from ..deps import ServiceDep
from ..responses import problems
from ..schemas import WorkerList, WorkerView

router = APIRouter(prefix="/v1/workers", tags=["workers"])


@router.get("", responses=problems())
def list_workers(service: ServiceDep) -> WorkerList:
    """List the worker processes of every controller, and how far their trainings are.

    Controllers write this down about once a second. One that dies takes its workers off the list with its leases.
    """
    now = service.now()
    return WorkerList(items=[WorkerView.of(worker, now) for worker in service.workers()])
