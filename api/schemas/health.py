"""Health on the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .wire import Wire


class HealthView(Wire):
    """That the web process runs."""

    status: Literal["live"] = Field(description="It answers.")
    version: str = Field(description="Version of srnas.")


class ChecksView(Wire):
    """What was looked at."""

    store: Literal["ok"] = Field(description="The store answers: otherwise there is no such answer, but a 503.")
    database_schema: Literal["ok"] = Field(description="Its tables are those of this version; likewise.")
    controllers: int = Field(description="Controllers whose workers were heard of within a lease.")
    workers: int = Field(description="Their workers.")


class ReadinessView(Wire):
    """What the service can do now."""

    status: Literal["ready", "degraded"] = Field(
        description="`ready`: searches are taken and advanced; `degraded`: they are taken, but nobody advances them."
    )
    version: str = Field(description="Version of srnas.")
    checks: ChecksView = Field(description="What that was concluded from.")
    hint: str = Field(description="What to do next; empty when nothing is wrong.")
