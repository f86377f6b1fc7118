"""Health on the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .wire import Wire


class HealthView(Wire):
    """How the web process is."""

    status: Literal["live", "ready"] = Field(description="`live`: it answers; `ready`: its store answers too.")
    version: str = Field(description="Version of srnas.")
