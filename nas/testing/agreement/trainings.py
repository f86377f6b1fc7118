"""Calls about full trainings."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule

from ...records import CandidateId, SearchId, TrainingId, TrainingStatus
from ...store.base import TrainingLease
from ..builders import advanced, make_training, make_training_point
from .draws import (
    FIRST,
    candidate_ids,
    lease_lengths,
    limits,
    owners,
    search_ids,
    training_ids,
    training_leases,
    training_statuses,
)
from .pair import Pair


class TrainingCalls(Pair):
    """Asking, taking, advancing, giving back and cancelling."""

    @rule(
        training_id=training_ids,
        candidate_id=candidate_ids,
        digest=st.sampled_from(["d", "e"]),
        status=st.just(TrainingStatus.QUEUED) | training_statuses,
    )
    def add_training(
        self, training_id: TrainingId, candidate_id: CandidateId, digest: str, status: TrainingStatus
    ) -> None:
        """Of a candidate that is there or not, asked for before or not."""
        training = make_training(training_id, candidate_id, digest=digest, status=status, created_at=self.now())
        self.both(lambda store: store.add_training(training, by="anna"))

    @rule(target=training_leases, training_id=training_ids, lease_s=lease_lengths)
    def ask_and_take(self, training_id: TrainingId, lease_s: float) -> Any:
        """What a machine that draws single verbs would seldom do."""
        at, training = self.now(), make_training(training_id, FIRST)
        self.both(lambda store: store.add_training(training))
        claimed = self.both(lambda store: store.claim_training("controller-1", at=at, lease_s=lease_s))
        return multiple() if claimed is None else claimed[0]

    @rule(target=training_leases, owner=owners, lease_s=lease_lengths)
    def claim_training(self, owner: str, lease_s: float) -> Any:
        """Whatever there is."""
        at = self.now()
        claimed = self.both(lambda store: store.claim_training(owner, at=at, lease_s=lease_s))
        return multiple() if claimed is None else claimed[0]

    @rule(
        lease=training_leases,
        step=st.sampled_from([0, 10, 10_000]),
        status=training_statuses,
        loss=st.none() | st.floats(),
        figure=st.floats(allow_nan=False),
        lease_s=lease_lengths,
    )
    def keep_training(
        self,
        lease: TrainingLease,
        step: int,
        status: TrainingStatus,
        loss: float | None,
        figure: float,
        lease_s: float,
    ) -> None:
        """Held or lost, further or not, with any figure."""
        at, point = self.now(), make_training_point(step, loss=loss, psnr_db=figure)
        training = advanced(make_training(lease.training_id), step, status=status, points=(point,))
        self.both(lambda store: store.keep_training(lease, training, at=at, lease_s=lease_s))

    @rule(lease=training_leases)
    def release_training(self, lease: TrainingLease) -> None:
        """Held or lost."""
        self.both(lambda store: store.release_training(lease))

    @rule(training_id=training_ids)
    def cancel_training(self, training_id: TrainingId) -> None:
        """There or not, ended or not."""
        at = self.now()
        self.both(lambda store: store.cancel_training(training_id, at=at, by="ben"))

    @rule(
        search_id=st.none() | search_ids,
        candidate_id=st.none() | candidate_ids,
        statuses=st.sets(training_statuses, max_size=2),
        before=st.none() | training_ids,
        limit=st.none() | limits,
    )
    def trainings(
        self,
        search_id: SearchId | None,
        candidate_id: CandidateId | None,
        statuses: set[TrainingStatus],
        before: TrainingId | None,
        limit: int | None,
    ) -> None:
        """Pages of any."""
        wanted: dict[str, Any] = {"search_id": search_id, "candidate_id": candidate_id, "statuses": sorted(statuses)}
        self.both(lambda store: store.trainings(**wanted, before=before, limit=limit))
