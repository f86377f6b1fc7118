"""Fulfils requested artifacts in the controller process: one thread, one file at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from .records import Artifact, ArtifactState, Candidate, Search
from .store.base import Store, StoreUnavailable

logger = structlog.get_logger(__name__)

STALE_AFTER_S = 120.0
"""An artifact that is being written for longer than this was left by a controller that died; a file takes seconds."""


class Written(Protocol):
    """What an export reports of its file."""

    @property
    def sha256(self) -> str: ...  # noqa: D102 # the names say it
    @property
    def size_bytes(self) -> int: ...  # noqa: D102
    @property
    def detail(self) -> Mapping[str, Any]: ...  # noqa: D102


Write = Callable[[Search, Candidate, Path, str, Path], Written]
"""``write(search, candidate, weights, format, path)`` makes the file at ``path`` from the file of trained weights."""


class Exports(Protocol):
    """Fulfils requested artifacts beside the searches, without blocking."""

    def step(self) -> None:
        """Record what is done and start what is requested; `StoreUnavailable`, after which it may be called again."""
        ...

    def close(self) -> None:
        """Wait for what was started; a store that is away is not waited for."""
        ...


class ThreadedExports:
    """Claims requested artifacts and writes them beside the searches.

    A store that is away fails no artifact: what could not be read is tried again, and what could not be recorded is
    recorded later, or made again by whoever finds that it takes too long.

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

    def step(self) -> None:
        """See `Exports.step`."""
        if self._current is not None:
            artifact, future = self._current
            if not future.done():
                return
            if isinstance(future.exception(), StoreUnavailable):
                self._current = (artifact, self._thread.submit(self._make, artifact))
                return
            self._store.finish_artifact(self._outcome(artifact, future))
            self._current = None
        claimed = self._store.claim_artifact(at=self._clock(), stale_after_s=STALE_AFTER_S)
        if claimed is not None:
            self._current = (claimed, self._thread.submit(self._make, claimed))

    def close(self) -> None:
        """See `Exports.close`."""
        self._thread.shutdown(wait=True)
        current, self._current = self._current, None
        if current is None or isinstance(current[1].exception(), StoreUnavailable):
            return
        try:
            self._store.finish_artifact(self._outcome(*current))
        except StoreUnavailable as error:
            logger.warning("artifact not recorded", artifact=current[0].id, reason=str(error))

    def _make(self, artifact: Artifact) -> Artifact:
        candidate = self._store.candidate(artifact.candidate_id)
        search = self._store.search(candidate.search_id)
        if candidate.evaluation is None or candidate.evaluation.weights is None:
            raise ValueError("the candidate has no trained weights")
        weights = self._home / candidate.evaluation.weights
        if not weights.is_file():
            raise FileNotFoundError(f"the trained weights are gone: {weights}")
        name = f"artifacts/{artifact.id}/{candidate.id}-x{search.spec.scale}.{artifact.format}"
        written = self._write(search, candidate, weights, artifact.format, self._home / name)
        return replace(
            artifact,
            state=ArtifactState.READY,
            path=name,
            sha256=written.sha256,
            size_bytes=written.size_bytes,
            detail=written.detail,
        )

    def _outcome(self, artifact: Artifact, future: Future[Artifact]) -> Artifact:
        """The ready form, or the failed form with the reason: an export never stops a controller."""
        error = future.exception()
        if error is None:
            logger.info("artifact ready", artifact=artifact.id, candidate=artifact.candidate_id)
            return replace(future.result(), finished_at=self._clock())
        logger.error("artifact failed", artifact=artifact.id, candidate=artifact.candidate_id, exc_info=error)
        return replace(
            artifact,
            state=ArtifactState.FAILED,
            finished_at=self._clock(),
            detail={"error": f"{type(error).__name__}: {error}"},
        )
