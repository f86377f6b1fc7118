"""Finished models on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from nas.records import ExportFormat
from nas.trainings import Model

from .trainings import PointView
from .wire import Figure, Links, Wire

ModelFormat = Literal[ExportFormat, "benchmark"]
"""What can be made of a finished model."""


class ModelExportRequest(Wire):
    """Which file to make of a finished model."""

    format: ModelFormat = Field(
        description="A form that networks are exported in, or `benchmark` to have it scored on the benchmark sets."
    )


class ModelView(Wire):
    """A finished model: a network of a search's, trained to the end."""

    id: str = Field(description="That of its training.")
    candidate_id: str = Field(description="Whose network.")
    search_id: str = Field(description="Of which search.")
    genotype: str = Field(description="The network.")
    scale: int = Field(description="Upscaling factor.")
    channels: int = Field(description="1 for luma, 3 for RGB.")
    params: int = Field(description="Learned parameters.")
    mult_adds: int = Field(description="Multiply-adds at 230,400 LR pixels.")
    recipe: str = Field(description="Name of the recipe that it was trained by.")
    steps: int = Field(description="Optimiser steps.")
    train_s: Figure = Field(description="Seconds of training.")
    device: str = Field(description="What it was trained on.")
    protocol: str = Field(description="Scoring protocol of its figures; scores under another do not compare.")
    final: PointView = Field(description="What it scores on the validation images.")
    search_psnr_db: Figure = Field(description="PSNR that the search's partial training gave its network.")
    bicubic_psnr_db: Figure = Field(description="PSNR of bicubic upscaling on the same images; null where not known.")
    finished_at: datetime | None = Field(description="When it was completed.")
    links: Links

    @classmethod
    def of(cls, model: Model) -> ModelView:
        """The wire form of a model."""
        training, candidate, final = model.training, model.candidate, model.training.final
        if final is None:
            raise ValueError(f"training {training.id} is {training.status}, without a final score")
        return cls(
            id=training.id,
            candidate_id=candidate.id,
            search_id=model.search.id,
            genotype=str(candidate.genotype),
            scale=model.search.spec.scale,
            channels=model.search.spec.channels,
            params=candidate.params,
            mult_adds=candidate.mult_adds,
            recipe=training.recipe.name,
            steps=training.steps,
            train_s=training.train_s,
            device=training.device,
            protocol=training.protocol,
            final=PointView.of(final),
            search_psnr_db=candidate.evaluation.psnr_db if candidate.evaluation else None,
            bicubic_psnr_db=model.bicubic_psnr_db,
            finished_at=training.finished_at,
            links=_links(model),
        )


def _links(model: Model) -> dict[str, str]:
    path = f"/v1/models/{model.training.id}"
    return {
        "self": path,
        "training": f"/v1/trainings/{model.training.id}",
        "candidate": f"/v1/candidates/{model.candidate.id}",
        "search": f"/v1/searches/{model.search.id}",
        "exports": f"{path}/exports",
        "benchmark": f"{path}/benchmark",
        "upscale": f"{path}/upscale",
    }


class ModelPage(Wire):
    """Some finished models, newest first."""

    items: list[ModelView] = Field(description="The models.")
    next: str | None = Field(description="Give it as `before` for the next page; null on the last.")
