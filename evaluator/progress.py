"""What a training tells of itself while it runs: a value, and the rule that keeps it cheap. Knows no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
