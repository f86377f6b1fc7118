"""What every store refuses, and what it stores in place of what it was given. Knows records, and no store."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from ..records import (
    WAITS_S,
    Action,
    Artifact,
    ArtifactState,
    Candidate,
    CandidateId,
    CandidateState,
    Evaluation,
    Progress,
    Search,
    SearchId,
    SearchState,
    Totals,
    Training,
    TrainingEnded,
    TrainingStatus,
    Worker,
    check_action,
    check_transition,
)
from ..spec import BudgetSpec
from .base import BudgetChanged, Lease, LeaseLost, NotFound, TrainingReport

ASKING: frozenset[SearchState] = frozenset({SearchState.RUNNING})
"""States in which the holder of a lease may ask."""

TELLING: frozenset[SearchState] = frozenset({SearchState.RUNNING, SearchState.PAUSED, SearchState.QUEUED})
"""States in which the holder of a lease may tell: all but the ended ones."""

ANY: frozenset[SearchState] = frozenset(SearchState)


def check_lease(
    lease: Lease, *, owner: str | None, token: int, state: SearchState, states: frozenset[SearchState]
) -> None:
    """Raise `LeaseLost` unless the search still belongs to the lease and is in one of ``states``."""
    if (owner, token) != (lease.owner, lease.token) or state not in states:
        raise LeaseLost(lease)


def check_asked(candidate: Candidate) -> None:
    """Raise `ValueError` unless a candidate is in flight."""
    if candidate.state is not CandidateState.EVALUATING or candidate.told_ordinal is not None:
        raise ValueError(f"candidate {candidate.id} is {candidate.state}, not in flight")


def told_at(candidate: Candidate) -> datetime:
    """When a candidate was told; `ValueError` unless it was."""
    done = candidate.state in (CandidateState.SCORED, CandidateState.FAILED)
    if not done or candidate.told_ordinal is None or candidate.told_at is None:
        raise ValueError(f"candidate {candidate.id} is {candidate.state}, without an outcome to tell")
    return candidate.told_at


def check_parallelism(search_id: SearchId, state: SearchState, parallelism: int | None) -> None:
    """Raise `ValueError` for a parallelism below 1, and `IllegalAction` when there is nothing left to run."""
    if parallelism is not None and parallelism < 1:
        raise ValueError(f"parallelism is {parallelism}, neither None nor at least 1")
    check_action(search_id, state, Action.CHANGE)


def check_budget(search: Search, present: BudgetSpec | None) -> None:
    """Raise `BudgetChanged` where a budget is named that is not the search's any more."""
    if present is not None and search.spec.budget != present:
        raise BudgetChanged(search.id)


def check_move(search_id: SearchId, state: SearchState, wanted: SearchState, action: Action | None) -> None:
    """Raise `IllegalTransition` unless a search can go there, `IllegalAction` unless an action can bring it there."""
    if action is not None:
        check_action(search_id, state, action)
    check_transition(search_id, state, wanted)


def running_time(
    was: SearchState, since: datetime | None, ran_s: float, state: SearchState, at: datetime
) -> dict[str, Any]:
    """The fields of a search that say how long it has run, after a move from one state to another.

    Whoever moves it out of running, or back into the queue, is alive: the claims of those who were not are forgotten.
    """
    if state is SearchState.RUNNING:
        return {"running_since": since or at, "ran_s": ran_s}
    spent_s = max(0.0, (at - since).total_seconds()) if was is SearchState.RUNNING and since is not None else 0.0
    return {"running_since": None, "ran_s": ran_s + spent_s, "claims": 0}


def running_since(since: datetime | None, ran_s: float, heard_until: datetime | None, at: datetime) -> dict[str, Any]:
    """The same fields after a claim; ``heard_until`` is when the lease ended that the search was run under.

    Who held it was not heard of later, so that it did not run from then on: a budget of seconds is not spent by a night
    without a controller.
    """
    spent_s = 0.0 if since is None or heard_until is None else max(0.0, (heard_until - since).total_seconds())
    return {"running_since": at, "ran_s": ran_s + spent_s}


def ending(search: Search, state: SearchState, reason: str, present: BudgetSpec | None) -> tuple[SearchState, str]:
    """Where a search goes that is to end, and why: back into the queue if its budget is not ``present`` any more.

    `IllegalTransition` unless it may end there.
    """
    check_transition(search.id, search.state, state)
    if present is None or search.spec.budget == present:
        return state, reason
    return SearchState.QUEUED, "it was given more budget"


ADDED = ("evaluated", "failed", "cached", "in_flight", "train_s", "validate_s", "steps", "retries", "gpu_s")
"""The figures of a progress that mean something when they are summed over searches."""


class Standing(NamedTuple):
    """What the totals need of a search."""

    id: SearchId
    state: SearchState
    created_at: datetime
    started_at: datetime | None
    progress: Progress


