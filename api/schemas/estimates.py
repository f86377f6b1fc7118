"""Estimates and presets on the wire: what comes before a search."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nas.estimating.documents import Estimate
from nas.presets import PRESETS, Preset
from nas.spec import SearchSpec

from .wire import Wire


class EstimateView(Wire):
    """What would become of a spec, were it submitted."""

    spec: SearchSpec = Field(description="What would be asked for, every default filled in.")
    warnings: list[str] = Field(description="What to know of the spec before believing the result.")
    estimate: Estimate = Field(description="What its search is expected to take.")

    @classmethod
    def of(cls, spec: SearchSpec, warnings: tuple[str, ...], estimate: Estimate) -> EstimateView:
        """The wire form of an estimate."""
        return cls(spec=spec, warnings=list(warnings), estimate=estimate)


class PresetView(Wire):
    """A spec to begin with."""

    name: str = Field(description="What it is asked for by.")
    title: str = Field(description="What people call it.")
    purpose: str = Field(description="What it is for, what it takes, and what to change.")
    document: dict[str, Any] = Field(
        description="The spec without its `dataset`; what it does not name is the default."
    )

    @classmethod
    def of(cls, preset: Preset) -> PresetView:
        """The wire form of a preset."""
        return cls(name=preset.name, title=preset.title, purpose=preset.purpose, document=dict(preset.document))


class PresetList(Wire):
    """Every preset."""

    items: list[PresetView] = Field(description="The presets, in the order in which they are offered.")

    @classmethod
    def of_all(cls) -> PresetList:
        """The wire form of those that there are."""
        return cls(items=[PresetView.of(preset) for preset in PRESETS.values()])
