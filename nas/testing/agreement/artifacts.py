"""Calls about artifacts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ...records import ArtifactId, ArtifactState, CandidateId, TrainingId
from ..builders import make_artifact
from .draws import artifact_ids, candidate_ids, training_ids
from .pair import Pair


class ArtifactCalls(Pair):
    """Requesting, taking and finishing."""

    @rule(artifact_id=artifact_ids, candidate_id=candidate_ids, training_id=st.none() | training_ids)
    def add_artifact(self, artifact_id: ArtifactId, candidate_id: CandidateId, training_id: TrainingId | None) -> None:
        """Of a candidate or a model that is there or not."""
        artifact = make_artifact(artifact_id, candidate_id, training_id=training_id, created_at=self.now())
        self.both(lambda store: store.add_artifact(artifact))

    @rule(stale_after_s=st.sampled_from([0.0, 3.0]))
    def claim_artifact(self, stale_after_s: float) -> None:
        """Fresh or stale."""
        at = self.now()
        self.both(lambda store: store.claim_artifact(at=at, stale_after_s=stale_after_s))

    @rule(artifact_id=artifact_ids)
    def renew_artifact(self, artifact_id: ArtifactId) -> None:
        """Being written or not."""
        at = self.now()
        self.both(lambda store: store.renew_artifact(artifact_id, at=at))

    @rule(artifact_id=artifact_ids, state=st.sampled_from([ArtifactState.READY, ArtifactState.FAILED]))
    def finish_artifact(self, artifact_id: ArtifactId, state: ArtifactState) -> None:
        """Well or badly."""
        artifact = replace(make_artifact(artifact_id), state=state, finished_at=self.now(), detail={"n": [1]})
        self.both(lambda store: store.finish_artifact(artifact))
