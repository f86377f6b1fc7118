"""Verbs about artifacts. Knows nothing of a candidate but its id."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ...records import Artifact, ArtifactId, CandidateId


class Artifacts(Protocol):
    """Artifacts, as they are requested, written and fetched."""

    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """Request an artifact; the one that is there already for (candidate, training, format) unless it failed.

        `NotFound` when there is no such candidate or training, `AlreadyStored` when the id is taken.
        """
        ...

    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """One artifact; `NotFound`."""
        ...

    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """Artifacts of a candidate, oldest first, those of its finished models included."""
        ...

    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """Take the oldest requested artifact, or one that was being written for longer than ``stale_after_s``."""
        ...

    def renew_artifact(self, artifact_id: ArtifactId, *, at: datetime) -> bool:
        """Say that an artifact is still being written; False when it is not any more, or there is none."""
        ...

    def finish_artifact(self, artifact: Artifact) -> None:
        """Store the ready or failed form of an artifact, unless it was finished before; `NotFound`."""
        ...
