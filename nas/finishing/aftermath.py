"""What is left to do once a full training has ended: ask for files of the model, and drop where it stood.

Where one stood that has failed is kept, until one that asks for the same is completed: that one goes on from there.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from ..records import BENCHMARK, Artifact, ArtifactId, ArtifactState, Training, TrainingStatus
from ..store.base import NotFound, Store
from .files import TrainingFiles

MADE_AT_ONCE = (BENCHMARK, "onnx")
"""What is made of every finished model without being asked for: the web process upscales with the ONNX."""


class Aftermath:
    """Puts the files of ended trainings in order; whatever is broken off is done again.

    Args:
        store: Where artifacts are asked for.
        files: Where trainings stood.
        clock: UTC now.
    """

    def __init__(self, store: Store, files: TrainingFiles, clock: Callable[[], datetime]) -> None:
        self._store, self._files, self._clock = store, files, clock
        self._ended: deque[Training] = deque()

    def add(self, training: Training) -> None:
        """Take in a training that has ended."""
        if training.status is not TrainingStatus.FAILED:
            self._ended.append(training)

    def sweep(self) -> None:
        """Take in those that ended where nobody could see to it: their states are still there; `StoreUnavailable`."""
        found = []
        for training_id in self._files.with_states():
            with suppress(NotFound):
                found.append(self._store.training(training_id))
        for training in found:
            if training.status.ended:
                self.add(training)

    def step(self) -> None:
        """Do all that is left; `StoreUnavailable`. A state goes last, for it shows that something is left."""
        while self._ended:
            training = self._ended[0]
            if training.status is TrainingStatus.COMPLETED:
                for form in MADE_AT_ONCE:
                    self._ask_for(training, form)
                self._drop_failed(training)
            self._files.drop_state(training.id)
            self._ended.popleft()

    def _drop_failed(self, completed: Training) -> None:
        """Drop where those stood that have failed and asked for the same: nobody goes on from there any more."""
        of_candidate, statuses = completed.candidate_id, [TrainingStatus.FAILED]
        for failed in self._store.trainings(candidate_id=of_candidate, statuses=statuses, limit=None):
            if failed.digest == completed.digest:
                self._files.drop_state(failed.id)

    def _ask_for(self, training: Training, form: str) -> None:
        artifact = Artifact(
            id=ArtifactId(secrets.token_hex(6)),
            candidate_id=training.candidate_id,
            training_id=training.id,
            format=form,
            state=ArtifactState.REQUESTED,
            created_at=self._clock(),
        )
        with suppress(NotFound):  # its search was deleted meanwhile
            self._store.add_artifact(artifact, by=training.owner)
