"""Full trainings in memory, and what the log of their search says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ....records import CandidateId, SearchId, Training, TrainingId, TrainingStatus
from ... import entries, rules, trail
from ...base import LeaseLost, NotFound, TrainingLease
from ...entries import Entry
from ..state import State
from ..verb import verb


class Trainings(State):
    """See `nas.store.port.trainings.Trainings`."""

    @verb
    def add_training(self, training: Training, *, by: str = "") -> Training:
        """See `Store.add_training`."""
        if self._candidate(training.candidate_id).search_id != training.search_id:
            raise NotFound("candidate", training.candidate_id)
        known = training.id in self._roster
        added = self._roster.add(training)
        if added is training and not known:
            self._book.note(trail.training_requested(training, by))
            self._log_of(training, entries.training_requested(training))
        return added

    @verb
    def training(self, training_id: TrainingId) -> Training:
        """See `Store.training`."""
        return self._roster.with_id(training_id)

    @verb
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
        return self._roster.newest(search_id, candidate_id, statuses, before, limit)

    @verb
    def claim_training(self, owner: str, *, at: datetime, lease_s: float) -> tuple[TrainingLease, Training] | None:
        """See `Store.claim_training`."""
        oldest = self._roster.oldest_claimable(at)
        if oldest is None:
            return None
        taken = self._roster.put(rules.taken(oldest, at))
        if oldest.started_at is None:
            self._log_of(taken, entries.training_started(taken, at))
        return self._roster.grant(taken.id, owner, at + timedelta(seconds=lease_s)), taken

    @verb
    def keep_training(self, lease: TrainingLease, training: Training, *, at: datetime, lease_s: float) -> TrainingLease:
        """See `Store.keep_training`."""
        rules.check_kept(training)
        stored = self._roster.with_id(lease.training_id)
        if not self._roster.holds(lease):
            raise LeaseLost(lease)
        extended = self._roster.extend(lease, at, lease_s)
        kept = self._roster.put(rules.kept(stored, training, at))
        if kept.status.ended:
            self._log_of(kept, entries.training_ended(kept, at))
        return extended

    @verb
    def release_training(self, lease: TrainingLease) -> None:
        """See `Store.release_training`."""
        if self._roster.holds(lease):
            self._roster.put(rules.released(self._roster.with_id(lease.training_id)))

    @verb
    def cancel_training(self, training_id: TrainingId, *, at: datetime, by: str = "") -> Training:
        """See `Store.cancel_training`."""
        training = self._roster.with_id(training_id)
        if training.status is TrainingStatus.CANCELLED:
            return training
        cancelled = self._roster.put(rules.cancelled(training, at, by))
        self._book.note(trail.training_cancelled(cancelled, at, by))
        self._log_of(cancelled, entries.training_ended(cancelled, at))
        return cancelled

    def _log_of(self, training: Training, entry: Entry) -> None:
        """Append an event to the log of a training's search."""
        self._change(self._search(training.search_id), entry)
