"""A cloud has every member of the front and whatever is in flight, and thins the rest evenly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nas.records import CandidateState, LedgerRow
from nas.statistics.cloud import STATES, Points, spread
from nas.testing.builders import START


def row(ordinal: int, **fields: Any) -> LedgerRow:
    known: dict[str, Any] = {
        "state": CandidateState.SCORED,
        "operator": "random",
        "violation": 0.0,
        "scores": {"psnr_db": 30.0, "params": 100.0},
    }
    return LedgerRow(ordinal=ordinal, genotype_digest=str(ordinal), asked_at=START, **known | fields)


def test_columns_tell_every_candidate_by_ordinal() -> None:
    points = Points()
    points.add(row(1, operator="width", rung=1, replicate=2, violation=0.5))
    points.add(row(0, state=CandidateState.FAILED, violation=None, scores={"params": 7.0}))
    flying = row(2, state=CandidateState.EVALUATING, operator="kernel", violation=None, scores={"params": 9.0})
    cloud = points.cloud([flying], {1}, most=3)
    assert (cloud.told, cloud.untold, cloud.operators) == (2, 1, ("width", "random", "kernel"))
    assert cloud.ordinal.tolist() == [0, 1, 2]
    assert [STATES[place].value for place in cloud.state] == ["failed", "scored", "evaluating"]
    assert cloud.operator.tolist() == [1, 0, 2]
    assert (cloud.rung.tolist(), cloud.replicate.tolist()) == ([0, 1, 0], [0, 2, 0])
    assert (cloud.front.tolist(), cloud.feasible.tolist()) == ([False, True, False], [False, False, False])
    assert cloud.figures["params"].tolist() == [7.0, 100.0, 9.0]
    assert [math.isnan(value) for value in cloud.figures["psnr_db"]] == [True, False, True]


def test_a_search_without_candidates_is_an_empty_cloud() -> None:
    cloud = Points().cloud([], set(), most=5)
    assert cloud.ordinal.shape == cloud.figures["psnr_db"].shape == (0,)


@given(told=st.integers(0, 60), flying=st.integers(0, 5), front=st.sets(st.integers(0, 59)), most=st.integers(1, 70))
def test_the_front_and_what_is_in_flight_are_always_there(told: int, flying: int, front: set[int], most: int) -> None:
    points, members = Points(), {ordinal for ordinal in front if ordinal < told}
    for ordinal in range(told):
        points.add(row(ordinal))
    untold = [row(told + k, state=CandidateState.EVALUATING, violation=None) for k in range(flying)]
    cloud = points.cloud(untold, members, most)
    shown = set(cloud.ordinal.tolist())
    assert members | {one.ordinal for one in untold} <= shown
    assert len(shown) == len(cloud.ordinal) == max(min(most, told + flying), len(members) + flying)
    assert set(cloud.ordinal[cloud.front].tolist()) == members


@given(total=st.integers(2, 3000), most=st.integers(1, 400))
def test_what_is_shown_of_many_is_evenly_spread(total: int, most: int) -> None:
    """No gap is four times as wide as it would be on a grid."""
    shown = spread(np.zeros(total, dtype=bool), most)
    gaps = np.diff([-1, *shown.tolist(), total])
    assert len(shown) == min(most, total)
    assert gaps.max() <= 4 * total / len(shown) + 1


@given(total=st.integers(2, 2000), most=st.integers(1, 300))
def test_one_more_candidate_changes_one_point_of_the_others(total: int, most: int) -> None:
    before, after = (set(spread(np.zeros(count, dtype=bool), most).tolist()) for count in (total, total + 1))
    assert len(before - after) <= 1
