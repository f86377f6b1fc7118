"""Artifacts in memory, and who asked for them."""

from __future__ import annotations

from datetime import datetime

from ....records import Artifact, ArtifactId, CandidateId
from ... import rules, trail
from ..state import State
from ..verb import verb


class Artifacts(State):
    """See `nas.store.port.artifacts.Artifacts`."""

    @verb
    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """See `Store.add_artifact`."""
        self._candidate(artifact.candidate_id)
        if artifact.training_id is not None:
            rules.check_model(artifact, self._roster.with_id(artifact.training_id).candidate_id)
        known = artifact.id in self._shelf
        added = self._shelf.add(artifact)
        if added is artifact and not known:
            self._book.note(trail.requested(artifact, by))
        return added

    @verb
    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """See `Store.artifact`."""
        return self._shelf.with_id(artifact_id)

    @verb
    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """See `Store.artifacts`."""
        return self._shelf.of_candidate(candidate_id)

    @verb
    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """See `Store.claim_artifact`."""
        return self._shelf.claim(at, stale_after_s)

    @verb
    def renew_artifact(self, artifact_id: ArtifactId, *, at: datetime) -> bool:
        """See `Store.renew_artifact`."""
        return self._shelf.renew(artifact_id, at)

    @verb
    def finish_artifact(self, artifact: Artifact) -> None:
        """See `Store.finish_artifact`."""
        self._shelf.finish(artifact)
