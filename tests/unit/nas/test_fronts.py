"""A front compares full trainings from the search's own seed, and says what it cannot know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evaluator.recipe import Recipe
from nas.fronts import Front, find_front
from nas.objectives import Objective
from nas.records import Candidate, CandidateState, LedgerRow
from nas.testing.builders import START, make_candidate, make_search

SEARCH = make_search(reference_point={"psnr": 28.0, "params": 1000.0})


def row(ordinal: int, psnr_db: float, **fields: Any) -> LedgerRow:
    values: dict[str, Any] = {
        "genotype_digest": make_candidate(ordinal=ordinal).genotype.digest,
        "state": CandidateState.SCORED,
        "operator": "random",
        "asked_at": START,
        "told_ordinal": ordinal,
        "violation": 0.0,
        "scores": {"psnr_db": psnr_db, "params": float(fields.pop("params", 500))},
    }
    return LedgerRow(ordinal=ordinal, **values | fields)


def fetch(row: LedgerRow) -> Candidate:
    return make_candidate(ordinal=row.ordinal, violation=row.violation)


def front_of(*rows: LedgerRow, rungs: int = 1, metrics: tuple[str, ...] = ("psnr", "params"), **fields: Any) -> Front:
    spec = SEARCH.spec.model_copy(update={"recipe": Recipe(steps=240, rungs=rungs)})
    objectives = tuple(map(Objective.of, metrics))
    return find_front(replace(SEARCH, spec=spec), rows, objectives, fetch=fetch, **fields)


def ordinals(front: Front) -> list[int]:
    return [member.ordinal for member in front.members]


def test_members_are_full_trainings_from_the_first_seed():
    ledger = (
        row(0, 40.0),  # a short training
        row(1, 31.0, rung=1),
        row(2, 32.0, rung=1, genotype_digest=row(1, 0.0).genotype_digest, replicate=1),
        row(3, 30.0, rung=1, params=400),
        row(4, 29.0, rung=1, params=450),
    )
    front = front_of(*ledger, rungs=2)
    assert ordinals(front) == [1, 3]
    assert front.scored == 3
    assert front.note == ""
    assert front.nearest is None


def test_a_member_is_confirmed_by_its_other_seeds():
    again = {"genotype_digest": row(0, 0.0).genotype_digest}
    front = front_of(row(0, 30.0), row(1, 30.2, replicate=1, **again), row(2, 30.4, replicate=2, **again))
    seeds = front.seeds_of(front.members[0])
    assert seeds.count == 3
    assert seeds.mean["psnr_db"] == pytest.approx(30.2)
    assert seeds.spread["psnr_db"] == pytest.approx(0.2)


def test_a_failed_confirmation_confirms_nothing():
    again = {"genotype_digest": row(0, 0.0).genotype_digest}
    front = front_of(row(0, 30.0), row(1, 0.0, replicate=1, state=CandidateState.FAILED, scores={}, **again))
    assert front.seeds_of(front.members[0]).count == 1


def test_where_nothing_is_feasible_the_least_violation_is_named():
    ledger = row(0, 33.0, violation=0.5), row(1, 29.0, violation=0.25), row(2, 31.0, violation=0.25)
    front = front_of(*ledger)
    assert (front.members, front.scored, front.hypervolume) == ((), 0, 0.0)
    assert front.nearest is not None
    assert front.nearest.ordinal == 1  # of equals the oldest
    assert f"{SEARCH.id}-1 comes nearest, with a violation of 0.25" in front.note
    every = front_of(*ledger, feasible_only=False)
    assert ordinals(every) == [0]
    assert every.note == front.note


def test_a_search_that_has_not_trained_in_full_says_so():
    assert front_of().note == "no candidate has been scored yet"
    assert "at the top rung (240 steps)" in front_of(row(0, 30.0), rungs=2).note


def test_a_figure_that_nobody_has_gives_no_front_and_no_hypervolume():
    front = front_of(row(0, 30.0), metrics=("ssim",))
    assert (front.members, front.hypervolume) == ((), None)


def test_infeasible_ones_take_no_part_unless_asked_for():
    ledger = row(0, 30.0), row(1, 33.0, violation=0.1)
    assert ordinals(front_of(*ledger)) == [0]
    assert ordinals(front_of(*ledger, feasible_only=False)) == [1]
