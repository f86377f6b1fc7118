"""The audit: every change that somebody asked for, and who it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from ..access import admin
from ..deps import ServiceDep
from ..responses import problems
from ..schemas import AuditEntryView, AuditPage

router = APIRouter(prefix="/v1/audit", tags=["access"])


class AuditQuery(BaseModel):
    """Which changes to list."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, le=2**31, description="Only changes with a larger number.")
    limit: int = Field(100, ge=1, le=1000, description="Most changes to return.")


@router.get("", responses=problems(403, 422), dependencies=[Depends(admin)])
def list_audit(query: Annotated[AuditQuery, Query()], service: ServiceDep) -> AuditPage:
    """List changes in order, with who asked for them. Takes an admin."""
    items = [AuditEntryView.of(entry) for entry in service.audit(after=query.after, limit=query.limit)]
    return AuditPage(items=items, next=items[-1].ordinal if items else query.after)
