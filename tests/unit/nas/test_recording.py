"""What is stored of a proposal and of an outcome: every figure, each where it belongs."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluator.executor import Completion, Job, Setback, Ticket
from evaluator.outcome import Failure, Outcome, Success
from evaluator.testing import synthetic
from nas.engine.base import Proposal
from nas.jobs import Jobs
from nas.latency import known_latency
from nas.recording import candidate_of, evaluation_of, told_of
from nas.records import Candidate, CandidateState, Evaluation, Search
from nas.spec import SearchSpec
from nas.states import StateShelf
from nas.store.base import StoreUnavailable
from nas.testing import START, make_search
from nas.testing.profiles import make_profile
from search_space.spaces import TINY

PREDICTED: dict[str, Any] = {"profile": make_profile("tiny").to_json()}
MEASURED: dict[str, Any] = {"mode": "measured", "width": 64, "height": 36}


def search_with(latency: dict[str, Any] | None, **changes: Any) -> Search:
    document = {"space": "tiny", "dataset": {"train": "photos"}, "latency": latency}
    return make_search(spec=SearchSpec.model_validate(document | changes), data_digest="data")


def asked(search: Search) -> tuple[Candidate, Job]:
    """The candidate of a proposal, and its job."""
    proposal = Proposal(genotype=next(iter(TINY.enumerate())), operator="random")
    candidate = candidate_of(search, proposal, 0, at=START)
    job = Jobs(search, StateShelf(Path("states-are-not-kept"), 0)).job(candidate)
    return replace(candidate, evaluation_key=job.key), job


def recorded(candidate: Candidate, job: Job, outcome: Outcome) -> Evaluation:
    completion = Completion(ticket=Ticket(1), outcome=outcome, worker="worker-0")
    return evaluation_of(candidate, job, completion, at=START, keep_weights=lambda key, weights: key)


def test_a_predicted_latency_is_the_candidates_and_no_worker_measures_it() -> None:
    search = search_with(PREDICTED)
    candidate, job = asked(search)
    assert candidate.latency_ms == known_latency(search.spec, candidate.genotype)
    assert candidate.latency_ms is not None
    assert job.latency is None
    assert recorded(candidate, job, synthetic(job)).latency_ms is None


def test_a_measured_latency_is_the_outcomes() -> None:
    search = search_with(MEASURED)
    candidate, job = asked(search)
    assert (candidate.latency_ms, job.latency) == (None, search.spec.latency_target)
    outcome = synthetic(job)
    assert isinstance(outcome, Success)
    assert recorded(candidate, job, outcome).latency_ms == outcome.scores.latency_ms
    assert outcome.scores.latency_ms is not None


def test_one_outcome_serves_searches_that_predict_for_different_devices() -> None:
    (_, plain), (_, predicting) = asked(search_with(None)), asked(search_with(PREDICTED))
    assert plain.key == predicting.key
    assert asked(search_with(MEASURED))[1].key != plain.key


def test_precision_and_memory_come_with_a_success_and_not_with_a_failure() -> None:
    candidate, job = asked(search_with(None))
    outcome = synthetic(job)
    assert isinstance(outcome, Success)
    outcome = replace(
        outcome, provenance=replace(outcome.provenance, precision="bfloat16"), peak_memory_bytes=3 * 2**30
    )
    scored = recorded(candidate, job, outcome)
    assert (scored.precision, scored.peak_memory_bytes) == ("bfloat16", 3 * 2**30)
    failed = recorded(candidate, job, Failure(kind="diverged", message="the loss rose"))
    assert (failed.precision, failed.peak_memory_bytes, failed.latency_ms) == ("", 0, None)


def test_what_befell_earlier_starts_is_kept_with_the_outcome() -> None:
    candidate, job = asked(search_with(None))
    setbacks = (Setback(cause="worker_lost", worker="worker-0", message="segmentation fault"),)
    completion = Completion(ticket=Ticket(1), outcome=synthetic(job), worker="worker-1", attempts=2, setbacks=setbacks)
    evaluation = evaluation_of(candidate, job, completion, at=START, keep_weights=lambda key, _: key)
    assert (evaluation.worker, evaluation.attempts, evaluation.setbacks) == ("worker-1", 2, setbacks)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_without_room_for_weights_is_a_store_that_is_away(code: int) -> None:
    candidate, job = asked(search_with(None))
    outcome = synthetic(job)
    assert isinstance(outcome, Success)
    completion = Completion(ticket=Ticket(1), outcome=replace(outcome, weights=b"weights"), worker="worker-1")

    def full(key: str, weights: bytes) -> str:
        raise OSError(code, "no room")

    with pytest.raises(StoreUnavailable, match="no room"):
        evaluation_of(candidate, job, completion, at=START, keep_weights=full)


@pytest.mark.parametrize("latency", [PREDICTED, MEASURED], ids=["predicted", "measured"])
def test_a_latency_that_is_too_long_is_a_violation_however_it_was_found(latency: dict[str, Any]) -> None:
    constraints = [{"metric": "latency_ms", "max": 1e-6}]
    search = search_with(latency, constraints=constraints)
    candidate, job = asked(search)
    told = told_of(search.spec, candidate, recorded(candidate, job, synthetic(job)), at=START)
    assert told.state is CandidateState.SCORED
    assert told.violation is not None
    assert told.violation > 0


def test_a_failure_has_no_violation() -> None:
    search = search_with(PREDICTED)
    candidate, job = asked(search)
    evaluation = recorded(candidate, job, Failure(kind="diverged", message="the loss rose"))
    told = told_of(search.spec, candidate, evaluation, at=START)
    assert (told.state, told.violation, told.evaluation_key) == (CandidateState.FAILED, None, evaluation.key)
