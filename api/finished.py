"""The part of the client that finishes networks: full trainings, the models that they give, and files of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from nas.export.benchmark_document import BenchmarkDocument
from nas.records import TrainingStatus

from .connection import ApiError
from .findings import Findings, part
from .following import PATIENCE_S, passes
from .schemas import (
    ArtifactList,
    ArtifactView,
    FullTrainingList,
    FullTrainingPage,
    FullTrainingSummary,
    FullTrainingView,
    ModelPage,
    ModelView,
    RecipeList,
    RecipeView,
    SearchTrainings,
    TrainingForecast,
)
from .schemas.models import ModelFormat

UPSCALING_S = 900.0
"""Seconds that a picture may take, those that come before it included."""

Seen = Callable[[Sequence[FullTrainingView]], None]


class Finished(Findings):
    """What `api.client.Client` asks of networks that are trained to the end; every method raises `ApiError`."""

    # -- full trainings --------------------------------------------------------------------------------------------

    def recipes(
        self, candidate_id: str | None = None, *, steps: int | None = None, distilled: bool = False
    ) -> list[RecipeView]:
        """The named recipes; with a candidate, how long each is expected to train it.

        ``steps`` stand in place of a recipe's own; ``distilled`` says that there is a teacher.
        """
        wanted = {"candidate": candidate_id, "steps": steps, "distilled": str(distilled).lower()}
        query = {name: value for name, value in wanted.items() if value is not None}
        return self._ask(RecipeList, "GET", "/v1/recipes", params=query).items

    def finish(
        self,
        candidate_id: str,
        recipe: str | Mapping[str, Any] = "quick",
        *,
        dataset: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> FullTrainingView:
        """Ask for a candidate to be trained to the end; the same again gives the training that is there.

        Args:
            candidate_id: Which network.
            recipe: A name, or an object whose ``name`` picks the recipe and whose other fields override it.
            dataset: Images, as in a spec; by default its search's.
            seed: By default its search's.
        """
        document = _request(recipe, dataset, seed)
        return self._ask(FullTrainingView, "POST", f"/v1/candidates/{part(candidate_id)}/trainings", json=document)

    def foretell(
        self,
        candidate_id: str,
        recipe: str | Mapping[str, Any] = "quick",
        *,
        dataset: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> TrainingForecast:
        """What `finish` would begin with the same arguments, and how long it is expected to take; begins nothing."""
        path = f"/v1/candidates/{part(candidate_id)}/trainings"
        document = _request(recipe, dataset, seed)
        return self._ask(TrainingForecast, "POST", path, params={"dry_run": "true"}, json=document)

    def training(self, training_id: str) -> FullTrainingView:
        """Look at one full training."""
        return self._ask(FullTrainingView, "GET", f"/v1/trainings/{part(training_id)}")

    def trainings(self, *, statuses: Sequence[TrainingStatus] = (), page: int = 50) -> Iterator[FullTrainingSummary]:
        """Every full training, newest first, fetched page by page."""
        query: dict[str, Any] = {"status": [status.value for status in statuses], "limit": page}
        while True:
            found = self._ask(FullTrainingPage, "GET", "/v1/trainings", params=query)
            yield from found.items
            if found.next is None:
                return
            query["before"] = found.next

    def trainings_of(self, candidate_id: str) -> list[FullTrainingSummary]:
        """The full trainings of a candidate, newest first."""
        return self._ask(FullTrainingList, "GET", f"/v1/candidates/{part(candidate_id)}/trainings").items

    def search_trainings(self, search_id: str) -> SearchTrainings:
        """The full trainings of a search, newest first, and whether they rank its networks as the search did."""
        return self._ask(SearchTrainings, "GET", f"/v1/searches/{part(search_id)}/trainings")

    def cancel_training(self, training_id: str) -> FullTrainingView:
        """End a full training; what it recorded stays."""
        return self._ask(FullTrainingView, "DELETE", f"/v1/trainings/{part(training_id)}")

    def wait_for_trainings(
        self, training_ids: Sequence[str], *, on_progress: Seen | None = None, poll_s: float = 2.0
    ) -> list[FullTrainingView]:
        """Look at full trainings until every one has ended; ``on_progress`` is shown all of them at each look.

        A service that goes away is waited for, for some minutes.
        """
        alive_s = self._clock()
        while True:
            try:
                seen = [self.training(training_id) for training_id in training_ids]
            except ApiError as error:
                if not passes(error) or self._clock() - alive_s > PATIENCE_S:
                    raise
            else:
                alive_s = self._clock()
                if on_progress is not None:
                    on_progress(seen)
                if all(training.status.ended for training in seen):
                    return seen
            self._sleep(poll_s)

    # -- finished models -------------------------------------------------------------------------------------------

    def model(self, model_id: str) -> ModelView:
        """Look at one finished model."""
        return self._ask(ModelView, "GET", f"/v1/models/{part(model_id)}")

    def models(self, *, page: int = 50) -> Iterator[ModelView]:
        """Every finished model, newest first, fetched page by page."""
        query: dict[str, Any] = {"limit": page}
        while True:
            found = self._ask(ModelPage, "GET", "/v1/models", params=query)
            yield from found.items
            if found.next is None:
                return
            query["before"] = found.next

    def export_model(self, model_id: str, file_format: ModelFormat) -> ArtifactView:
        """Ask for a file of a finished model, or its benchmark; `wait_for_artifact` tells when it is there."""
        return self._ask(ArtifactView, "POST", f"/v1/models/{part(model_id)}/exports", json={"format": file_format})

    def model_pictures(self, model_id: str) -> ArtifactView:
        """Ask for what a finished model does to the photographs that it was validated on."""
        return self._ask(ArtifactView, "POST", f"/v1/models/{part(model_id)}/pictures")

    def model_exports(self, model_id: str) -> list[ArtifactView]:
        """The artifacts of a finished model, oldest first."""
        return self._ask(ArtifactList, "GET", f"/v1/models/{part(model_id)}/exports").items

    def benchmark(self, model_id: str) -> BenchmarkDocument:
        """What a finished model scores on the benchmark sets, beside bicubic and published networks of its size."""
        return self._ask(BenchmarkDocument, "GET", f"/v1/models/{part(model_id)}/benchmark")

    def benchmark_as(self, form: Literal["md", "csv"], model_id: str) -> str:
        """The rows that a paper would print of it, as Markdown or as CSV."""
        path = f"/v1/models/{part(model_id)}/benchmark"
        return self._connection.send("GET", path, params={"format": form}).text

    def upscale(self, model_id: str, image: bytes, media_type: str = "image/png") -> bytes:
        """A picture, enlarged by a finished model, as PNG; it may take minutes.

        Args:
            model_id: Which model.
            image: The picture.
            media_type: What it is: ``image/png``, ``image/jpeg`` or ``image/webp``.
        """
        return self._connection.send(
            "POST",
            f"/v1/models/{part(model_id)}/upscale",
            content=image,
            headers={"Content-Type": media_type},
            timeout=UPSCALING_S,
        ).content


def _request(recipe: str | Mapping[str, Any], dataset: Mapping[str, Any] | None, seed: int | None) -> dict[str, Any]:
    """The document that asks for a full training."""
    document = {"recipe": recipe if isinstance(recipe, str) else dict(recipe), "seed": seed}
    return document | ({} if dataset is None else {"dataset": dict(dataset)})
