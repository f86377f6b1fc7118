"""What a search has reached: its front and hypervolume from one fidelity, its costs from every training."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.executor import Setback
from nas.objectives import Objective
from nas.pareto import front, hypervolume
from nas.records import Candidate, CandidateId, CandidateState, Evaluation, SearchId
from nas.scores import points_of
from nas.tally import Tally
from search_space.spaces import TINY

OBJECTIVES = (Objective.of("psnr"), Objective.of("mult_adds"))
REFERENCE = {"psnr": 25.0, "mult_adds": 100.0}
AT = datetime(2026, 1, 1, tzinfo=UTC)
GENOTYPE = TINY.sample(np.random.default_rng(0))
EVALUATION = Evaluation(
    key="k",
    genotype_digest="g",
    recipe_digest="r",
    data_digest="d",
    code_digest="c",
    seed=0,
    device="cpu",
    created_at=AT,
    train_s=2.0,
    validate_s=0.5,
    steps=10,
)


def told(
    ordinal: int,
    psnr_db: float | None,
    mult_adds: int = 50,
    *,
    violation: float = 0.0,
    rung: int = 0,
    replicate: int = 0,
    cached: bool = False,
) -> Candidate:
    """A candidate that was told; a failure where it has no PSNR."""
    failed = psnr_db is None
    return Candidate(
        id=CandidateId(f"s-{ordinal}"),
        search_id=SearchId("s"),
        ordinal=ordinal,
        tells_before=0,
        genotype=GENOTYPE,
        state=CandidateState.FAILED if failed else CandidateState.SCORED,
        params=1,
        mult_adds=mult_adds,
        evaluation_key="k",
        operator="random",
        asked_at=AT,
        rung=rung,
        replicate=replicate,
        cached=cached,
        violation=None if failed else violation,
        told_ordinal=ordinal,
        evaluation=replace(EVALUATION, psnr_db=psnr_db, failure_kind="diverged" if failed else None),
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Candidate]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([None, 20.0, 25.0, 26.0, 27.5, 30.0]),
                st.sampled_from([10, 50, 90, 120]),
                st.sampled_from([0.0, 0.0, 0.5]),
                st.integers(0, 2),
                st.integers(0, 1),
                st.booleans(),
            ),
            max_size=20,
        )
    )
    return [
        told(i, psnr, cost, violation=violation, rung=rung, replicate=replicate, cached=cached)
        for i, (psnr, cost, violation, rung, replicate, cached) in enumerate(rows)
    ]


def tally(top_rung: int = 2) -> Tally:
    return Tally(OBJECTIVES, REFERENCE, top_rung=top_rung)


def counting(log: list[Candidate]) -> list[Candidate]:
    return [c for c in log if c.rung == 2 and c.replicate == 0 and c.feasible]


@given(logs())
def test_the_front_and_its_hypervolume_are_those_of_the_top_rung_and_the_first_seed(log: list[Candidate]) -> None:
    found, before = tally(), 0.0
    for candidate in log:
        progress = found.add(candidate, in_flight=0)
        assert progress.hypervolume >= before
        before = progress.hypervolume
    counted = counting(log)
    points = points_of(counted, OBJECTIVES)
    assert {c.id for c in found.front} == {counted[i].id for i in front(points, OBJECTIVES)}
    assert found.progress.hypervolume == pytest.approx(hypervolume(points, OBJECTIVES, (25.0, 100.0)))
    assert found.progress.best_psnr_db == max((c.evaluation.psnr_db for c in counted if c.evaluation), default=None)


@given(logs())
def test_the_front_is_told_oldest_first(log: list[Candidate]) -> None:
    found = tally()
    for candidate in log:
        found.add(candidate, in_flight=0)
    ordinals = [candidate.ordinal for candidate in found.front]
    assert ordinals == sorted(ordinals)


@given(logs(), st.integers(0, 9))
def test_every_training_is_counted_and_a_known_outcome_costs_nothing(log: list[Candidate], in_flight: int) -> None:
    found = tally()
    for candidate in log:
        found.add(candidate, in_flight=in_flight)
    progress, own = found.progress, [c for c in log if not c.cached]
    assert progress.evaluated == len(log)
    assert progress.failed == sum(c.state is CandidateState.FAILED for c in log)
    assert progress.cached == len(log) - len(own)
    assert progress.in_flight == (in_flight if log else 0)
    assert (progress.train_s, progress.validate_s, progress.steps) == (2.0 * len(own), 0.5 * len(own), 10 * len(own))


@given(st.lists(st.tuples(st.sampled_from([None, "diverged", "error"]), st.integers(0, 2), st.booleans()), max_size=9))
def test_failures_are_counted_by_kind_and_setbacks_where_they_cost_something(
    log: list[tuple[str | None, int, bool]],
) -> None:
    found = tally()
    for ordinal, (kind, setbacks, cached) in enumerate(log):
        candidate = told(ordinal, None if kind else 26.0, cached=cached)
        assert candidate.evaluation is not None
        history = (Setback(cause="worker_lost", worker="w"),) * setbacks
        outcome = replace(candidate.evaluation, failure_kind=kind, setbacks=history)
        found.add(replace(candidate, evaluation=outcome), in_flight=0)
    assert found.progress.failures == Counter(kind for kind, _, _ in log if kind)
    assert sum(found.progress.failures.values()) == found.progress.failed
    assert found.progress.retries == sum(setbacks for _, setbacks, cached in log if not cached)


def test_only_what_a_gpu_did_is_time_of_a_gpu() -> None:
    found = tally()
    for ordinal, device in enumerate(["cpu (1 thread, x86_64)", "NVIDIA H100 80GB HBM3", ""]):
        candidate = told(ordinal, 26.0)
        assert candidate.evaluation is not None
        found.add(replace(candidate, evaluation=replace(candidate.evaluation, device=device)), in_flight=0)
    assert found.progress.gpu_s == 2.5


@given(logs())
def test_outcomes_in_a_row_that_raised_nothing_are_counted_at_the_top_rung(log: list[Candidate]) -> None:
    found = tally()
    unchanged, settled_at = 0, 0.0
    for candidate in log:
        volume = found.add(candidate, in_flight=0).hypervolume
        if candidate.rung == 2 and candidate.replicate == 0:
            unchanged += settled_at > 0
            if volume > settled_at * 1.001:
                unchanged, settled_at = 0, volume
        assert found.unchanged == unchanged


def test_small_gains_add_up_to_one_that_counts() -> None:
    """Each raises the hypervolume by less than a thousandth; three of them together by more."""
    found = tally(0)
    counts = []
    for i in range(10):
        found.add(told(i, 30.0 + 0.002 * i), in_flight=0)
        counts.append(found.unchanged)
    assert counts == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


def test_of_two_equal_points_the_first_is_in_the_front() -> None:
    found = tally(0)
    for i in range(2):
        found.add(told(i, 30.0), in_flight=0)
    assert [candidate.ordinal for candidate in found.front] == [0]


def test_what_fails_to_beat_the_reference_is_in_the_front_and_adds_nothing() -> None:
    found = tally(0)
    assert found.add(told(0, 24.0), in_flight=0).hypervolume == 0.0
    assert [candidate.ordinal for candidate in found.front] == [0]
    assert found.unchanged == 0  # nothing has settled before anything was reached


def test_nothing_was_reached_at_first() -> None:
    found = tally()
    assert found.front == []
    assert (found.progress.hypervolume, found.progress.best_psnr_db, found.unchanged) == (0.0, None, 0)
