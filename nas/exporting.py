"""Fulfils requested artifacts in the controller process: one thread, one file at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from search_space.errors import InvalidInput

from .records import Artifact, ArtifactState, Candidate, Search, Training, TrainingStatus
from .store.base import Store, StoreUnavailable

logger = structlog.get_logger(__name__)

STALE_AFTER_S = 120.0
"""An artifact of which nothing was heard for longer than this was left by a controller that died."""

RENEWED_AFTER_S = 30.0
"""So often it is said that an artifact is still being written: a benchmark takes minutes."""


class GivenUp(Exception):
    """The controller ends before a file was made: nothing of it lies anywhere, and whoever comes next makes it."""


class Written(Protocol):
    """What an export reports of its file."""

    @property
    def sha256(self) -> str: ...  # noqa: D102 # the names say it
    @property
    def size_bytes(self) -> int: ...  # noqa: D102
    @property
    def detail(self) -> Mapping[str, Any]: ...  # noqa: D102


Step = Callable[[str, int], None]
"""Called between the parts of a long work with what each is, and how many there are; by raising it ends the work."""

Write = Callable[[Search, Candidate, Training | None, Path, str, Path, Step], Written]
"""``write(search, candidate, training, weights, form, path, step)`` makes the file at ``path`` of those weights.

The weights are those of the search, or of a full training where one is given. Whatever ``step`` raises is raised, and
then there is no file.
"""


class Exports(Protocol):
    """Fulfils requested artifacts beside the searches, without blocking."""

    def step(self) -> None:
        """Record what is done and start what is requested; `StoreUnavailable`, after which it may be called again."""
        ...

    def close(self) -> None:
        """Give up what was started, once its part under way is done; a store that is away is not waited for."""
        ...


class ThreadedExports:
    """Claims requested artifacts and writes them beside the searches.

    A store that is away fails no artifact: what could not be read is tried again, and what could not be recorded is
    recorded later, or made again by whoever finds that nothing was heard of it for too long. So is what a controller
    gives up when it ends: a benchmark takes minutes, for which nobody waits at Ctrl-C.

    Args:
        store: Where requests are.
        home: Folder that paths in the store are relative to.
        write: Makes one file.
        clock: UTC now.
    """

    def __init__(self, store: Store, home: Path, write: Write, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._home = home
        self._write = write
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._current: tuple[Artifact, Future[Artifact]] | None = None
        self._closing = threading.Event()
        self._renewed_at = clock()

    def step(self) -> None:
        """See `Exports.step`."""
        if self._current is not None:
            artifact, future = self._current
            if not future.done():
                self._renew(artifact)
                return
            if isinstance(future.exception(), StoreUnavailable):
                self._current = (artifact, self._thread.submit(self._make, artifact))
                return
            self._store.finish_artifact(self._outcome(artifact, future))
            self._current = None
        self._renewed_at = self._clock()
        claimed = self._store.claim_artifact(at=self._renewed_at, stale_after_s=STALE_AFTER_S)
        if claimed is not None:
            self._current = (claimed, self._thread.submit(self._make, claimed))

    def close(self) -> None:
        """See `Exports.close`."""
        self._closing.set()
        self._thread.shutdown(wait=True)
        current, self._current = self._current, None
        if current is None or isinstance(current[1].exception(), StoreUnavailable):
            return
        if isinstance(current[1].exception(), GivenUp):
            logger.info("artifact left to others", artifact=current[0].id, format=current[0].format)
            return
        try:
            self._store.finish_artifact(self._outcome(*current))
        except StoreUnavailable as error:
            logger.warning("artifact not recorded", artifact=current[0].id, reason=str(error))

    def _renew(self, artifact: Artifact) -> None:
        """Say now and then that an artifact is still being written; one that is not any more comes to nothing."""
        at = self._clock()
        if (at - self._renewed_at).total_seconds() >= RENEWED_AFTER_S:
            if not self._store.renew_artifact(artifact.id, at=at):
                logger.warning("artifact given up", artifact=artifact.id)
            self._renewed_at = at

    def _go_on(self, _text: str, _total: int) -> None:
        """Raise `GivenUp` where the controller ends."""
        if self._closing.is_set():
            raise GivenUp

    def _make(self, artifact: Artifact) -> Artifact:
        self._go_on(artifact.format, 1)
        candidate = self._store.candidate(artifact.candidate_id)
        search = self._store.search(candidate.search_id)
        training = None if artifact.training_id is None else self._store.training(artifact.training_id)
        weights = self._weights(candidate, training)
        name = f"artifacts/{artifact.id}/{artifact.filename}"
        written = self._write(search, candidate, training, weights, artifact.format, self._home / name, self._go_on)
        return replace(
            artifact,
            state=ArtifactState.READY,
            path=name,
            sha256=written.sha256,
            size_bytes=written.size_bytes,
            detail=written.detail,
        )

    def _weights(self, candidate: Candidate, training: Training | None) -> Path:
        """The file of a full training's weights, or else of the search's."""
        if training is not None:
            if training.status is not TrainingStatus.COMPLETED or training.weights is None:
                raise ValueError(f"the training is {training.status}: it has no finished weights")
            weights = self._home / training.weights
        elif candidate.evaluation is None or candidate.evaluation.weights is None:
            raise ValueError("the candidate has no trained weights")
        else:
            weights = self._home / candidate.evaluation.weights
        if not weights.is_file():
            raise FileNotFoundError(f"the trained weights are gone: {weights}")
        return weights

    def _outcome(self, artifact: Artifact, future: Future[Artifact]) -> Artifact:
        """The ready form, or the failed form with the reason: an export never stops a controller."""
        error = future.exception()
        if error is None:
            logger.info("artifact ready", artifact=artifact.id, candidate=artifact.candidate_id)
            return replace(future.result(), finished_at=self._clock())
        if isinstance(error, InvalidInput):  # a person mends that
            logger.warning("artifact failed", artifact=artifact.id, candidate=artifact.candidate_id, reason=str(error))
            detail = {"error": str(error), "hint": error.hint}
        else:
            logger.error("artifact failed", artifact=artifact.id, candidate=artifact.candidate_id, exc_info=error)
            detail = {"error": f"{type(error).__name__}: {error}"}
        return replace(artifact, state=ArtifactState.FAILED, finished_at=self._clock(), detail=detail)
