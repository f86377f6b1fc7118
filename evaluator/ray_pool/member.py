"""One Ray actor as a member of a crew: what it was asked for, and what has come back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from ..executor import Job
from ..outcome import Failure
from ..pool.crew import Answer, Lost, Message
from ..progress import TrainingProgress
from .session import error_text

PULL_S = 1.0
"""Seconds between two questions to a busy worker how far it is."""

LOGS = "logs: /tmp/ray/session_latest/logs on its node"


class RayMember:
    """A worker process of Ray's; see `Member` for what it guarantees.

    Args:
        actor: Its handle.
        images: References to the images that are loaded, by digest.
        clock: Seconds, from any origin.

    Attributes:
        pending: The greeting or outcome that is awaited; None when idle or lost.
    """

    def __init__(self, actor: Any, images: Mapping[str, Any], clock: Callable[[], float]) -> None:
        self._actor = actor
        self._images = images
        self._clock = clock
        self._busy = False
        self._report: Any = None
        self._pull_s = math.inf
        self.pending: Any = actor.hello.remote()

    def give(self, job: Job) -> None:
        """Send it a job; its images travel by reference."""
        self.pending = self._actor.evaluate.remote(job, self._images[job.data_digest])
        self._busy, self._report, self._pull_s = True, None, self._clock() + PULL_S

    def messages(self) -> list[Message]:
        """What has come back, without waiting."""
        if self.pending is None:
            return []
        if _ready(self.pending):
            return [self._answer()]
        return self._reports()

    def kill(self) -> None:
        """End the process."""
        if self._actor is not None and ray.is_initialized():
            ray.kill(self._actor, no_restart=True)
        self._actor = self.pending = self._report = None

    def _answer(self) -> Message:
        """Take in what was awaited."""
        answer, self.pending, self._report = self.pending, None, None
        try:
            value = ray.get(answer)
        except RayTaskError as error:
            if not self._busy:
                return _lost(error)
            # The worker lives, but could not even take the job in or send the outcome back.
            value = Failure(kind="error", message=error_text(error))
        except RayError as error:
            return _lost(error)
        if not self._busy:
            greeting: Message = value
            return greeting
        self._busy = False
        return Answer(value)

    def _reports(self) -> list[Message]:
        """The newest report, if one has come; asks for the next when it is time."""
        if self._report is None:
            if self._busy and self._clock() >= self._pull_s:
                self._report, self._pull_s = self._actor.progress.remote(), self._clock() + PULL_S
            return []
        if not _ready(self._report):
            return []
        report, self._report = self._report, None
        try:
            progress: TrainingProgress | None = ray.get(report)
        except RayError:
            return []  # what befell the worker, its awaited answer tells
        return [] if progress is None else [progress]


def _lost(error: RayError) -> Lost:
    return Lost(f"{error_text(error)} ({LOGS})")


def _ready(reference: Any) -> bool:
    return bool(ray.wait([reference], timeout=0)[0])
