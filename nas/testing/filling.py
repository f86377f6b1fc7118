"""A store with something in every column of every table, made with one call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from evaluator.executor import Setback
from evaluator.finishing import FinishingRecipe

from ..records import ArtifactState, CandidateId, DatasetKind, SearchId, SearchState, TrainingId, TrainingStatus
from ..store.base import Store
from .builders import (
    START,
    advanced,
    make_artifact,
    make_candidate,
    make_dataset,
    make_evaluation,
    make_progress,
    make_report,
    make_request,
    make_search,
    make_token,
    make_training,
    make_training_point,
    make_worker,
    told,
)

AT = START + timedelta(hours=1)


def fill(store: Store) -> None:
    """Write into an empty store; what a figure or a text may be at its strangest is among it."""
    _fill_log(store)
    store.add_search(
        make_search(
            "00000002",
            state=SearchState.FAILED,
            reason="“été”, nul \0, surrogate \udc80, line\u2028feed\n",
            finished_at=AT,
            cloned_from=SearchId("00000001"),
            warnings=("one rung would do",),
            owner="anna",
            priority=7,
            parallelism=3,
            claims=2,
        ),
        request=make_request(),
    )
    store.add_dataset(make_dataset())
    store.add_dataset(make_dataset("upload", kind=DatasetKind.UPLOAD, sha256="a" * 64))
    store.add_token(make_token(expires_at=AT))
    store.revoke_token(make_token().id, at=AT, by="ben")


def _fill_log(store: Store) -> None:
    """A running search with an outcome, a failure, a training in flight, full trainings and files."""
    store.add_search(make_search(ran_s=0.1 + 0.2))
    lease = store.claim_search("controller-1", at=AT, lease_s=60.0)
    assert lease is not None
    store.begin_search(
        lease,
        at=AT,
        data_digest="d" * 32,
        data_notes=("8 images",),
        baseline={"psnr_db": float("inf")},
        reference_point={"psnr": 25.5},
    )
    scored, failed, flying = (
        make_candidate(ordinal=ordinal, tells_before=ordinal, rung=1, replicate=1, latency_ms=12.25)
        for ordinal in range(3)
    )
    for candidate in (scored, failed, flying):
        store.record_ask(lease, candidate)
    success = make_evaluation(scored, latency_ms=0.1 + 0.2, psnr_db=float("inf"))
    failure = make_evaluation(failed, failure_kind="diverged", failure_message="loss is nan")
    store.record_tell(lease, told(scored, success), success, make_progress())
    outcome = told(failed, failure, 1, violation=float("inf"), cached=True)
    store.record_tell(lease, outcome, failure, make_progress(2, failed=1, cached=1, in_flight=1))
    store.record_survival(lease, {scored.id: True})
    _fill_roster(store, scored.id)
    trainer = make_worker("worker-1", scored, training_id=TrainingId("t1"), seen_at=AT)
    crew = [make_worker(candidate=flying, seen_at=AT), trainer]
    store.record_workers("controller-1", crew, [make_report(lease, flying)], at=AT, lease_s=60.0)
    _fill_shelf(store, scored.id)


def _fill_roster(store: Store, candidate_id: CandidateId) -> None:
    """Two trainings that ended, well and badly, and one under way."""
    distilled = FinishingRecipe.from_json({"name": "quick", "distil": {"teacher": "00000000000t", "bands": 0.1 + 0.2}})
    store.add_training(make_training("t0", candidate_id), by="anna")
    store.add_training(make_training("t1", candidate_id, recipe=distilled))
    store.add_training(make_training("t2", candidate_id, digest="another"))
    setbacks = (Setback(cause="worker_lost", worker="worker-1", message="killed by signal 9"),)
    unknown = {"status": TrainingStatus.FAILED, "reason": "“été”, nul \0", "points": (make_training_point(loss=None),)}
    for step, fields in ((10_000, {"setbacks": setbacks}), (1000, {}), (2000, unknown)):
        claimed = store.claim_training("controller-1", at=AT, lease_s=60.0)
        assert claimed is not None
        lease, training = claimed
        store.keep_training(lease, advanced(training, step, **fields), at=AT, lease_s=60.0)
    store.claim_training("controller-2", at=AT + timedelta(hours=1), lease_s=60.0)


def _fill_shelf(store: Store, candidate_id: CandidateId) -> None:
    store.add_artifact(make_artifact(candidate_id=candidate_id, format="safetensors"))
    model = TrainingId("t0")
    store.add_artifact(make_artifact("b", candidate_id, training_id=model, created_at=AT + timedelta(days=1)))
    claimed = store.claim_artifact(at=AT, stale_after_s=60.0)
    assert claimed is not None
    file = {
        "path": "artifacts/x.safetensors",
        "sha256": "a" * 64,
        "size_bytes": 2**40,
        "detail": {"largest_difference": 1e-6},
    }
    store.finish_artifact(replace(claimed, state=ArtifactState.READY, finished_at=AT, **file))  # type: ignore[arg-type]
