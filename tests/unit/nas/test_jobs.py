"""Jobs of rungs are plain jobs, from the search's own seeds, and go on from what the rung below has left."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.executor import Job
from evaluator.outcome import Failure, Success
from evaluator.recipe import Recipe
from evaluator.schedule import stable_steps
from evaluator.seeding import training_seed
from evaluator.testing import synthetic
from nas.jobs import Jobs, steps_of
from nas.records import Candidate, CandidateId, CandidateState, Search, SearchId, SearchState
from nas.spec import SearchSpec
from nas.states import StateShelf
from search_space.genotype import Genotype
from search_space.spaces import TINY

AT = datetime(2026, 1, 1, tzinfo=UTC)
RUNGS = {"steps": 240, "rungs": 3}


def search(**changes: Any) -> Search:
    document = {"dataset": {"train": "photos"}, "space": "tiny", "recipe": RUNGS, "seed": 7}
    spec = SearchSpec.model_validate(document | changes)
    return Search(id=SearchId("0a1b2c3d"), spec=spec, state=SearchState.RUNNING, created_at=AT, data_digest="data")


def genotype(seed: int = 0) -> Genotype:
    return TINY.sample(np.random.default_rng(seed))


def candidate(*, rung: int = 0, replicate: int = 0, seed: int = 0) -> Candidate:
    return Candidate(
        id=CandidateId("0a1b2c3d-0"),
        search_id=SearchId("0a1b2c3d"),
        ordinal=0,
        tells_before=0,
        genotype=genotype(seed),
        state=CandidateState.EVALUATING,
        params=1,
        mult_adds=1,
        evaluation_key="",
        operator="promotion" if rung and not replicate else "random",
        asked_at=AT,
        rung=rung,
        replicate=replicate,
    )


def jobs(tmp_path: Path, **changes: Any) -> Jobs:
    return Jobs(search(**changes), StateShelf(tmp_path, 2**20))


def plain_job(rung: int, **changes: Any) -> Job:
    """The job of a search that never heard of rungs."""
    steps = (60, 120, 240)[rung]
    found = search(recipe={"steps": steps}, **changes)
    return Jobs(found, StateShelf(Path("nothing-is-kept"), 0)).job(candidate())


@pytest.mark.parametrize("rung", range(3))
def test_a_rung_shares_its_outcome_with_a_plain_search_of_as_many_steps(tmp_path: Path, rung: int) -> None:
    found = jobs(tmp_path).job(candidate(rung=rung))
    assert found.recipe == Recipe(steps=(60, 120, 240)[rung])
    assert found.key == plain_job(rung).key
    assert found.key != plain_job((rung + 1) % 3).key


@pytest.mark.parametrize("rung", range(3))
def test_neither_a_state_nor_the_wish_for_one_changes_the_address(tmp_path: Path, rung: int) -> None:
    found = jobs(tmp_path).job(candidate(rung=rung))
    for other in (replace(found, start=b"anything"), replace(found, keep_state=not found.keep_state)):
        assert other.key == found.key


def test_jobs_of_one_network_at_all_rungs_are_of_one_lineage(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    assert len({made.job(candidate(rung=rung)).lineage for rung in range(3)}) == 1
    assert made.job(candidate(seed=1)).lineage != made.job(candidate()).lineage
    assert made.job(candidate(rung=2, replicate=1)).lineage != made.job(candidate(rung=2)).lineage


def test_seeds_are_the_searchs_own_and_each_replicate_has_another(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    seeds = [made.job(candidate(rung=2, replicate=n)).seed for n in range(4)]
    assert seeds == [training_seed(7, genotype().digest, n) for n in range(4)]
    assert len(set(seeds)) == 4
    assert made.job(candidate(rung=0)).seed == seeds[0]
    assert jobs(tmp_path, seed=8).job(candidate()).seed != seeds[0]


def test_a_job_is_as_the_spec_says(tmp_path: Path) -> None:
    found = jobs(tmp_path, scale=3, channels=3, evaluation_timeout_s=12.5).job(candidate())
    assert (found.scale, found.channels, found.timeout_s, found.data_digest) == (3, 3, 12.5, "data")


def test_states_are_asked_for_where_somebody_may_go_on_from_them(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    assert [made.job(candidate(rung=rung)).keep_state for rung in range(3)] == [True, True, False]
    assert not made.job(candidate(rung=2, replicate=1)).keep_state
    assert not jobs(tmp_path, recipe={"steps": 60}).job(candidate()).keep_state


def success(job: Job, state: bytes) -> Success:
    outcome = synthetic(job)
    assert isinstance(outcome, Success)
    return replace(outcome, state=state)


def test_a_training_goes_on_from_what_the_rung_below_has_left(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    first, second = candidate(), candidate(rung=1)
    assert made.going_on(made.job(first), first).start == b""
    assert made.going_on(made.job(second), second).start == b""  # nothing was left yet
    made.keep_state(first, success(made.job(first), b"after 49 steps"))
    assert made.going_on(made.job(second), second).start == b"after 49 steps"
    made.keep_state(second, success(made.job(second), b"after 97 steps"))
    third = candidate(rung=2)
    assert made.going_on(made.job(third), third).start == b"after 97 steps"


def test_nobody_goes_on_from_the_state_of_another(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    made.keep_state(candidate(), success(made.job(candidate()), b"state"))
    for other in (candidate(rung=1, seed=1), candidate(rung=2, replicate=1), candidate()):
        assert made.going_on(made.job(other), other).start == b""
    elsewhere = Jobs(replace(search(), id=SearchId("feedbeef")), StateShelf(tmp_path, 2**20))
    assert elsewhere.going_on(elsewhere.job(candidate(rung=1)), candidate(rung=1)).start == b""


def test_what_left_no_state_takes_none_away(tmp_path: Path) -> None:
    made, first, second = jobs(tmp_path), candidate(), candidate(rung=1)
    made.keep_state(first, success(made.job(first), b"state"))
    made.keep_state(first, success(made.job(first), b""))
    made.keep_state(second, Failure(kind="diverged", message="the loss is NaN"))
    assert made.going_on(made.job(second), second).start == b"state"


def test_a_search_that_ended_leaves_no_states(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    made.keep_state(candidate(), success(made.job(candidate()), b"state"))
    made.forget()
    assert list(tmp_path.iterdir()) == []


@given(st.integers(2, 4), st.sampled_from([2, 3]), st.integers(300, 2000))
def test_the_steps_of_a_rung_are_those_that_the_rung_below_did_not_take(rungs: int, factor: int, steps: int) -> None:
    recipe = Recipe(steps=steps, rungs=rungs, rung_factor=factor, warmup_steps=2)
    assert steps_of(recipe, 0) == recipe.rung_steps[0]
    for rung in range(1, rungs):
        kept = stable_steps(recipe.at_rung(rung - 1))
        assert steps_of(recipe, rung) == recipe.rung_steps[rung] - kept
        assert recipe.rung_steps[rung] - recipe.rung_steps[rung - 1] <= steps_of(recipe, rung)
        assert steps_of(recipe, rung) < recipe.rung_steps[rung]
