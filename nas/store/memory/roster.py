"""Full trainings in memory. Knows no candidate, and no search but by its id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ...records import CandidateId, SearchId, Training, TrainingId, TrainingStatus
from .. import rules
from ..base import AlreadyStored, NotFound, TrainingLease


class Roster:
    """Full trainings by id, and who holds each."""

    def __init__(self) -> None:
        self._trainings: dict[TrainingId, Training] = {}
        self._leases: dict[TrainingId, TrainingLease] = {}
        self._tokens: dict[TrainingId, int] = {}

    def add(self, training: Training) -> Training:
        """Store a request, or give the live one that asks for the same; `AlreadyStored`."""
        for other in self._trainings.values():
            if rules.live(training) and rules.live(other) and rules.alike(training, other):
                return other
        if training.id in self._trainings:
            raise AlreadyStored("training", training.id)
        self._trainings[training.id] = training
        return training

    def __contains__(self, training_id: TrainingId) -> bool:
        """Whether an id is taken."""
        return training_id in self._trainings

    def with_id(self, training_id: TrainingId) -> Training:
        """One training; `NotFound`."""
        if training_id not in self._trainings:
            raise NotFound("training", training_id)
        return self._trainings[training_id]

    def counted(self) -> dict[TrainingStatus, int]:
        """How many there are in each status."""
        return dict(Counter(training.status for training in self._trainings.values()))

    def newest(
        self,
        search_id: SearchId | None,
        candidate_id: CandidateId | None,
        statuses: Sequence[TrainingStatus],
        before: TrainingId | None,
        limit: int | None,
    ) -> list[Training]:
        """Newest first; nothing after one that is not there."""
        found = sorted(self._trainings.values(), key=_age, reverse=True)
        if before is not None:
            last = self._trainings.get(before)
            found = [] if last is None else [one for one in found if _age(one) < _age(last)]
        wanted = [
            one
            for one in found
            if search_id in (None, one.search_id)
            and candidate_id in (None, one.candidate_id)
            and (not statuses or one.status in statuses)
        ]
        return wanted[:limit]

    def oldest_claimable(self, at: datetime) -> Training | None:
        """The oldest training that is queued, or runs without a holder that was heard of in time."""
        found = [training for training in self._trainings.values() if self._claimable(training, at)]
        return min(found, key=_age, default=None)

    def grant(self, training_id: TrainingId, owner: str, expires_at: datetime) -> TrainingLease:
        """Give a training to an owner under a new token."""
        token = self._tokens[training_id] = self._tokens.get(training_id, 0) + 1
        lease = TrainingLease(training_id=training_id, owner=owner, token=token, expires_at=expires_at)
        self._leases[training_id] = lease
        return lease

    def holds(self, lease: TrainingLease) -> bool:
        """Whether a lease is the present one of a training that runs."""
        held = self._leases.get(lease.training_id)
        return held is not None and (held.owner, held.token) == (lease.owner, lease.token)

    def extend(self, lease: TrainingLease, at: datetime, lease_s: float) -> TrainingLease:
        """The lease, valid for longer."""
        extended = replace(lease, expires_at=at + timedelta(seconds=lease_s))
        self._leases[lease.training_id] = extended
        return extended

    def put(self, training: Training) -> Training:
        """Store the new form of a training; whoever held it lets go unless it runs."""
        self._trainings[training.id] = training
        if training.status is not TrainingStatus.RUNNING:
            self._leases.pop(training.id, None)
        return training

    def _claimable(self, training: Training, at: datetime) -> bool:
        held = self._leases.get(training.id)
        silent = held is None or held.expires_at <= at
        queued = training.status is TrainingStatus.QUEUED
        return queued or (training.status is TrainingStatus.RUNNING and silent)


def _age(training: Training) -> tuple[datetime, str]:
    """Sorts the oldest first."""
    return training.created_at, training.id
