"""Calls about artifacts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ...records import ArtifactId, ArtifactState, SearchId
from ..builders import make_artifact
from .draws import artifact_ids, ordinals, search_ids
from .pair import Pair


class ArtifactCalls(Pair):
    """Requesting, taking and finishing."""

    @rule(artifact_id=artifact_ids, search_id=search_ids, ordinal=ordinals)
    def add_artifact(self, artifact_id: ArtifactId, search_id: SearchId, ordinal: int) -> None:
        """Of a candidate that is there or not."""
        artifact = make_artifact(artifact_id, f"{search_id}-{ordinal}", created_at=self.now())
        self.both(lambda store: store.add_artifact(artifact))

    @rule(stale_after_s=st.sampled_from([0.0, 3.0]))
    def claim_artifact(self, stale_after_s: float) -> None:
        """Fresh or stale."""
        at = self.now()
        self.both(lambda store: store.claim_artifact(at=at, stale_after_s=stale_after_s))

    @rule(artifact_id=artifact_ids, state=st.sampled_from([ArtifactState.READY, ArtifactState.FAILED]))
    def finish_artifact(self, artifact_id: ArtifactId, state: ArtifactState) -> None:
        """Well or badly."""
        artifact = replace(make_artifact(artifact_id), state=state, finished_at=self.now(), detail={"n": [1]})
        self.both(lambda store: store.finish_artifact(artifact))
