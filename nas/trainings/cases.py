"""The use cases around full trainings, over one store."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from evaluator.finishing import FINISHING_RECIPES, expected_s
from evaluator.metadata import Metadata
from evaluator.recipe import Recipe

from ..datasets import Datasets
from ..records import (
    Candidate,
    CandidateId,
    CandidateState,
    Search,
    SearchId,
    Training,
    TrainingId,
    TrainingStatus,
)
from ..settings import Settings
from ..spec import SearchSpec
from ..store.base import NotFound, Store
from .agreement import Reranked, rerank
from .asking import NotFinishable, Wish, checked_wish
from .model import Model
from .teachers import SUFFIX, described

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,199}")
"""Pattern of a file's bare name: what is matched leads out of no folder."""

SHOWN = 5
"""Files that are told to whoever names one that is not there."""


class Trainings:
    """Use cases around full trainings and the models that they give.

    Args:
        store: Where they are.
        settings: Where teachers and benchmark sets lie.
        clock: The time for records.
        datasets: Finds images by their names.
    """

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime], datasets: Datasets) -> None:
        self._store, self._clock, self._datasets = store, clock, datasets
        self._benchmarks_root, self._models_root = settings.benchmarks_root, settings.models_root

    def request(self, candidate_id: str, document: Mapping[str, Any], *, by: str = "") -> Training:
        """Ask a controller to train a candidate to the end; the same again gives the training that is there.

        Arguments and errors are those of `foretell`.
        """
        return self._store.add_training(self.foretell(candidate_id, document, by=by), by=by)

    def foretell(self, candidate_id: str, document: Mapping[str, Any], *, by: str = "") -> Training:
        """The training that would be asked for, which nobody is asked for.

        Args:
            candidate_id: Which network.
            document: A JSON object as `TrainingRequest` describes it.
            by: Who asks.

        Raises:
            NotFound: There is no such candidate.
            InvalidInput: with every problem of every field.
            NotFinishable: It was not scored, or its weights are gone and it is to start from them.
        """
        candidate = self._store.candidate(CandidateId(candidate_id))
        search = self._store.search(candidate.search_id)
        wish = checked_wish(
            document,
            search,
            folder_of=self._datasets.folder,
            benchmarks_root=self._benchmarks_root,
            why_no_teacher=lambda name: self._why_no_teacher(name, search),
        )
        _require_start(candidate, wish)
        return self._queued(candidate, search, wish, by)

    def get(self, training_id: str) -> Training:
        """One training; `NotFound`."""
        return self._store.training(TrainingId(training_id))

    def page(
        self, *, statuses: Sequence[TrainingStatus] = (), before: str | None = None, limit: int = 50
    ) -> list[Training]:
        """Newest first, those in some statuses or all, those after ``before`` in this order."""
        after = None if before is None else TrainingId(before)
        return self._store.trainings(statuses=statuses, before=after, limit=limit)

    def of_candidate(self, candidate_id: str) -> list[Training]:
        """Those of a candidate, newest first; `NotFound`."""
        known = self._store.candidate(CandidateId(candidate_id))
        return self._store.trainings(candidate_id=known.id, limit=None)

    def of_search(self, search_id: str) -> list[Training]:
        """Those of a search, newest first; `NotFound`."""
        known = self._store.search(SearchId(search_id))
        return self._store.trainings(search_id=known.id, limit=None)

    def cancel(self, training_id: str, *, by: str = "") -> Training:
        """End a training for good; `NotFound`, `TrainingEnded`."""
        return self._store.cancel_training(TrainingId(training_id), at=self._clock(), by=by)

    def rerank(self, trainings: Sequence[Training]) -> Reranked:
        """Whether a search ranked its networks as these trainings of it do, newest first."""
        return rerank(trainings, self._store.candidate)

    def estimates(
        self, candidate_id: str, *, steps: int | None = None, distilled: bool = False
    ) -> dict[str, float | None]:
        """Seconds that each named recipe would train a candidate; None where nothing is known.

        Args:
            candidate_id: Which network.
            steps: So many, in place of the recipe's own.
            distilled: Whether there is a teacher.

        Raises:
            NotFound: There is no such candidate.
        """
        candidate = self._store.candidate(CandidateId(candidate_id))
        search = self._store.search(candidate.search_id)
        return {
            name: _expected_s(
                recipe.training if steps is None else replace(recipe.training, steps=steps),
                candidate,
                search,
                distilled=distilled,
            )
            for name, recipe in FINISHING_RECIPES.items()
        }

    # -- finished models -------------------------------------------------------------------------------------------

    def model(self, model_id: str) -> Model:
        """One finished model; `NotFound`, also where its training goes on or came to nothing."""
        return self._model(_finished(self._store, model_id))

    def models(self, *, before: str | None = None, limit: int = 50) -> list[Model]:
        """Finished models, newest first, those after ``before`` in this order."""
        found = self.page(statuses=[TrainingStatus.COMPLETED], before=before, limit=limit)
        return [self._model(training) for training in found]

    def _model(self, training: Training) -> Model:
        return Model(
            training=training,
            candidate=self._store.candidate(training.candidate_id),
            search=self._store.search(training.search_id),
        )

    # -- what a training is made of --------------------------------------------------------------------------------

    def _queued(self, candidate: Candidate, search: Search, wish: Wish, by: str) -> Training:
        return Training(
            id=TrainingId(secrets.token_hex(6)),
            candidate_id=candidate.id,
            search_id=search.id,
            recipe=wish.recipe,
            dataset=wish.dataset.model_dump(mode="json"),
            seed=wish.seed,
            digest=wish.digest,
            status=TrainingStatus.QUEUED,
            created_at=self._clock(),
            owner=by,
            expected_s=_expected_s(wish.recipe.training, candidate, search, distilled=wish.recipe.distil is not None),
        )

    def _why_no_teacher(self, name: str, search: Search) -> str:
        """What a teacher must be for a network of a search, where this one is not; empty where it is."""
        try:
            teacher = self._store.training(TrainingId(name))
        except NotFound:
            return self._why_no_file(name, search.spec)
        if teacher.status is not TrainingStatus.COMPLETED:
            return f"a finished model: this training is {teacher.status}"
        return _why_unfit(self._store.search(teacher.search_id).spec, search.spec)

    def _why_no_file(self, name: str, asked: SearchSpec) -> str:
        if not self._is_file(name):
            return f"the id of a finished model, or the name of a {SUFFIX} file{self._files()}"
        found = described(self._models_root / name)
        return _why_unfit(found, asked) if found else f"a {SUFFIX} file that srnas wrote, as `srnas convert` does"

    def _is_file(self, name: str) -> bool:
        """Whether a name is that of a file among the models of the installation, and no path."""
        path = self._models_root / name
        return bool(FILE_NAME.fullmatch(name)) and path.suffix == SUFFIX and path.is_file()

    def _files(self) -> str:
        """The files that may be named, as the end of what is allowed."""
        root = self._models_root
        names = sorted(path.name for path in root.iterdir() if self._is_file(path.name)) if root.is_dir() else []
        more = ", ..." if len(names) > SHOWN else ""
        return (
            f" among the models: {', '.join(names[:SHOWN])}{more}" if names else " in SRNAS_MODELS_ROOT: none is there"
        )