def summed(searches: Iterable[Standing], trainings: Mapping[TrainingStatus, int]) -> Totals:
    """What searches together have come to, and how many full trainings there are in each status."""
    found = list(searches)
    failures: Counter[str] = Counter()
    for search in found:
        failures.update(search.progress.failures)
    sums = {name: sum(getattr(search.progress, name) for search in found) for name in ADDED}
    waits_s = [(search.started_at - search.created_at).total_seconds() for search in found if search.started_at]
    return Totals(
        searches=dict(Counter(search.state for search in found)),
        progress=Progress(failures=dict(failures), **sums),
        started=len(waits_s),
        waited_s=sum(waits_s),
        waits=dict(Counter(WAITS_S[bisect_left(WAITS_S, wait_s)] for wait_s in waits_s)),
        running={search.id: search.progress for search in found if search.state is SearchState.RUNNING},
        trainings=trainings,
    )


def check_finished(artifact: Artifact) -> None:
    """Raise `ValueError` unless an artifact is ready or failed."""
    if artifact.state not in (ArtifactState.READY, ArtifactState.FAILED):
        raise ValueError(f"artifact {artifact.id} is {artifact.state}, not finished")


def check_model(artifact: Artifact, candidate_id: CandidateId) -> None:
    """Raise `NotFound` unless the candidate of an artifact's training is the artifact's."""
    if artifact.candidate_id != candidate_id:
        raise NotFound("training", artifact.training_id or "")


UNDER_WAY = frozenset({TrainingStatus.RUNNING, TrainingStatus.COMPLETED, TrainingStatus.FAILED})
"""What a full training can be when its controller writes how far it is."""

KEPT = (
    *("status", "reason", "step", "points", "train_s", "validate_s", "data_digest", "code_digest", "device"),
    *("precision", "protocol", "setbacks", "weights"),
)
"""The fields of a full training that its controller writes."""


def live(training: Training) -> bool:
    """Whether the same is not to be asked for again."""
    return training.status not in (TrainingStatus.FAILED, TrainingStatus.CANCELLED)


def alike(one: Training, other: Training) -> bool:
    """Whether two trainings ask for the same."""
    return (one.candidate_id, one.digest) == (other.candidate_id, other.digest)


def taken(training: Training, at: datetime) -> Training:
    """A training that a controller took."""
    started_at = training.started_at or at
    return replace(training, status=TrainingStatus.RUNNING, started_at=started_at, claims=training.claims + 1)


def check_kept(training: Training) -> None:
    """Raise `ValueError` unless a training runs, or ended by itself."""
    if training.status not in UNDER_WAY:
        raise ValueError(f"training {training.id} is {training.status}, which its controller cannot say")


def kept(stored: Training, training: Training, at: datetime) -> Training:
    """What is stored of a training when its controller writes how far it is."""
    written = {name: getattr(training, name) for name in KEPT}
    written["points"] = tuple(replace(point, loss=_known(point.loss)) for point in training.points)
    return replace(
        stored,
        **written,
        finished_at=at if training.status.ended else None,
        claims=0 if training.step > stored.step else stored.claims,
    )


def released(training: Training) -> Training:
    """A training that its controller gave back: it is alive, so the claims of those who were not are forgotten."""
    return replace(training, status=TrainingStatus.QUEUED, claims=0)


def cancelled(training: Training, at: datetime, who: str) -> Training:
    """A training that somebody ended; `TrainingEnded` where it had ended by itself."""
    if training.status.ended:
        raise TrainingEnded(training.id, training.status)
    reason = f"cancelled by {who}" if who else "cancelled"
    return replace(training, status=TrainingStatus.CANCELLED, reason=reason, finished_at=at)


def check_workers(owner: str, workers: Sequence[Worker]) -> None:
    """Raise `ValueError` unless every worker is the owner's, and named once."""
    if any(worker.owner != owner for worker in workers):
        raise ValueError(f"a worker of another owner than {owner}")
    if len({worker.name for worker in workers}) < len(workers):
        raise ValueError(f"two workers of {owner} bear one name")


def worker_order(worker: Worker) -> tuple[str, str, str]:
    """Sorts workers by node, name and owner."""
    return worker.node, worker.name, worker.owner


def report_order(report: TrainingReport) -> tuple[str, str, int]:
    """Sorts reports by search and lease: who locks searches in one order waits for nobody that waits for them."""
    return report.lease.search_id, report.lease.owner, report.lease.token


def idle(worker: Worker) -> Worker:
    """A worker without the work that it was at."""
    done: dict[str, Any] = {"search_id": None, "candidate_id": None, "ordinal": None, "training_id": None}
    return replace(worker, evaluation_key="", progress=None, busy_since=None, **done)


def worker_without_nan(worker: Worker) -> Worker:
    """A worker, every figure of its training that is not a number unknown."""
    told = worker.progress
    if told is None:
        return worker
    return replace(worker, progress=replace(told, loss=_known(told.loss), psnr_db=_known(told.psnr_db)))


def without_nan(evaluation: Evaluation) -> Evaluation:
    """The evaluation with every figure that is not a number unknown: SQLite has no NaN, and nobody can rank one."""
    return replace(
        evaluation,
        psnr_db=_known(evaluation.psnr_db),
        ssim=_known(evaluation.ssim),
        fsds_db=_known(evaluation.fsds_db),
        fsds_si_db=_known(evaluation.fsds_si_db),
        latency_ms=_known(evaluation.latency_ms),
    )


def told_without_nan(told: Candidate) -> Candidate:
    """The told form of a candidate, likewise."""
    return replace(told, hypervolume=_known(told.hypervolume))


def _known(figure: float | None) -> float | None:
    return None if figure is None or math.isnan(figure) else figure
