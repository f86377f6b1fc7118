"""Verbs about full trainings. Knows nothing of a candidate but its id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ...records import CandidateId, SearchId, Training, TrainingId, TrainingStatus
from ..lease import TrainingLease


class Trainings(Protocol):
    """Full trainings, as they are asked for, advanced and read."""

    def add_training(self, training: Training, *, by: str = "") -> Training:
        """Ask for a training; the one that is there already for (candidate, digest) unless it failed or was cancelled.

        A new one appends the event "training_requested" to the log of its search. `NotFound` when its search has no
        such candidate, `AlreadyStored` when the id is taken.
        """
        ...

    def training(self, training_id: TrainingId) -> Training:
        """One training; `NotFound`."""
        ...

    def trainings(
        self,
        *,
        search_id: SearchId | None = None,
        candidate_id: CandidateId | None = None,
        statuses: Sequence[TrainingStatus] = (),
        before: TrainingId | None = None,
        limit: int | None = 50,
    ) -> list[Training]:
        """Newest first (equal times by id, the larger first), of one search or candidate, in some statuses, or all.

        With ``before``, those that come after that one in this order; nothing where it is unknown.
        """
        ...

    def claim_training(self, owner: str, *, at: datetime, lease_s: float) -> tuple[TrainingLease, Training] | None:
        """Take the oldest training that is queued, or running with an expired lease; it is running afterwards.

        Its claim is counted. Where it was never taken before, `started_at` is written, and its search is told by an
        event "training_started". One that somebody is changing now may be passed over.
        """
        ...

    def keep_training(self, lease: TrainingLease, training: Training, *, at: datetime, lease_s: float) -> TrainingLease:
        """Write how far a training is, and extend the lease; one that has ended gives the lease back.

        What was asked for stays as it is, whatever is in ``training``: id, candidate, search, recipe, dataset, seed,
        digest, owner, creation, start, and the time that was foretold. One that has ended, ended at ``at``, and its
        search is told by an event "training_completed" or "training_failed". Where ``step`` has grown, claims count
        from 0 again.

        Raises:
            LeaseLost: Another controller took it over, it was queued again, or somebody cancelled it: nothing was
                written.
            ValueError: It neither runs nor was completed nor failed.
        """
        ...

    def release_training(self, lease: TrainingLease) -> None:
        """Queue a training again, its claims at 0, and give its lease back; a lease that was lost is ignored."""
        ...

    def cancel_training(self, training_id: TrainingId, *, at: datetime, by: str = "") -> Training:
        """End a training for good, and say so in an event "training_cancelled"; `NotFound`, `TrainingEnded`.

        Whoever advances it learns so when it writes. Once cancelled, the same again changes nothing.
        """
        ...
