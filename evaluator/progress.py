"""What a training tells of itself while it runs: a value, and the rule that keeps it cheap. Knows no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Phase = Literal["training", "validation", "latency"]


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """Where one evaluation stands. For watching: none of these figures is a score.

    Attributes:
        phase: What it is doing.
        step: Optimiser steps done, those of a resumed training included.
        steps: Steps that the recipe has.
        loss: Mean L1 loss of the last ten steps that were looked at; None before the first.
        psnr_db: Of the live weights on one small crop of a validation image, at the last checkpoint; None before it.
        patches_per_s: Patches trained on each second, since the last report.
        memory_bytes: Largest memory that the device gave to this training so far; 0 where that is not known (a CPU).
    """

    phase: Phase = "training"
    step: int = 0
    steps: int = 0
    loss: float | None = None
    psnr_db: float | None = None
    patches_per_s: float = 0.0
    memory_bytes: int = 0


Report = Callable[[TrainingProgress], None]
"""Takes in a report. Must be quick, and must not raise."""

REPORT_EVERY_S = 1.0
CHECKPOINT_EVERY_S = 5.0
CHECKPOINTS = 10


def _unknown() -> None:
    return None


def _none() -> int:
    return 0


class Reporter:
    """Reports on one evaluation: at most once a second, and when a phase begins.

    At every tenth of the steps, but not more often than every five seconds, a report also has a fresh PSNR. Changes
    nothing of the training: what it is given only looks.

    Args:
        report: Takes in the reports.
        clock: Seconds, from any origin.
        steps: Optimiser steps of the whole training.
        batch: Patches in a step.
        psnr_db: Measures the live weights on a small crop; None when there is nothing to measure.
        memory_bytes: Largest memory that the device gave so far.
    """

    def __init__(
        self,
        report: Report,
        *,
        clock: Callable[[], float],
        steps: int,
        batch: int,
        psnr_db: Callable[[], float | None] = _unknown,
        memory_bytes: Callable[[], int] = _none,
    ) -> None:
        self._report = report
        self._clock = clock
        self._batch = batch
        self._psnr_db = psnr_db
        self._memory_bytes = memory_bytes
        self._last = TrainingProgress(steps=steps)
        self._reported_s = self._measured_s = clock()
        self._checkpoint = 0

    def begin(self, phase: Phase, step: int) -> None:
        """A phase begins after so many steps; tell it, with what is known from the phases before."""
        self._tell(replace(self._last, phase=phase, step=step, patches_per_s=0.0))

    def look(self, step: int, loss: float | None) -> None:
        """So many steps are done; tell if it is time.

        Args:
            step: Those of a resumed training included; not fewer than at the last call.
            loss: As `TrainingProgress.loss`.
        """
        now = self._clock()
        past_s = now - self._reported_s
        if past_s < REPORT_EVERY_S:
            return
        patches = (step - self._last.step) * self._batch
        self._measure(step, now)
        self._tell(replace(self._last, step=step, loss=loss, patches_per_s=patches / past_s))

    def _measure(self, step: int, now: float) -> None:
        """Measure the PSNR if a checkpoint was passed and the last one is long enough ago."""
        checkpoint = step * CHECKPOINTS // self._last.steps
        if checkpoint > self._checkpoint and now - self._measured_s >= CHECKPOINT_EVERY_S:
            self._checkpoint, self._measured_s = checkpoint, now
            self._last = replace(self._last, psnr_db=self._psnr_db())

    def _tell(self, progress: TrainingProgress) -> None:
        self._last = replace(progress, memory_bytes=self._memory_bytes())
        self._reported_s = self._clock()
        self._report(self._last)
