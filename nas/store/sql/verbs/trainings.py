"""Full trainings in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ....records import CandidateId, SearchId, Training, TrainingId, TrainingStatus
from ...base import TrainingLease
from .. import trainings
from ..transactions import Transactions


class Trainings(Transactions):
    """See `nas.store.port.trainings.Trainings`."""

    def add_training(self, training: Training, *, by: str = "") -> Training:
        """See `Store.add_training`."""
        return self._write(trainings.add, training, by)

    def training(self, training_id: TrainingId) -> Training:
        """See `Store.training`."""
        return self._read(trainings.with_id, training_id)

    def trainings(
        self,
        *,
        search_id: SearchId | None = None,
        candidate_id: CandidateId | None = None,
        statuses: Sequence[TrainingStatus] = (),
        before: TrainingId | None = None,
        limit: int | None = 50,
    ) -> list[Training]:
        """See `Store.trainings`."""
        return self._read(
            trainings.newest,
            search_id=search_id,
            candidate_id=candidate_id,
            statuses=statuses,
            before=before,
            limit=limit,
        )

    def claim_training(self, owner: str, *, at: datetime, lease_s: float) -> tuple[TrainingLease, Training] | None:
        """See `Store.claim_training`."""
        return self._write(trainings.claim, owner, at, lease_s)

    def keep_training(self, lease: TrainingLease, training: Training, *, at: datetime, lease_s: float) -> TrainingLease:
        """See `Store.keep_training`."""
        return self._write(trainings.keep, lease, training, at, lease_s)

    def release_training(self, lease: TrainingLease) -> None:
        """See `Store.release_training`."""
        self._write(trainings.release, lease)

    def cancel_training(self, training_id: TrainingId, *, at: datetime, by: str = "") -> Training:
        """See `Store.cancel_training`."""
        return self._write(trainings.cancel, training_id, at, by)