def _finished(store: Store, model_id: str) -> Training:
    """The completed training that gave a model; `NotFound`, also where it goes on or came to nothing."""
    try:
        training = store.training(TrainingId(model_id))
    except NotFound:
        raise NotFound("finished model", model_id) from None
    if training.status is not TrainingStatus.COMPLETED:
        raise NotFound("finished model", model_id)
    return training


def _why_unfit(found: SearchSpec | Metadata, asked: SearchSpec) -> str:
    """What a teacher must be, where it enlarges something else than its student; empty where it does not."""
    if (asked.scale, asked.channels) == (found.scale, found.channels):
        return ""
    return (
        f"a model of x{asked.scale} with {asked.channels} channels, as its student is: "
        f"this one is x{found.scale} with {found.channels}"
    )


def _require_start(candidate: Candidate, wish: Wish) -> None:
    """Raise `NotFinishable` unless a candidate can be trained from where it is to start."""
    if candidate.state is not CandidateState.SCORED or candidate.evaluation is None:
        raise NotFinishable(candidate.id, f"is {candidate.state}: it has no scores", "choose one that is scored")
    if wish.recipe.warm_start and candidate.evaluation.weights is None:
        hint = "choose one whose weights_kept is true, or start afresh with warm_start false"
        raise NotFinishable(candidate.id, "has no trained weights to start from", hint)


def _expected_s(recipe: Recipe, candidate: Candidate, search: Search, *, distilled: bool) -> float | None:
    """Seconds of training that a recipe will take, by those that the search's took; None where nothing is known."""
    seen = candidate.evaluation
    if seen is None or seen.steps < 1 or seen.train_s <= 0:
        return None
    seen_recipe = replace(search.spec.recipe.at_rung(candidate.rung), steps=seen.steps)
    return expected_s(recipe, seen_recipe, seen.train_s, distilled=distilled)
