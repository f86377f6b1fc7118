"""Full trainings on the wire: what was asked for, how far each is, and whether the search's ranking was right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from evaluator.finishing import FinishingRecipe
from nas.records import Training, TrainingPoint, TrainingStatus, Worker
from nas.spec import DatasetSpec
from nas.trainings import Reranked, recipe_document

from .candidates import BandsView
from .wire import Figure, Links, Wire
from .workers import TrainingView

PURPOSES: Mapping[str, str] = {
    "quick": "minutes on a CPU for a light network: to see what it becomes",
    "standard": "hours on a GPU: a network to use",
    "paper": "as papers of light networks train, from fresh weights: a network to compare",
}
"""What each named recipe is for."""


class RecipeView(Wire):
    """A named recipe of full trainings."""

    name: str = Field(description="What a request names it by.")
    purpose: str = Field(description="What it is for.")
    document: dict[str, Any] = Field(description="What it stands for: the fields that a request may override.")
    expected_s: Figure = Field(
        description="Seconds of training that are expected for the `candidate` of the query, on the device that "
        "trained it for its search; null without one, and where nothing is known of it."
    )

    @classmethod
    def of(cls, recipe: FinishingRecipe, expected_s: float | None) -> RecipeView:
        """The wire form of a recipe."""
        return cls(
            name=recipe.name,
            purpose=PURPOSES.get(recipe.name, ""),
            document=recipe_document(recipe),
            expected_s=expected_s,
        )


class RecipeList(Wire):
    """Every named recipe, the shortest first."""

    items: list[RecipeView] = Field(description="The recipes.")


class PointView(Wire):
    """What a full training had reached: scores of its averaged weights on the validation images."""

    step: int = Field(description="Optimiser steps done.")
    loss: Figure = Field(description="Mean loss since the point before.")
    psnr_db: Figure = Field(description="Mean PSNR in dB, under `protocol`.")
    ssim: Figure = Field(description="Mean SSIM.")
    fsds_db: Figure = Field(description="Mean FSDS in dB.")
    fsds_si_db: Figure = Field(description="Mean shift-averaged FSDS in dB.")
    bands: BandsView | None = Field(description="What was learnt of each band of frequencies; null if not measured.")
    train_s: Figure = Field(description="Seconds of training up to here.")

    @classmethod
    def of(cls, point: TrainingPoint) -> PointView:
        """The wire form of a point."""
        return cls(
            step=point.step,
            loss=point.loss,
            psnr_db=point.psnr_db,
            ssim=point.ssim,
            fsds_db=point.fsds_db,
            fsds_si_db=point.fsds_si_db,
            bands=None if point.bands is None else BandsView.of(point.bands),
            train_s=point.train_s,
        )


class TrainedView(Wire):
    """How far a full training is."""

    step: int = Field(description="Optimiser steps done, those since it was last safe on disk included.")
    safe_step: int = Field(description="Those that outlive a worker or a controller.")
    steps: int = Field(description="Optimiser steps in all.")
    fraction: float = Field(ge=0, le=1, description="Share of its steps that is done.")
    psnr_db: Figure = Field(description="PSNR on the validation images at the last point; null before the first.")
    expected_s: Figure = Field(description="Seconds of training that were foretold; null where nothing was known.")
    train_s: Figure = Field(description="Seconds of training so far.")
    seconds_left: Figure = Field(
        description="Estimate at the pace so far, or as foretold; null where it has ended, or nothing is known."
    )

    @classmethod
    def of(cls, training: Training, worker: Worker | None = None) -> TrainedView:
        """How far a training is, as the worker that is at it says."""
        told = worker.progress.step if worker is not None and worker.progress is not None else 0
        step = min(training.steps, max(training.step, told))
        return cls(
            step=step,
            safe_step=training.step,
            steps=training.steps,
            fraction=step / training.steps,
            psnr_db=training.points[-1].psnr_db if training.points else None,
            expected_s=training.expected_s,
            train_s=training.train_s,
            seconds_left=_seconds_left(training, step),
        )


def _seconds_left(training: Training, step: int) -> float | None:
    if training.status.ended:
        return None
    whole_s = training.train_s / training.step * training.steps if training.step else training.expected_s
    return None if whole_s is None else whole_s * (1 - step / training.steps)


class FullTrainingSummary(Wire):
    """One full training, as it stands in lists."""

    id: str = Field(description="Twelve hexadecimal characters; the model has the same once it is completed.")
    candidate_id: str = Field(description="Whose network.")
    search_id: str = Field(description="Of which search.")
    status: TrainingStatus = Field(description="Where it stands.")
    reason: str = Field(description="Why it failed or was cancelled; empty otherwise.")
    owner: str = Field(description="Who asked for it; empty where nobody was asked.")
    recipe: dict[str, Any] = Field(description="How it is trained, in full; the same document asks for the same again.")
    dataset: DatasetSpec = Field(description="The images.")
    seed: int = Field(description="Seed of its patches, and of fresh weights.")
    digest: str = Field(description="Equal where recipe, images and seed are.")
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(description="When a controller first took it.")
    finished_at: datetime | None = Field(description="When it ended.")
    progress: TrainedView = Field(description="How far it is.")
    links: Links

    @classmethod
    def of(cls, training: Training, worker: Worker | None = None) -> FullTrainingSummary:
        """The wire form of a training, and of the worker that is at it."""
        return cls(**_summary(training, worker))


class FullTrainingView(FullTrainingSummary):
    """One full training, in full."""

    points: list[PointView] = Field(description="Its curves: what it had reached at the end of each stretch.")
    validate_s: Figure = Field(description="Seconds of validation so far.")
    data_digest: str | None = Field(description="Digest of its images, once they were decoded.")
    code_digest: str = Field(description="Digest of the sources that trained it.")
    device: str = Field(description="Name of the device of its last stretch.")
    precision: str = Field(description="What that computed in.")
    protocol: str = Field(description="Scoring protocol of its points.")
    setbacks: list[str] = Field(description="Starts of its stretches that came to nothing, oldest first.")
    worker: str | None = Field(description="Who trains it now, by the name in `/v1/workers`; null when nobody does.")
    training: TrainingView | None = Field(description="What that worker last told; null before its first word.")

    @classmethod
    def of(cls, training: Training, worker: Worker | None = None) -> FullTrainingView:
        """The wire form of a training, and of the worker that is at it."""
        progress = None if worker is None else worker.progress
        return cls(
            **_summary(training, worker),
            points=[PointView.of(point) for point in training.points],
            validate_s=training.validate_s,
            data_digest=training.data_digest,
            code_digest=training.code_digest,
            device=training.device,
            precision=training.precision,
            protocol=training.protocol,
            setbacks=[f"{one.cause} on {one.worker}: {one.message}" for one in training.setbacks],
            worker=None if worker is None else worker.name,
            training=None if progress is None else TrainingView.of(progress),
        )


class TrainingForecast(Wire):
    """What a request for a full training comes to, before anything is begun."""

    candidate_id: str = Field(description="Whose network.")
    search_id: str = Field(description="Of which search.")
    recipe: dict[str, Any] = Field(description="How it would be trained, in full.")
    dataset: DatasetSpec = Field(description="The images.")
    seed: int = Field(description="Seed of its patches, and of fresh weights.")
    steps: int = Field(description="Optimiser steps in all.")
    expected_s: Figure = Field(description="Seconds of training that are foretold; null where nothing is known.")

    @classmethod
    def of(cls, training: Training) -> TrainingForecast:
        """The wire form of a training that nobody was asked for."""
        return cls(
            candidate_id=training.candidate_id,
            search_id=training.search_id,
            recipe=recipe_document(training.recipe),
            dataset=DatasetSpec.model_validate(training.dataset),
            seed=training.seed,
            steps=training.steps,
            expected_s=training.expected_s,
        )


def _summary(training: Training, worker: Worker | None) -> dict[str, Any]:
    """The fields of a `FullTrainingSummary`."""
    links = {
        "self": f"/v1/trainings/{training.id}",
        "candidate": f"/v1/candidates/{training.candidate_id}",
        "search": f"/v1/searches/{training.search_id}",
    }
    if training.status is TrainingStatus.COMPLETED:
        links["model"] = f"/v1/models/{training.id}"
    return {
        "id": training.id,
        "candidate_id": training.candidate_id,
        "search_id": training.search_id,
        "status": training.status,
        "reason": training.reason,
        "owner": training.owner,
        "recipe": recipe_document(training.recipe),
        "dataset": DatasetSpec.model_validate(training.dataset),
        "seed": training.seed,
        "digest": training.digest,
        "created_at": training.created_at,
        "started_at": training.started_at,
        "finished_at": training.finished_at,
        "progress": TrainedView.of(training, worker),
        "links": links,
    }


class FullTrainingList(Wire):
    """The full trainings of a candidate."""

    items: list[FullTrainingSummary] = Field(description="The trainings, newest first.")


class FullTrainingPage(Wire):
    """Some full trainings, newest first."""

    items: list[FullTrainingSummary] = Field(description="The trainings.")
    next: str | None = Field(description="Give it as `before` for the next page; null on the last.")


class AgreementView(Wire):
    """How the scores of a search compare with those of its full trainings."""

    training_ids: list[str] = Field(
        description="Trainings that are compared: the newest of each network, by one recipe on the same images."
    )
    recipe: str = Field(description="Name of that recipe; empty where nothing is completed.")
    tau: Figure = Field(description="Kendall's tau-b between the PSNR of the search and the final one; null if none.")
    low: Figure = Field(description="Lower end of its 95 % interval; null where there is none.")
    high: Figure = Field(description="Upper end.")
    warning: str = Field(description="What to know before the search's order is believed; empty if nothing is.")

    @classmethod
    def of(cls, found: Reranked) -> AgreementView:
        """The wire form of an agreement."""
        return cls(
            training_ids=list(found.training_ids),
            recipe=found.recipe,
            tau=found.tau.tau,
            low=found.tau.low,
            high=found.tau.high,
            warning=found.warning,
        )


class SearchTrainings(Wire):
    """The full trainings of a search, and what they say of its ranking."""

    items: list[FullTrainingSummary] = Field(description="The trainings, newest first.")
    agreement: AgreementView = Field(description="Whether the search ranked these networks as full training does.")
