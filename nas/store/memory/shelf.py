"""Artifacts in memory. Knows no candidate."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ...records import Artifact, ArtifactId, ArtifactState, CandidateId
from .. import rules
from ..base import AlreadyStored, NotFound


class Shelf:
    """Artifacts by id, and when each was last claimed."""

    def __init__(self) -> None:
        self._artifacts: dict[ArtifactId, Artifact] = {}
        self._claimed_at: dict[ArtifactId, datetime] = {}

    def __contains__(self, artifact_id: ArtifactId) -> bool:
        """Whether an id is taken."""
        return artifact_id in self._artifacts

    def add(self, artifact: Artifact) -> Artifact:
        """Store a request, or give the live one of the same network and format; `AlreadyStored`."""
        wanted = (artifact.training_id, artifact.format)
        for other in self.of_candidate(artifact.candidate_id):
            if (other.training_id, other.format) == wanted and other.state is not ArtifactState.FAILED:
                return other
        if artifact.id in self._artifacts:
            raise AlreadyStored("artifact", artifact.id)
        self._artifacts[artifact.id] = artifact
        return artifact

    def with_id(self, artifact_id: ArtifactId) -> Artifact:
        """One artifact; `NotFound`."""
        if artifact_id not in self._artifacts:
            raise NotFound("artifact", artifact_id)
        return self._artifacts[artifact_id]

    def of_candidate(self, candidate_id: CandidateId) -> list[Artifact]:
        """Artifacts of a candidate, oldest first, those of its finished models included."""
        return sorted((a for a in self._artifacts.values() if a.candidate_id == candidate_id), key=_age)

    def claim(self, at: datetime, stale_after_s: float) -> Artifact | None:
        """Take the oldest artifact that nobody writes; None when there is none."""
        stale = at - timedelta(seconds=stale_after_s)
        unwritten = [artifact for artifact in self._artifacts.values() if self._claimable(artifact, stale)]
        if not unwritten:
            return None
        taken = replace(min(unwritten, key=_age), state=ArtifactState.WRITING)
        self._artifacts[taken.id], self._claimed_at[taken.id] = taken, at
        return taken

    def renew(self, artifact_id: ArtifactId, at: datetime) -> bool:
        """Say that an artifact is still being written; whether it is."""
        known = self._artifacts.get(artifact_id)
        if known is None or known.state is not ArtifactState.WRITING:
            return False
        self._claimed_at[artifact_id] = at
        return True

    def _claimable(self, artifact: Artifact, stale: datetime) -> bool:
        if artifact.state is ArtifactState.WRITING:
            return self._claimed_at[artifact.id] < stale
        return artifact.state is ArtifactState.REQUESTED

    def finish(self, artifact: Artifact) -> None:
        """Store the finished form of an artifact, unless it was finished before; `NotFound`."""
        rules.check_finished(artifact)
        known = self.with_id(artifact.id)
        if known.state in (ArtifactState.REQUESTED, ArtifactState.WRITING):
            self._artifacts[known.id] = replace(
                known,
                state=artifact.state,
                finished_at=artifact.finished_at,
                path=artifact.path,
                sha256=artifact.sha256,
                size_bytes=artifact.size_bytes,
                detail=dict(artifact.detail),
            )


def _age(artifact: Artifact) -> tuple[datetime, str]:
    """Sorts the oldest first."""
    return artifact.created_at, artifact.id
