"""From an outcome to the row that is stored of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from evaluator.executor import Completion, Job
from evaluator.outcome import Failure, Outcome, Success
from evaluator.provenance import code_digest

from .records import Candidate, Evaluation

REPEATABLE_FAILURES = ("diverged", "non_finite")
"""Failures that the same work would meet again: they are remembered like scores. Others are tried anew."""

KeepWeights = Callable[[str, bytes], str]
"""Stores a network's weights under a key and returns their path below the home folder."""


def evaluation_of(
    candidate: Candidate, job: Job, completion: Completion, *, at: datetime, keep_weights: KeepWeights
) -> Evaluation:
    """The evaluation of a candidate.

    A failure that may not happen again is stored under an address of its own, so that the job's address stays free
    for the score of a later try.
    """
    outcome = completion.outcome
    common = Evaluation(
        key=job.key if _repeatable(outcome) else f"{job.key}#{candidate.id}",
        genotype_digest=job.genotype.digest,
        recipe_digest=job.recipe.digest,
        data_digest=job.data_digest,
        code_digest=code_digest(),
        seed=job.seed,
        device="",
        created_at=at,
        params=candidate.params,
        mult_adds=candidate.mult_adds,
        train_s=outcome.train_s,
        steps=outcome.steps,
        worker=completion.worker,
        attempts=completion.attempts,
    )
    if isinstance(outcome, Failure):
        return replace(common, device=outcome.device, failure_kind=outcome.kind, failure_message=outcome.message)
    return replace(
        common,
        code_digest=outcome.provenance.code_digest,
        device=outcome.provenance.device,
        protocol=outcome.scores.protocol,
        psnr_db=outcome.scores.psnr_db,
        ssim=outcome.scores.ssim,
        fsds_db=outcome.scores.fsds_db,
        fsds_si_db=outcome.scores.fsds_si_db,
        latency_ms=outcome.scores.latency_ms,
        validate_s=outcome.validate_s,
        precision=outcome.provenance.precision,
        peak_memory_bytes=outcome.peak_memory_bytes,
        loss_curve=outcome.loss_curve,
        bands=outcome.bands,
        weights=keep_weights(job.key, outcome.weights) if outcome.weights else None,
    )


def _repeatable(outcome: Outcome) -> bool:
    return isinstance(outcome, Success) or outcome.kind in REPEATABLE_FAILURES
