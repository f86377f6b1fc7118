"""From a proposal, and from an outcome, to the rows that are stored of them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from evaluator.cost import costs
from evaluator.executor import Completion, Job
from evaluator.outcome import Failure, Outcome, Success
from evaluator.provenance import code_digest

from .engine.base import Proposal
from .latency import known_latency
from .objectives import total_violation
from .records import Candidate, CandidateId, CandidateState, Evaluation, Search
from .scores import candidate_scores
from .spec import SearchSpec
from .store.base import StoreUnavailable

REPEATABLE_FAILURES = ("diverged", "non_finite")
"""Failures that the same work would meet again: they are remembered like scores. Others are tried anew."""

PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE)
"""Troubles of a disk that are over one day: it is full, or cannot be reached."""

KeepWeights = Callable[[str, bytes], str]
"""Stores a network's weights under a key and returns their path below the home folder.

Whatever else is stored under that key stays as it is: it may be another training's, whose score was recorded.
"""


def candidate_of(search: Search, proposal: Proposal, ordinal: int, *, at: datetime) -> Candidate:
    """The candidate in flight that a proposal becomes, with all that is known of it before a training.

    What its run knows is not in it: how many were told before it, its replicate, and its address.
    """
    spec, genotype = search.spec, proposal.genotype
    cost = costs(genotype, spec.recipe, scale=spec.scale, channels=spec.channels)
    return Candidate(
        id=CandidateId(f"{search.id}-{ordinal}"),
        search_id=search.id,
        ordinal=ordinal,
        tells_before=0,
        genotype=genotype,
        state=CandidateState.EVALUATING,
        params=cost.params,
        mult_adds=cost.mult_adds,
        latency_ms=known_latency(spec, genotype),
        evaluation_key="",
        operator=proposal.operator,
        parents=proposal.parents,
        rung=proposal.rung,
        steps=spec.recipe.rung_steps[proposal.rung],
        arm=proposal.arm,
        predicted=proposal.predicted,
        asked_at=at,
    )


def address_of(candidate: Candidate, job: Job, outcome: Outcome) -> str:
    """Where the evaluation of a candidate is stored.

    A failure that may not happen again has an address of its own, so that the job's stays free for the score of a later
    try.
    """
    return job.key if _repeatable(outcome) else f"{job.key}#{candidate.id}"


def evaluation_of(
    candidate: Candidate, job: Job, completion: Completion, *, at: datetime, keep_weights: KeepWeights
) -> Evaluation:
    """The evaluation of a candidate, its weights kept.

    Raises:
        StoreUnavailable: There is no room for its weights now.
    """
    outcome = completion.outcome
    common = Evaluation(
        key=address_of(candidate, job, outcome),
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
        setbacks=completion.setbacks,
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
        weights=_kept(job.key, outcome.weights, keep_weights) if outcome.weights else None,
    )


def told_of(spec: SearchSpec, candidate: Candidate, evaluation: Evaluation, *, at: datetime) -> Candidate:
    """The told form of a candidate; its run knows the number of the tell, and whether the outcome was known already."""
    told = replace(candidate, evaluation_key=evaluation.key, told_at=at, evaluation=evaluation)
    if evaluation.failure_kind is not None:
        return replace(told, state=CandidateState.FAILED)
    violation = total_violation(spec.constraint_values, candidate_scores(told))
    return replace(told, state=CandidateState.SCORED, violation=violation)


def _repeatable(outcome: Outcome) -> bool:
    return isinstance(outcome, Success) or outcome.kind in REPEATABLE_FAILURES


def _kept(key: str, weights: bytes, keep_weights: KeepWeights) -> str:
    try:
        return keep_weights(key, weights)
    except OSError as error:
        if error.errno not in PASSING:
            raise
        raise StoreUnavailable(f"trained weights cannot be kept: {error}") from error
