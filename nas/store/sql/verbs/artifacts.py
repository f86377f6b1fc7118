"""Artifacts in SQL."""

from __future__ import annotations

from datetime import datetime

from ....records import Artifact, ArtifactId, CandidateId
from .. import artifacts
from ..transactions import Transactions


class Artifacts(Transactions):
    """See `nas.store.port.artifacts.Artifacts`."""

    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """See `Store.add_artifact`."""
        return self._write(artifacts.add, artifact, by)

    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """See `Store.artifact`."""
        return self._read(artifacts.with_id, artifact_id)

    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """See `Store.artifacts`."""
        return self._read(artifacts.of_candidate, candidate_id)

    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """See `Store.claim_artifact`."""
        return self._write(artifacts.claim, at, stale_after_s)

    def renew_artifact(self, artifact_id: ArtifactId, *, at: datetime) -> bool:
        """See `Store.renew_artifact`."""
        return self._write(artifacts.renew, artifact_id, at)

    def finish_artifact(self, artifact: Artifact) -> None:
        """See `Store.finish_artifact`."""
        self._write(artifacts.finish, artifact)
