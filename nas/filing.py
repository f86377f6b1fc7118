"""The use cases around files: ask a controller for one of a candidate or of a finished model, look, find it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from search_space.errors import InvalidInput, Problem

from .archives import member
from .records import (
    ANALYSIS,
    BENCHMARK,
    EXPORT_FORMATS,
    PICTURES,
    Artifact,
    ArtifactId,
    ArtifactState,
    Candidate,
    CandidateId,
    Training,
    TrainingId,
    TrainingStatus,
)
from .settings import Settings
from .store.base import NotFound, Store

PARTED = (ANALYSIS, PICTURES)
"""Forms that are archives of files to look at one by one."""


class NotExportable(ValueError):
    """A candidate has no weights to export."""


class NotReady(ValueError):
    """A file is not there yet, or never will be; ``hint`` says what to do next."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.hint = "ask for the artifact until its state is ready, then for its file"
        why = "it has no file"
        if artifact.state is ArtifactState.FAILED:
            again = "read why in the artifact's detail, mend the cause, then ask for the export again"
            self.hint, why = artifact.detail.get("hint", again), artifact.detail.get("error", why)
        super().__init__(f"artifact {artifact.id} is {artifact.state}: {why}")


class NotBenchmarked(ValueError):
    """A finished model was not benchmarked yet."""

    hint = "its controller benchmarks it soon after it is completed; or ask for an export of the format benchmark"

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id
        super().__init__(f"model {model_id} has no benchmark yet")


class Filing:
    """Use cases around files, over one store.

    Args:
        store: Where requests are.
        settings: Where files lie.
        clock: The time for records.
    """

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store, self._settings, self._clock = store, settings, clock

    # -- of candidates ---------------------------------------------------------------------------------------------

    def request_export(self, candidate_id: str, file_format: str, *, by: str = "") -> Artifact:
        """Ask a controller for a file; `NotFound`, `InvalidInput`, `NotExportable`."""
        _require_format(file_format, EXPORT_FORMATS)
        return self._request(self._exportable(candidate_id).id, file_format, by)

    def request_analysis(self, candidate_id: str, *, by: str = "") -> Artifact:
        """Ask a controller for the hybrid response analysis of a trained network; `NotFound`, `NotExportable`."""
        return self._request(self._exportable(candidate_id).id, ANALYSIS, by)

    def request_pictures(self, candidate_id: str, *, by: str = "") -> Artifact:
        """Ask a controller for what a trained network does to validation photographs; `NotFound`, `NotExportable`."""
        return self._request(self._exportable(candidate_id).id, PICTURES, by)

    def artifacts(self, candidate_id: str) -> list[Artifact]:
        """Artifacts of a candidate and of its finished models, oldest first; `NotFound`."""
        return self._store.artifacts(self._store.candidate(CandidateId(candidate_id)).id)

    # -- of finished models ----------------------------------------------------------------------------------------

    def request_model_export(self, model_id: str, file_format: str, *, by: str = "") -> Artifact:
        """Ask a controller for a file of a finished model, or for its benchmark; `NotFound`, `InvalidInput`."""
        _require_format(file_format, (*EXPORT_FORMATS, BENCHMARK))
        model = self._finished(model_id)
        return self._request(model.candidate_id, file_format, by, model.id)

    def request_model_pictures(self, model_id: str, *, by: str = "") -> Artifact:
        """The same of a finished model; `NotFound`."""
        model = self._finished(model_id)
        return self._request(model.candidate_id, PICTURES, by, model.id)

    def model_artifacts(self, model_id: str) -> list[Artifact]:
        """Artifacts of a finished model, oldest first; `NotFound`."""
        model = self._finished(model_id)
        return [found for found in self._store.artifacts(model.candidate_id) if found.training_id == model.id]

    def benchmark(self, model_id: str) -> bytes:
        """The document of a finished model's benchmark; `NotFound`, `NotBenchmarked`, `NotReady`."""
        made = [found for found in self.model_artifacts(model_id) if found.format == BENCHMARK]
        if not made:
            raise NotBenchmarked(model_id)
        return self.artifact_path(made[-1]).read_bytes()

    def _finished(self, model_id: str) -> Training:
        training = self._store.training(TrainingId(model_id))
        if training.status is not TrainingStatus.COMPLETED:
            raise NotFound("finished model", model_id)
        return training

    # -- of either -------------------------------------------------------------------------------------------------

    def artifact(self, artifact_id: str) -> Artifact:
        """One artifact; `NotFound`."""
        return self._store.artifact(ArtifactId(artifact_id))

    def artifact_path(self, artifact: Artifact) -> Path:
        """Where a ready artifact's file lies; `NotReady` before that, `NotFound` when its file is gone."""
        if artifact.state is not ArtifactState.READY or artifact.path is None:
            raise NotReady(artifact)
        root = self._settings.home.resolve()
        path = (root / artifact.path).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise NotFound("artifact file", artifact.id)
        return path

    def artifact_part(self, artifact: Artifact, name: str) -> bytes:
        """One file of a ready archive, pictures or an analysis; `NotReady`, `NotFound`."""
        found = member(self.artifact_path(artifact), name) if artifact.format in PARTED else None
        if found is None:
            raise NotFound("part of the artifact", name)
        return found

    def _exportable(self, candidate_id: str) -> Candidate:
        candidate = self._store.candidate(CandidateId(candidate_id))
        if candidate.evaluation is None or candidate.evaluation.weights is None:
            raise NotExportable(f"candidate {candidate_id} is {candidate.state}: it has no trained weights")
        return candidate

    def _request(
        self, candidate_id: CandidateId, file_format: str, by: str, training_id: TrainingId | None = None
    ) -> Artifact:
        artifact = Artifact(
            id=ArtifactId(secrets.token_hex(6)),
            candidate_id=candidate_id,
            training_id=training_id,
            format=file_format,
            state=ArtifactState.REQUESTED,
            created_at=self._clock(),
        )
        return self._store.add_artifact(artifact, by=by)


def _require_format(file_format: str, known: tuple[str, ...]) -> None:
    if file_format not in known:
        raise InvalidInput([Problem("format", file_format, f"one of {', '.join(known)}")])
