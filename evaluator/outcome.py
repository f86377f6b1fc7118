"""What became of one evaluation: `Outcome = Success | Failure`, both frozen values.

A bad candidate never raises: divergence, a NaN, memory and time are failures with a kind and a hint, recorded
and told to the search like any score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FailureKind = Literal["diverged", "non_finite", "out_of_memory", "timeout", "worker_lost", "error"]

RETRIED: tuple[FailureKind, ...] = ("error", "out_of_memory")
"""Failures that an executor tries again, a few times: the next start may meet another machine, or more memory.

A worker that is lost has told no outcome, and is tried again too. The other kinds are what the work itself comes to.
"""

HINTS: dict[FailureKind, str] = {
    "diverged": "lower recipe.learning_rate or set recipe.gradient_clip",
    "non_finite": "lower recipe.learning_rate or set recipe.gradient_clip",
    "out_of_memory": "give each worker more memory, or lower recipe.batch, recipe.patch or the costs",
    "timeout": "raise the evaluation time-out, or lower recipe.steps or the cost constraints",
    "worker_lost": "look at the workers' logs: its process died every time it was tried",
    "error": "this is a defect, which every start has met: report it with the message",
}


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a trained candidate scored on the validation images, under a named protocol.

    Attributes:
        protocol: Identifier of the protocol, e.g. "y-float".
        psnr_db: Mean peak signal-to-noise ratio in dB, higher is better.
        ssim: Mean structural similarity, at most 1, higher is better.
        fsds_db: Mean frequency spectrum distribution similarity in dB as published, higher is better.
        fsds_si_db: The same averaged over all circular shifts of the images, higher is better.
        params: Learned parameters, biases included.
        mult_adds: Multiply-adds for one 1280x720 output at x2 (230,400 LR pixels), the recipe's input mapping
            and image residual included.
        latency_ms: Milliseconds that one image of the job's `LatencyTarget` takes on the worker's device; None when
            the job did not ask.
    """

    protocol: str
    psnr_db: float
    ssim: float
    fsds_db: float
    fsds_si_db: float
    params: int
    mult_adds: int
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        if not self.protocol:
            raise ValueError("a score needs the protocol that it was measured under")


@dataclass(frozen=True, kw_only=True)
class Bands:
    """What a candidate has learnt of each band of frequencies, lowest first, averaged over the validation images.

    Attributes:
        correspondence: Frequency-band correspondence as published, in [0, 1]; 1 is a perfect fit.
        log_ratio_db: Spectrum over the target's, in dB and not clipped; 0 is a perfect fit, below it something lacks.
    """

    correspondence: tuple[float, ...]
    log_ratio_db: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a score comes from: enough to run it again.

    Attributes:
        recipe_digest: Digest of the recipe.
        data_digest: Digest of the training and validation images.
        code_digest: Digest of the sources that decide a score.
        seed: Seed of initialisation and patches.
        device: Name of the device, e.g. "cpu (2 threads, x86_64)".
        precision: What the training computed in: "float32", "tf32" or "bfloat16"; what "auto" became there.
    """

    recipe_digest: str
    data_digest: str
    code_digest: str
    seed: int
    device: str
    precision: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Success:
    """A candidate that was trained and scored.

    Attributes:
        scores: The figures, with their protocol.
        provenance: Where they come from.
        train_s: Seconds spent in training steps.
        validate_s: Seconds spent in validation.
        loss_curve: (step, mean loss since the last point), about twenty points; of a stretch, over its own steps.
        bands: What was learnt of each band of frequencies.
        weights: The scored weights as one safetensors document.
        state: Where training stood at the end of the recipe's stable phase, a document for `Job.start`; empty when
            the job did not ask for it, or its recipe has no such phase. Of a stretch, where it stopped; empty at the
            recipe's last step.
        steps: Optimiser steps taken; those that ``Job.start`` saved are not counted.
        peak_memory_bytes: Largest memory that the device gave to this evaluation; 0 where that is not known (a CPU).
    """

    scores: Scores
    provenance: Provenance
    train_s: float
    validate_s: float
    loss_curve: tuple[tuple[int, float], ...] = ()
    bands: Bands | None = None
    weights: bytes = field(default=b"", repr=False)
    state: bytes = field(default=b"", repr=False)
    steps: int = 0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A candidate that has no scores, and why.

    Attributes:
        kind: The cause.
        message: What happened, for a person.
        train_s: Seconds spent before it happened.
        device: Name of the device, empty when no worker came so far.
        steps: Optimiser steps taken before it happened; 0 when a worker was lost or killed, which told nobody.
    """

    kind: FailureKind
    message: str
    train_s: float = 0.0
    device: str = ""
    steps: int = 0

    @property
    def hint(self) -> str:
        """What to do next."""
        return HINTS[self.kind]


Outcome = Success | Failure
