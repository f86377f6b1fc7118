"""The next stretch of a full training as a job: from where its file says that it stands, and as far as time allows."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from evaluator import checkpoints
from evaluator.executor import Job
from evaluator.finishing import Stretch
from search_space.errors import InvalidInput, Problem

from ..records import Training, TrainingId, TrainingStatus
from ..store.base import NotFound, Store
from .files import TrainingFiles
from .held import Planned, Ready
from .stretches import gone_on_from, guessed_step_s, standing_at, step_s_of, stop_after, stretch_s

TEACHER = "recipe.distil.teacher"

TIMEOUT_S = 86_400.0
"""No stretch is that long: one that stands still is given up by its worker's silence, and not by this."""


@dataclass(frozen=True)
class Planning:
    """Makes the jobs of full trainings.

    Attributes:
        store: Where finished models are, by which teachers may be named.
        files: Where trainings stand, and the weights that they begin with or learn from.
        checkpoint_s: Seconds that a stretch should take, unless it is scored for longer.
    """

    store: Store
    files: TrainingFiles
    checkpoint_s: float

    def next(self, training: Training, ready: Ready, devices: Set[str]) -> Planned:
        """The next stretch of a training.

        Args:
            training: Where it stands by its row, which the file corrects.
            ready: What it is about.
            devices: Names of the devices that may train it.

        Raises:
            InvalidInput: Its teacher, or the weights that it begins with, cannot be had.
            FileNotFoundError: A file that the store names is gone.
        """
        stretch = self._whole(training, ready)
        whole = Job(
            genotype=ready.candidate.genotype,
            recipe=training.recipe.training,
            scale=ready.spec.scale,
            channels=ready.spec.channels,
            seed=training.seed,
            data_digest=ready.data_digest,
            timeout_s=TIMEOUT_S,
            stretch=stretch,
        )
        start, standing = self._standing(training, whole.lineage)
        rate = step_s_of(standing)
        if rate is None:
            rate = guessed_step_s(training, ready.candidate, ready.spec, devices)
        until = stop_after(standing.step, training.steps, rate, stretch_s(standing, self.checkpoint_s))
        job = replace(whole, start=start, stretch=replace(stretch, until=until))
        return Planned(standing=standing, job=job, until=until, lineage=whole.lineage)

    def _standing(self, training: Training, lineage: str) -> tuple[bytes, Training]:
        """Where a training stands by its file, or by that of one that has failed and asked for the same."""
        document, step = self.files.state(training.id, lineage)
        if step:
            return document, standing_at(training, step)
        of_candidate = training.candidate_id
        for other in self.store.trainings(candidate_id=of_candidate, statuses=[TrainingStatus.FAILED], limit=None):
            document, step = self.files.state(other.id, lineage)
            if step:
                return document, standing_at(gone_on_from(training, other), step)
        return b"", standing_at(training, 0)

    def _whole(self, training: Training, ready: Ready) -> Stretch:
        """The stretch that takes every step; others differ in where they stop."""
        distil = training.recipe.distil
        warm = self._warm(ready) if training.recipe.warm_start else b""
        teacher = self._teacher(distil.teacher, ready) if distil is not None else b""
        return Stretch(until=training.steps, warm=warm, distil=distil, teacher=teacher)

    def _warm(self, ready: Ready) -> bytes:
        """The search's weights."""
        evaluation = ready.candidate.evaluation
        if evaluation is None or evaluation.weights is None:
            raise InvalidInput([Problem("recipe.warm_start", True, "false: its candidate has no trained weights")])
        return self.files.read(evaluation.weights)

    def _teacher(self, name: str, ready: Ready) -> bytes:
        """The checkpoint of a finished model, or of a file in the folder of models."""
        try:
            training = self.store.training(TrainingId(name))
        except NotFound:
            document = self.files.teacher(name)
        else:
            if training.weights is None:
                raise InvalidInput([Problem(TEACHER, name, f"a completed training: this one is {training.status}")])
            document = self.files.read(training.weights)
        _, metadata = checkpoints.from_bytes(document)
        if (metadata.scale, metadata.channels) != (ready.spec.scale, ready.spec.channels):
            wanted = f"a model of scale {ready.spec.scale} and {ready.spec.channels} channels"
            raise InvalidInput([Problem(TEACHER, name, f"{wanted}: its are {metadata.scale} and {metadata.channels}")])
        return document
